import type { Actor } from '@queue-manager/contracts/events';
import type { PartyState } from '@queue-manager/contracts/parties';
import type { KeyedGate } from '@queue-manager/service-kit/limits/gate';
import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import { sql } from 'kysely';
import { type Database, type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { Line } from './line.ts';
import type { LineFeed } from './line-feed.ts';

/** Parties removed under one lock, so that joins and calls of the queue go on in between. */
export const sliceSize = 250;

export const reasonOfClosing = 'The queue closed';

/**
 * Removes parties in a state from the end of the line, so that nobody moves up before being removed, each
 * with its own event. `untilSeq` spares parties that have changed since that sequence number. Resolves with whether
 * there are more: these are for the next transaction.
 */
export async function removeSlice(
  line: Line,
  state: PartyState,
  actor: Actor,
  { reason, untilSeq }: { reason?: string; untilSeq?: number } = {},
): Promise<boolean> {
  const parties = await line.trx
    .selectFrom('parties as p')
    .leftJoin('personal as c', (join) =>
      join.onRef('c.queue_id', '=', 'p.queue_id').onRef('c.party_id', '=', 'p.id'),
    )
    .selectAll('p')
    .select(sql<0 | 1>`c.email IS NOT NULL`.as('has_email'))
    .where('p.queue_id', '=', line.queue.id)
    .where('p.state', '=', state)
    .$if(untilSeq !== undefined, (query) => query.where('p.seq', '<=', untilSeq as number))
    .orderBy('p.lane', 'desc')
    .orderBy('p.order_key', 'desc')
    .orderBy('p.id', 'desc')
    .limit(sliceSize + 1)
    .execute();
  const hasMore = parties.length > sliceSize;
  await line.removeAll(parties.slice(0, sliceSize).reverse(), actor, reason);
  return hasMore;
}

/**
 * Changes a line slice by slice, each in a transaction of its own, with pauses for everybody else. `slice` locks the line
 * and resolves with it, and with whether there is more to do.
 */
export async function inSlices(
  { db, lines, feed }: { db: Database; lines: KeyedGate; feed: LineFeed },
  queueId: string,
  slice: (trx: DatabaseTransaction) => Promise<{ line: Line; hasMore: boolean }>,
): Promise<void> {
  const change = () =>
    inTransaction(db, async (trx) => {
      const { line, hasMore } = await slice(trx);
      return { hasMore, events: await line.write() };
    });
  for (let hasMore = true; hasMore; ) {
    hasMore = await atHalfTime(async () => {
      const changed = await lines.run(queueId, change, { isPatient: true });
      await feed.committed(changed.events);
      return changed.hasMore;
    });
  }
}

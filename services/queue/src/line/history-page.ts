import type { EventData, PartyEventType } from '@queue-manager/contracts/events';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { Selectable } from 'kysely';
import type { Database } from '../db/database.ts';
import { pageOf } from '../db/page-of.ts';
import type { EventTable } from '../db/tables.ts';

type HistoryQuery = {
  limit: number;
  cursor?: string | undefined;
  after?: number;
  order?: 'asc' | 'desc';
};

/** A page of the events of a queue, or of one party of it, that follow `after`. */
export async function historyPage(
  db: Database,
  of: { queueId: Buffer; partyId?: Buffer },
  { limit, cursor, after = 0, order = 'asc' }: HistoryQuery,
): Promise<{ data: HistoryEvent[]; nextCursor: string | null }> {
  const [last] = cursor === undefined ? [null] : decodeCursor(cursor, ['count']);
  const range =
    order === 'asc' ? { after: Math.max(after, last ?? 0) } : { after, before: last ?? undefined };
  const events = await eventsAfter(db, { ...of, ...range, order, limit: limit + 1 });
  const { shown, nextCursor } = pageOf(events, limit, ({ seq }) => encodeCursor([seq]));
  return { data: shown, nextCursor };
}

/** The events of a queue, or of one party of it, that follow `after`, by default oldest first. */
export async function eventsAfter(
  db: Database,
  options: {
    queueId: Buffer;
    partyId?: Buffer | undefined;
    after: number;
    before?: number | undefined;
    order?: 'asc' | 'desc';
    limit: number;
  },
): Promise<HistoryEvent[]> {
  const { queueId, partyId, after, before, order = 'asc', limit } = options;
  const rows = await db
    .selectFrom('events as e')
    .leftJoin('reasons as r', (join) =>
      join.onRef('r.queue_id', '=', 'e.queue_id').onRef('r.seq', '=', 'e.seq'),
    )
    .selectAll('e')
    .select('r.text as reason')
    .where('e.queue_id', '=', queueId)
    .where('e.seq', '>', after)
    .$if(before !== undefined, (events) => events.where('e.seq', '<', before as number))
    .$if(partyId !== undefined, (events) => events.where('e.party_id', '=', partyId as Buffer))
    .orderBy('e.seq', order)
    .limit(limit)
    .execute();
  return rows.map(historyEvent);
}

function historyEvent(row: Selectable<EventTable> & { reason: string | null }): HistoryEvent {
  const data = JSON.parse(row.data) as Partial<EventData<PartyEventType | 'queue.changed'>>;
  const party = 'party' in data ? data : undefined;
  const queue = 'queue' in data ? data.queue : undefined;
  return {
    id: bytesToUuid(row.id),
    seq: row.seq,
    type: row.type,
    time: row.time.toISOString(),
    actor: data.actor ?? { kind: 'system' },
    reason: row.reason,
    partyId: row.party_id === null ? null : bytesToUuid(row.party_id),
    previousState: party?.previousState ?? null,
    position: party?.position ?? null,
    override: party?.override ?? false,
    party: party?.party ?? null,
    queue: queue ?? null,
  };
}

import { Readable } from 'node:stream';
import { getSnapshot as contract } from '@queue-manager/contracts/internal';
import { inLine } from '@queue-manager/contracts/party-moves';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { type ControlledTransaction, sql } from 'kysely';
import type { PartyRow, QueueRow, Tables } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { behind } from '../line/line-order.ts';
import { partySnapshot, queueSnapshot } from '../line/snapshots.ts';

const chunkSize = 1_000;
/** Longest pause of a reader: a transaction that stays open keeps old versions of all rows. */
const pauseMsMax = 30_000;

/** Streams the queue as of one moment: REPEATABLE READ lets every page see what the first saw, without locks. */
export const getSnapshot = ({ db }: Deps) =>
  route(contract, async function getSnapshot({ params }) {
    const trx = await db.startTransaction().setIsolationLevel('repeatable read').execute();
    try {
      const queue = await trx
        .selectFrom('queues')
        .selectAll()
        .where('id', '=', uuidToBytes(params.queueId))
        .executeTakeFirst();
      if (queue === undefined) throw problems.notFound();
      const pause = setTimeout(() => answer.destroy(new Error('The reader pauses')), pauseMsMax);
      const answer = Readable.from(lines(trx, queue, () => pause.refresh()));
      // Also when the client disconnects, even before the first line: releases the connection.
      answer.once('close', () => {
        clearTimeout(pause);
        void end(trx);
      });
      return answer;
    } catch (error) {
      await end(trx);
      throw error;
    }
  });

/** Nothing was written; if the database is unavailable, the transaction has ended already. */
async function end(trx: ControlledTransaction<Tables>): Promise<void> {
  await trx
    .rollback()
    .execute()
    .catch(() => undefined);
}

async function* lines(
  trx: ControlledTransaction<Tables>,
  queue: QueueRow,
  onRead: () => void,
): AsyncGenerator<string> {
  const head = {
    venueId: bytesToUuid(queue.venue_id),
    queueId: bytesToUuid(queue.id),
    queue: queueSnapshot(queue),
    parties: queue.waiting + queue.called,
  };
  yield `${JSON.stringify(head)}\n`;
  for (const state of inLine) {
    let last: PartyRow | undefined;
    do {
      onRead();
      const after = last === undefined ? sql`` : sql`AND ${behind('parties', last)}`;
      const { rows } = await sql<PartyRow>`
        SELECT * FROM parties FORCE INDEX (parties_line)
        WHERE queue_id = ${queue.id} AND state = ${state} ${after}
        ORDER BY lane, order_key, id LIMIT ${chunkSize}`.execute(trx);
      last = rows.length === chunkSize ? rows.at(-1) : undefined;
      if (rows.length > 0) {
        yield `${rows.map((party) => JSON.stringify(partySnapshot(party))).join('\n')}\n`;
      }
    } while (last !== undefined);
  }
}

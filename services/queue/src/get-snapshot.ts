import { Readable } from 'node:stream';
import { getSnapshot as contract } from '@queue-manager/contracts/internal';
import { inLine } from '@queue-manager/contracts/party-moves';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { ControlledTransaction } from 'kysely';
import type { Deps } from './deps.ts';
import { behind } from './line-order.ts';
import type { PartyRow, QueueRow } from './membership.ts';
import { partySnapshot, queueSnapshot } from './snapshots.ts';
import type { Tables } from './tables.ts';

const chunkSize = 1_000;

/**
 * The line as of one moment, streamed. REPEATABLE READ makes every page see what the first statement saw,
 * without holding anybody up.
 */
export const getSnapshot = ({ db }: Deps) =>
  route(contract, async ({ params }) => {
    const trx = await db.startTransaction().setIsolationLevel('repeatable read').execute();
    try {
      const queue = await trx
        .selectFrom('queues')
        .selectAll()
        .where('id', '=', uuidToBytes(params.queueId))
        .executeTakeFirst();
      if (queue === undefined) throw problems.notFound();
      return Readable.from(lines(trx, queue));
    } catch (error) {
      await trx.rollback().execute();
      throw error;
    }
  });

async function* lines(trx: ControlledTransaction<Tables>, queue: QueueRow): AsyncGenerator<string> {
  try {
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
        const chunk: PartyRow[] = await trx
          .selectFrom('parties')
          .selectAll()
          .where('queue_id', '=', queue.id)
          .where('state', '=', state)
          .$if(last !== undefined, (select) => select.where(behind('parties', last as PartyRow)))
          .orderBy('lane')
          .orderBy('order_key')
          .orderBy('id')
          .limit(chunkSize)
          .execute();
        last = chunk.length === chunkSize ? chunk.at(-1) : undefined;
        if (chunk.length > 0) {
          yield `${chunk.map((party) => JSON.stringify(partySnapshot(party))).join('\n')}\n`;
        }
      } while (last !== undefined);
    }
  } finally {
    // Also when the reader goes away in the middle: the connection goes back to the pool.
    await trx.rollback().execute();
  }
}

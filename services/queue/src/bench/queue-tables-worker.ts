/** Creates and fills the tables of the queue service for benchmarks. */
import { answerQuestions, workerOptions } from '@queue-manager/bench/measure/worker';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { migrate, openDatabase } from '../db/database.ts';
import { keyBetween } from '../line/order-key.ts';

const rowsPerStatement = 1_000;
const db = openDatabase({ url: workerOptions<{ url: string }>().url, poolSize: 1 });

/**
 * Inserts waiting parties past the routes. There are no outbox pointers, so the projection of the queue has to be
 * rebuilt afterwards.
 */
async function fillLine(options: { queueId: string; count: number }): Promise<void> {
  const { count } = options;
  const queueId = uuidToBytes(options.queueId);
  const now = systemClock.now();
  const queue = await db
    .selectFrom('queues')
    .selectAll()
    .where('id', '=', queueId)
    .executeTakeFirstOrThrow();
  let { seq, tail_key } = queue;
  for (let from = 0; from < count; from += rowsPerStatement) {
    const ids = Array.from({ length: Math.min(rowsPerStatement, count - from) }, () =>
      uuidToBytes(newId(systemClock)),
    );
    const parties = ids.map((id, index) => {
      tail_key = keyBetween(tail_key, null);
      seq += 1;
      return {
        queue_id: queueId,
        id,
        number: queue.last_number + from + index + 1,
        // One in ten is in the priority lane.
        lane: (from + index) % 10 === 0 ? 0 : 1,
        order_key: tail_key,
        state: 'waiting' as const,
        size: 1 + ((from + index) % 8),
        source: 'guest' as const,
        seq,
        joined_at: now,
      };
    });
    await db.insertInto('parties').values(parties).execute();
    await db
      .insertInto('personal')
      .values(
        ids.map((id) => ({
          queue_id: queueId,
          party_id: id,
          name: 'Rui Gomes',
          name_key: 'rui gomes',
          email: null,
          email_key: null,
          phone: null,
          notes: null,
          locale: null,
        })),
      )
      .execute();
    await db
      .insertInto('events')
      .values(
        parties.map((party) => ({
          queue_id: queueId,
          seq: party.seq,
          id: uuidToBytes(newId(systemClock)),
          type: 'party.joined' as const,
          party_id: party.id,
          time: now,
          data: '{}',
        })),
      )
      .execute();
  }
  await db
    .updateTable('queues')
    .set({
      seq,
      tail_key,
      waiting: queue.waiting + count,
      last_number: queue.last_number + count,
    })
    .where('id', '=', queueId)
    .execute();
}

answerQuestions({ migrate: () => migrate(db), fillLine }, () => db.destroy());

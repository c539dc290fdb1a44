import { sql } from 'kysely';
import type { VenueFacts } from '../access/membership.ts';
import type { DatabaseTransaction } from '../db/database.ts';
import type { PartyRow, QueueRow } from '../db/tables.ts';
import { businessDayOf } from './business-day.ts';

/** A queue under its lock; `queue` is as it will be written. */
type LockedQueue = { trx: DatabaseTransaction; queue: QueueRow; now: Date };

/**
 * The number of the next party to join. Numbers begin again on each business day, but skip those that parties in the
 * line hold. The day never goes back, whatever happens to the clock or to the venue's timezone.
 */
export async function takeNumber(
  { trx, queue, now }: LockedQueue,
  { timezone, day_starts_at }: Pick<VenueFacts, 'timezone' | 'day_starts_at'>,
): Promise<number> {
  const day = businessDayOf(now, timezone, day_starts_at);
  if (queue.number_day === null || day > queue.number_day) {
    queue.number_day = day;
    queue.held_number = Math.max(queue.held_number, queue.last_number);
    queue.last_number = 0;
  }
  if (queue.waiting + queue.called === 0) queue.held_number = 0;
  queue.last_number = await nextFree(trx, queue);
  return queue.last_number;
}

/** A party that returns to the line keeps its number, unless another one in the line has it by now. */
export async function numberOfReturning(
  { trx, queue }: LockedQueue,
  { id, number }: PartyRow,
): Promise<number> {
  const { rows } = await sql`
    SELECT 1 FROM parties FORCE INDEX (parties_number)
    WHERE queue_id = ${queue.id} AND number = ${number} AND id <> ${id}
      AND state IN ('waiting', 'called') LIMIT 1`.execute(trx);
  if (rows.length === 0) {
    queue.held_number = Math.max(queue.held_number, number);
    return number;
  }
  queue.last_number = await nextFree(trx, queue);
  return queue.last_number;
}

/** The first number after the last one that no party in the line holds: looked for in ranges that double. */
async function nextFree(trx: DatabaseTransaction, queue: QueueRow): Promise<number> {
  const next = queue.last_number + 1;
  if (next > queue.held_number) return next;
  for (let [from, count] = [next, 1]; ; from += count, count *= 2) {
    const { rows } = await sql<{ number: number }>`
      SELECT number FROM parties FORCE INDEX (parties_number)
      WHERE queue_id = ${queue.id} AND number >= ${from} AND number < ${from + count}
        AND state IN ('waiting', 'called')`.execute(trx);
    const held = new Set(rows.map(({ number }) => number));
    for (let number = from; number < from + count; number += 1) {
      if (!held.has(number)) return number;
    }
  }
}

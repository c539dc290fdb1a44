import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import { isOneOf, type TaskKey } from '../db/task-keys.ts';

const keptMs = 30 * dayMs;

/**
 * Deletes tasks that were done and due 30 days ago, a few at a time; gives back how many. Found by
 * `tasks_due`, which a DELETE cannot be told to use.
 */
export async function sweepTasks({ db, clock }: { db: Database; clock: Clock }): Promise<number> {
  const before = new Date(clock.now().getTime() - keptMs);
  return inTransaction(db, async (trx) => {
    const { rows } = await sql<TaskKey>`
      SELECT venue_id, id FROM tasks FORCE INDEX (tasks_due)
      WHERE state = 'done' AND run_at <= ${before}
      ORDER BY run_at LIMIT 500
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (rows.length > 0) await trx.deleteFrom('tasks').where(isOneOf(rows)).execute();
    return rows.length;
  });
}

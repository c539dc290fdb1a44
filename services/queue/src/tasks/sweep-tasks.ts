import type { TaskState } from '@queue-manager/contracts/tasks';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import { isOneOf, type TaskKey } from '../db/task-keys.ts';

const keptMs = 30 * dayMs;

/**
 * Deletes a batch of done and one of skipped tasks that were due 30 days ago; returns how many. Selects them first, since
 * a DELETE takes no FORCE INDEX.
 */
export async function sweepTasks({ db, clock }: { db: Database; clock: Clock }): Promise<number> {
  const before = new Date(clock.now().getTime() - keptMs);
  return (await sweepIn('done', db, before)) + (await sweepIn('skipped', db, before));
}

async function sweepIn(state: TaskState, db: Database, before: Date): Promise<number> {
  return inTransaction(db, async (trx) => {
    const { rows } = await sql<TaskKey>`
      SELECT venue_id, id FROM tasks FORCE INDEX (tasks_due)
      WHERE state = ${state} AND run_at <= ${before}
      ORDER BY run_at LIMIT 500
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (rows.length > 0) await trx.deleteFrom('tasks').where(isOneOf(rows)).execute();
    return rows.length;
  });
}

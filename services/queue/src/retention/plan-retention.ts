import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import { sql } from 'kysely';
import { type Database, inTransaction } from '../db/database.ts';
import { newTask } from '../line/new-task.ts';
import type { TaskKindName } from '../line/task-kinds.ts';

/** How often a venue's old personal data is erased. */
export const retentionEveryMs = dayMs;

const batchSize = 100;
const kind: TaskKindName = 'retention.erase';

/**
 * Schedules the erasure task of a batch of venues that are due; returns how many. The task and the venue's next due
 * time are written together, and concurrent instances take different venues. A locked venue is found a minute
 * later.
 *
 * A venue whose task is still scheduled gets no second one, since it reads the venue when it runs. Running and
 * failed tasks do not count: erasing twice is harmless.
 */
export async function planRetention({
  db,
  clock,
}: {
  db: Database;
  clock: Clock;
}): Promise<number> {
  return inTransaction(db, async (trx) => {
    const now = clock.now();
    const { rows: venues } = await sql<{ id: Buffer }>`
      SELECT id FROM venues FORCE INDEX (venues_retention)
      WHERE deleted_at IS NULL AND retention_due_at <= ${now}
      ORDER BY retention_due_at LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (venues.length === 0) return 0;
    const ids = venues.map(({ id }) => id);
    await trx
      .updateTable('venues')
      .set({ retention_due_at: new Date(now.getTime() + retentionEveryMs) })
      .where('id', 'in', ids)
      .execute();
    const waiting = await trx
      .selectFrom('tasks')
      .select('venue_id')
      .where('venue_id', 'in', ids)
      .where('kind', '=', kind)
      .where('state', '=', 'scheduled')
      .execute();
    const isPlanned = new Set(waiting.map(({ venue_id }) => venue_id.toString('hex')));
    const tasks = ids
      .filter((id) => !isPlanned.has(id.toString('hex')))
      .map((venue_id) => newTask(clock, now, { venue_id, kind }));
    if (tasks.length > 0) await trx.insertInto('tasks').values(tasks).execute();
    return venues.length;
  });
}

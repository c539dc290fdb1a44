import type { EventData, TaskRef } from '@queue-manager/contracts/events';
import type { TaskState } from '@queue-manager/contracts/tasks';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { type RawBuilder, sql } from 'kysely';
import { type Database, type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { TaskRow, TaskTable } from '../db/tables.ts';
import { isOneOf, type TaskKey } from '../db/task-keys.ts';
import { taskKinds } from './registry.ts';

/** Tasks per batch: ten SQS batches. */
export const batchSize = 100;

const secondMs = 1_000;

/** The reference to a handed-out task in messages. */
export function taskRef({ venue_id, id, attempts }: TaskRow): TaskRef {
  return { venueId: bytesToUuid(venue_id), taskId: bytesToUuid(id), attempt: attempts };
}

/** Only kinds that this version knows: during a deployment, new kinds wait for new instances. */
const isKnown = () => sql<boolean>`kind IN (${sql.join([...taskKinds.keys()])})`;

/**
 * Takes a batch of due tasks, the longest due first: marks them as running under a lease, and returns the changed
 * rows. `SKIP LOCKED` lets concurrent instances take different tasks.
 *
 * `tasks_due` finds them in 100 reads, however many tasks there are. The UPDATE goes by primary keys in their order,
 * as does every statement on several tasks, so that two of them never deadlock.
 */
export async function takeDue(db: Database, now: Date, leaseSeconds: number): Promise<TaskRow[]> {
  return inTransaction(db, async (trx) => {
    const { rows } = await sql<TaskRow>`
      SELECT * FROM tasks FORCE INDEX (tasks_due)
      WHERE state = 'scheduled' AND run_at <= ${now} AND ${isKnown()}
      ORDER BY run_at LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (rows.length === 0) return [];
    const changes = {
      state: 'running',
      lease_until: new Date(now.getTime() + leaseSeconds * secondMs),
      updated_at: now,
    } as const;
    await update(trx, rows, { ...changes, attempts: sql`attempts + 1` });
    return rows.map((row) => ({ ...row, ...changes, attempts: row.attempts + 1 }));
  });
}

/** When the first scheduled task is due; null when there is none. */
export async function earliestRunAt(db: Database): Promise<Date | null> {
  const { rows } = await sql<{ run_at: Date }>`
    SELECT run_at FROM tasks FORCE INDEX (tasks_due)
    WHERE state = 'scheduled' AND ${isKnown()}
    ORDER BY run_at LIMIT 1`.execute(db);
  return rows[0]?.run_at ?? null;
}

/** Reschedules a batch of tasks whose lease expired without a result; returns how many. */
export async function reclaimLost(db: Database, now: Date): Promise<number> {
  return inTransaction(db, async (trx) => {
    const { rows } = await sql<TaskKey>`
      SELECT venue_id, id FROM tasks FORCE INDEX (tasks_leases)
      WHERE state = 'running' AND lease_until <= ${now}
      ORDER BY lease_until LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (rows.length === 0) return 0;
    await update(trx, rows, { state: 'scheduled', lease_until: null, updated_at: now });
    return rows.length;
  });
}

/**
 * Changes handed-out tasks unless they have moved on: only rows in one of the states `from` with the same attempt
 * number. One statement per attempt number, which is mostly the same for all.
 */
export async function changeRunning(
  db: Database,
  refs: readonly TaskRef[],
  changes: Changes,
  from: readonly TaskState[] = ['running'],
): Promise<void> {
  for (const [attempt, sameAttempt] of Map.groupBy(refs, (ref) => ref.attempt)) {
    const keys = sameAttempt.map(({ venueId, taskId }) => ({
      venue_id: uuidToBytes(venueId),
      id: uuidToBytes(taskId),
    }));
    await inTransaction(db, (trx) =>
      update(trx, keys, changes, sql`AND state IN (${sql.join(from)}) AND attempts = ${attempt}`),
    );
  }
}

/** Deletes tasks that still run the given attempt; locks them by primary key, like the other statements. */
export async function deleteRunning(db: Database, refs: readonly TaskRef[]): Promise<void> {
  if (refs.length === 0) return;
  const attempts = new Map(refs.map(({ taskId, attempt }) => [taskId, attempt]));
  const keys = refs.map(({ venueId, taskId }) => ({
    venue_id: uuidToBytes(venueId),
    id: uuidToBytes(taskId),
  }));
  await inTransaction(db, async (trx) => {
    const { rows } = await sql<TaskKey & { attempts: number }>`
      SELECT venue_id, id, attempts FROM tasks FORCE INDEX (PRIMARY)
      WHERE ${isOneOf(keys)} AND state = 'running'
      FOR UPDATE`.execute(trx);
    const found = rows.filter((row) => attempts.get(bytesToUuid(row.id)) === row.attempts);
    if (found.length > 0) await trx.deleteFrom('tasks').where(isOneOf(found)).execute();
  });
}

type Changes = { [C in keyof TaskTable]?: TaskRow[C] | RawBuilder<TaskRow[C]> };

/**
 * Forced to the primary key: with few running tasks the optimizer would scan all of them, and lock rows that others
 * are about to change.
 */
async function update(
  trx: DatabaseTransaction,
  tasks: readonly TaskKey[],
  changes: Changes,
  condition: RawBuilder<unknown> = sql``,
): Promise<void> {
  const assignments = Object.entries(changes).map(
    ([column, value]) => sql`${sql.ref(column)} = ${value}`,
  );
  await sql`
    UPDATE tasks FORCE INDEX (PRIMARY) SET ${sql.join(assignments)}
    WHERE ${isOneOf(tasks)} ${condition}`.execute(trx);
}

export type Finished = EventData<'task.finished'>;

/**
 * Records results with one statement per distinct outcome. Stale and repeated results change nothing. A failed task
 * becomes done when an operator redrove its dead letter, a skipped one when its message was delivered twice and the
 * limit had ended by then.
 */
export async function finishTasks(
  db: Database,
  now: Date,
  results: readonly Finished[],
): Promise<void> {
  const groups = Map.groupBy(results, ({ outcome, error }) => JSON.stringify([outcome, error]));
  for (const group of groups.values()) {
    const { outcome, error } = group[0] as Finished;
    await changeRunning(
      db,
      group.map(({ task }) => task),
      { state: outcome, last_error: error, lease_until: null, updated_at: now },
      outcome === 'done' ? ['running', 'failed', 'skipped'] : ['running'],
    );
  }
}

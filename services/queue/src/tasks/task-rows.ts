import type { TaskRef } from '@queue-manager/contracts/events';
import type { TaskState } from '@queue-manager/contracts/tasks';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { type RawBuilder, sql } from 'kysely';
import { type Database, type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { TaskRow, TaskTable } from '../db/tables.ts';
import { isOneOf, type TaskKey } from '../db/task-keys.ts';
import { taskKinds } from './registry.ts';

/** Tasks taken at a time; ten SQS batches. */
export const batchSize = 100;

const secondMs = 1_000;

/** How messages name a task that is handed out. */
export function taskRef({ venue_id, id, attempts }: TaskRow): TaskRef {
  return { venueId: bytesToUuid(venue_id), taskId: bytesToUuid(id), attempt: attempts };
}

/** Only what this version knows how to do: in a deployment, new kinds wait for new instances. */
const isKnown = () => sql<boolean>`kind IN (${sql.join([...taskKinds.keys()])})`;

/**
 * Takes a batch of due tasks, the longest due first: from now on they are running, and nobody else's until
 * the lease is over. `SKIP LOCKED` lets any number of instances take different ones. The answer is the rows
 * as they now are.
 *
 * Found by `tasks_due`, 100 reads however many tasks there are; the UPDATE goes by primary keys in their
 * order, as every statement on several tasks does, so that two of them never wait for each other.
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

/** When the first of the scheduled tasks is due; null when there is none. */
export async function earliestRunAt(db: Database): Promise<Date | null> {
  const { rows } = await sql<{ run_at: Date }>`
    SELECT run_at FROM tasks FORCE INDEX (tasks_due)
    WHERE state = 'scheduled' AND ${isKnown()}
    ORDER BY run_at LIMIT 1`.execute(db);
  return rows[0]?.run_at ?? null;
}

/** Puts tasks back whose lease ran out, which is to say that nobody will report them; gives how many. */
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
 * Changes tasks that were handed out, unless something newer is known of them: only rows that are still
 * running the attempt named (or in one of the states `from`). One statement for each attempt number, which
 * mostly is the same for all.
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

/** Deletes tasks that are still running the attempt named; found by primary keys, as the others change them. */
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
 * Told to go by the primary key: where few tasks are running, the optimizer would rather walk all of them,
 * and lock what others are about to change.
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

export type Finished = { task: TaskRef; outcome: 'done' | 'failed'; error: string | null };

/**
 * Records how tasks ended, by as few statements as there are outcomes. A stale or repeated result changes
 * nothing. What was given up is done after all when an operator has sent its dead letter back.
 */
export async function finishTasks(
  db: Database,
  now: Date,
  results: readonly Finished[],
): Promise<void> {
  const alike = Map.groupBy(results, ({ outcome, error }) => JSON.stringify([outcome, error]));
  for (const group of alike.values()) {
    const { outcome, error } = group[0] as Finished;
    await changeRunning(
      db,
      group.map(({ task }) => task),
      { state: outcome, last_error: error, lease_until: null, updated_at: now },
      outcome === 'done' ? ['running', 'failed'] : ['running'],
    );
  }
}

import type { Clock } from '@queue-manager/service-kit/clock';
import type { Metrics } from '@queue-manager/service-kit/telemetry/metrics';
import { sql } from 'kysely';
import type { Database } from './db/database.ts';

/** Counting more would take long, and is as alarming. */
const countedMax = 10_000;

/** Measures lines, outbox and tasks as MySQL has them, each time that metrics are collected. */
export function measureStore({
  db,
  clock,
  metrics,
}: {
  db: Database;
  clock: Clock;
  metrics: Metrics;
}): void {
  const lines = shared(async () => {
    const { rows } = await sql<{ waiting: string; called: string; longest: number | null }>`
      SELECT COALESCE(SUM(waiting), 0) AS waiting, COALESCE(SUM(called), 0) AS called,
        MAX(waiting) AS longest
      FROM queues WHERE deleted_at IS NULL`.execute(db);
    const [{ waiting = 0, called = 0, longest = 0 } = {}] = rows;
    return { waiting: Number(waiting), called: Number(called), longest: longest ?? 0 };
  });
  metrics.gauge('parties_in_line', async () => {
    const { waiting, called } = await lines();
    return new Map(Object.entries({ waiting, called }));
  });
  metrics.gauge('longest_line_parties', async () => (await lines()).longest);

  const count = async (from: ReturnType<typeof sql>) => {
    const { rows } = await sql<{ count: number }>`
      SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${from} LIMIT ${countedMax}) AS counted`.execute(
      db,
    );
    return rows[0]?.count ?? 0;
  };
  /** Seconds since the time that a statement finds; 0 if it finds none. */
  const secondsSince = async (statement: ReturnType<typeof sql<{ time: Date }>>) => {
    const { rows } = await statement.execute(db);
    const [found] = rows;
    return found === undefined ? 0 : (clock.now().getTime() - found.time.getTime()) / 1_000;
  };

  metrics.gauge('outbox_events', () =>
    count(sql`events FORCE INDEX (events_relay) WHERE relay_at IS NOT NULL`),
  );
  metrics.gauge('outbox_oldest_seconds', () =>
    secondsSince(sql`
      SELECT time FROM events FORCE INDEX (events_relay)
      WHERE relay_at IS NOT NULL ORDER BY relay_at LIMIT 1`),
  );
  metrics.gauge('tasks', async () => {
    const inState = (state: string) =>
      count(sql`tasks FORCE INDEX (tasks_due) WHERE state = ${state} AND run_at <= ${clock.now()}`);
    const [due, running, failed] = await Promise.all(
      ['scheduled', 'running', 'failed'].map(inState),
    );
    return new Map(Object.entries({ due, running, failed }) as [string, number][]);
  });
  metrics.gauge('tasks_overdue_seconds', () =>
    secondsSince(sql`
      SELECT run_at AS time FROM tasks FORCE INDEX (tasks_due)
      WHERE state = 'scheduled' AND run_at <= ${clock.now()} ORDER BY run_at LIMIT 1`),
  );
}

/** Makes concurrent callers share one result. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

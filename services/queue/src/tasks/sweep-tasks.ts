import type { Clock } from '@queue-manager/service-kit/clock';
import { sql } from 'kysely';
import { type Database, inTransaction } from '../database.ts';

const keptMs = 30 * 86_400_000;

/** Deletes tasks that were done and due 30 days ago, a few at a time; gives back how many. */
export async function sweepTasks({ db, clock }: { db: Database; clock: Clock }): Promise<number> {
  const before = new Date(clock.now().getTime() - keptMs);
  const { numAffectedRows } = await inTransaction(db, (trx) =>
    sql`
      DELETE FROM tasks WHERE state = 'done' AND run_at <= ${before}
      ORDER BY run_at LIMIT 500`.execute(trx),
  );
  return Number(numAffectedRows ?? 0);
}

import { sql } from 'kysely';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** Deletes a batch of rows whose time in `column` is `until` or earlier, oldest first; returns how many. */
export async function sweepUntil<Table extends keyof Tables & string>(
  db: Database,
  table: Table,
  column: keyof Tables[Table] & string,
  until: Date,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    DELETE FROM ${sql.table(table)} WHERE ${sql.ref(column)} <= ${until}
    ORDER BY ${sql.ref(column)} LIMIT 1000`.execute(db);
  return Number(numAffectedRows);
}

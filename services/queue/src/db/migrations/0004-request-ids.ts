import { type Kysely, sql } from 'kysely';

/*
 * The request, and the trace, that an event or a task comes from. Each statement is passed over where an
 * interrupted start has already run it.
 */
export async function up(db: Kysely<never>): Promise<void> {
  for (const table of ['outbox', 'tasks']) {
    const { rows } = await sql`
      SELECT 1 FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ${table} AND column_name = 'request_id'`.execute(
      db,
    );
    if (rows.length > 0) continue;
    await sql
      .raw(
        `ALTER TABLE ${table}
           ADD COLUMN request_id VARCHAR(64) NULL, ADD COLUMN traceparent VARCHAR(64) NULL`,
      )
      .execute(db);
  }
}

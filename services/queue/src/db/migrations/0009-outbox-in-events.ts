import { type Kysely, sql } from 'kysely';

/*
 * The outbox becomes columns of the events: `relay_at` says when the relay may send an event, and is null when it
 * need not. Instances of the version before still write the table `outbox`, and call the procedure `admit_party_1`,
 * while they are replaced: both go in a later release. Each statement is skipped where an interrupted start has run it.
 */
export async function up(db: Kysely<never>): Promise<void> {
  const columns = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'events' AND column_name = 'relay_at'`.execute(
    db,
  );
  if (columns.rows.length === 0) {
    await sql
      .raw(
        `ALTER TABLE events
           ADD COLUMN relay_at DATETIME(3) NULL,
           ADD COLUMN request_id VARCHAR(64) NULL,
           ADD COLUMN traceparent VARCHAR(64) NULL`,
      )
      .execute(db);
  }
  const keys = await sql`
    SELECT 1 FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'events' AND index_name = 'events_relay'`.execute(
    db,
  );
  // Apart from the columns, which both servers add without touching a row.
  if (keys.rows.length === 0) {
    await sql.raw('ALTER TABLE events ADD KEY events_relay (relay_at, queue_id, seq)').execute(db);
  }
}

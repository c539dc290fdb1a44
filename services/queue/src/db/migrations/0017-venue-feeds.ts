import { type Kysely, sql } from 'kysely';

/** Which venues have a feed, and how far the events of their queues were sent. Skipped where it has run. */
export async function up(db: Kysely<never>): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'venues' AND column_name = 'feed'`.execute(db);
  if (rows.length === 0) {
    await sql.raw('ALTER TABLE venues ADD COLUMN feed TINYINT NOT NULL DEFAULT 0').execute(db);
  }
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS feed_cursors (
         venue_id BINARY(16) NOT NULL,
         queue_id BINARY(16) NOT NULL,
         seq BIGINT NOT NULL,
         leased_until DATETIME(3) NOT NULL,
         PRIMARY KEY (venue_id, queue_id)
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

import { type Kysely, sql } from 'kysely';

/** What staff overwrote, for a minute, and how often they dated a party back. Skipped where it has run. */
export async function up(db: Kysely<never>): Promise<void> {
  const { rows } = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'events' AND column_name = 'overwritten'`.execute(
    db,
  );
  if (rows.length === 0) {
    await sql.raw('ALTER TABLE events ADD COLUMN overwritten JSON NULL').execute(db);
  }
  const create = (name: string, columns: string) =>
    sql
      .raw(
        `CREATE TABLE IF NOT EXISTS ${name} (${columns})
           ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
      )
      .execute(db);
  await create(
    'old_persons',
    `queue_id BINARY(16) NOT NULL,
     seq BIGINT NOT NULL,
     person JSON NOT NULL,
     changed_at DATETIME(3) NOT NULL,
     PRIMARY KEY (queue_id, seq),
     KEY old_persons_age (changed_at)`,
  );
  await create(
    'backdated_joins',
    `user_id BINARY(16) NOT NULL,
     party_id BINARY(16) NOT NULL,
     added_at DATETIME(3) NOT NULL,
     PRIMARY KEY (user_id, added_at, party_id),
     KEY backdated_joins_age (added_at)`,
  );
}

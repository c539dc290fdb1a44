import { type Kysely, sql } from 'kysely';

/*
 * Members by invitation, API keys, the door's count, and what the reports read. Each statement is passed over
 * where an interrupted start has already run it.
 */
const options = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export async function up(db: Kysely<never>): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(db);
  const isThere = async (table: string, column: string) => {
    const { rows } = await sql`
      SELECT 1 FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ${table} AND column_name = ${column}`.execute(
      db,
    );
    return rows.length > 0;
  };

  if (!(await isThere('parties', 'served_at'))) {
    await run(
      `ALTER TABLE parties
         ADD COLUMN served_at DATETIME(3) NULL,
         ADD COLUMN snoozes TINYINT NOT NULL DEFAULT 0,
         ADD KEY parties_joined (queue_id, joined_at, id)`,
    );
  }
  // The last call is the nearest that is known of a party from before: its first one was not kept apart.
  await run(
    `UPDATE parties SET served_at = COALESCE(called_at, seated_at)
     WHERE served_at IS NULL AND state <> 'waiting' AND COALESCE(called_at, seated_at) IS NOT NULL`,
  );
  if (!(await isThere('venues', 'retention_due_at'))) {
    await run(
      `ALTER TABLE venues
         ADD COLUMN retention_due_at DATETIME(3) NOT NULL DEFAULT '2000-01-01 00:00:00',
         ADD KEY venues_retention (deleted_at, retention_due_at)`,
    );
  }
  if (!(await isThere('venues', 'occupancy_seq'))) {
    await run('ALTER TABLE venues ADD COLUMN occupancy_seq BIGINT NOT NULL DEFAULT 0');
  }
  if (!(await isThere('tasks', 'refusals'))) {
    await run('ALTER TABLE tasks ADD COLUMN refusals INT NOT NULL DEFAULT 0');
  }
  await run(
    `CREATE TABLE IF NOT EXISTS invitations (
       venue_id BINARY(16) NOT NULL,
       id BINARY(16) NOT NULL,
       email VARCHAR(254) NOT NULL,
       email_key VARCHAR(254) NOT NULL,
       role VARCHAR(16) NOT NULL,
       invited_by BINARY(16) NOT NULL,
       created_at DATETIME(3) NOT NULL,
       expires_at DATETIME(3) NOT NULL,
       PRIMARY KEY (venue_id, id),
       UNIQUE KEY invitations_id (id),
       UNIQUE KEY invitations_email (venue_id, email_key),
       KEY invitations_expiry (expires_at)
     ) ${options}`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS api_keys (
       venue_id BINARY(16) NOT NULL,
       id BINARY(16) NOT NULL,
       name VARCHAR(80) NOT NULL,
       secret_hash BINARY(32) NOT NULL,
       created_by BINARY(16) NOT NULL,
       created_at DATETIME(3) NOT NULL,
       PRIMARY KEY (venue_id, id),
       UNIQUE KEY api_keys_id (id)
     ) ${options}`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS occupancy_changes (
       venue_id BINARY(16) NOT NULL,
       id BINARY(16) NOT NULL,
       seq BIGINT NOT NULL,
       time DATETIME(3) NOT NULL,
       delta INT NOT NULL,
       occupancy INT NOT NULL,
       queue_id BINARY(16) NULL,
       party_id BINARY(16) NULL,
       actor JSON NOT NULL,
       override TINYINT NOT NULL,
       reason VARCHAR(200) NULL,
       PRIMARY KEY (venue_id, id),
       UNIQUE KEY occupancy_changes_id (id),
       UNIQUE KEY occupancy_changes_order (venue_id, seq),
       KEY occupancy_changes_party (party_id, id)
     ) ${options}`,
  );
}

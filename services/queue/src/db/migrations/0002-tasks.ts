import { type Kysely, sql } from 'kysely';

/*
 * Tasks, and the ledger of the alerts. Each statement is passed over where an interrupted start has already
 * run it.
 */
const options = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export async function up(db: Kysely<never>): Promise<void> {
  const run = (statement: string) => sql.raw(statement).execute(db);

  // `tasks_due` finds what is due, and by its kind what an instance knows how to do; with `done` in place of
  // `scheduled` it finds what can be deleted. `tasks_list` and `tasks_kinds` are a manager's list by state and
  // by kind; a key ends in the rest of the primary key, which is the order of the list.
  await run(
    `CREATE TABLE IF NOT EXISTS tasks (
       venue_id BINARY(16) NOT NULL,
       id BINARY(16) NOT NULL,
       kind VARCHAR(40) NOT NULL,
       queue_id BINARY(16) NULL,
       party_id BINARY(16) NULL,
       payload JSON NOT NULL,
       state VARCHAR(16) NOT NULL,
       attempts INT NOT NULL DEFAULT 0,
       generation INT NOT NULL DEFAULT 0,
       last_error VARCHAR(1000) NULL,
       run_at DATETIME(3) NOT NULL,
       lease_until DATETIME(3) NULL,
       updated_at DATETIME(3) NOT NULL,
       PRIMARY KEY (venue_id, id),
       UNIQUE KEY tasks_id (id),
       KEY tasks_due (state, run_at, kind),
       KEY tasks_leases (state, lease_until),
       KEY tasks_list (venue_id, state, id),
       KEY tasks_kinds (venue_id, kind, state, id),
       KEY tasks_party (party_id, id)
     ) ${options}`,
  );
  await run(
    `CREATE TABLE IF NOT EXISTS alerts (
       queue VARCHAR(80) NOT NULL PRIMARY KEY,
       alerted_at DATETIME(3) NOT NULL
     ) ${options}`,
  );
  const { rows } = await sql`
    SELECT 1 FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'parties' AND column_name = 'almost_there'`.execute(
    db,
  );
  if (rows.length === 0) {
    await run('ALTER TABLE parties ADD COLUMN almost_there TINYINT NOT NULL DEFAULT 0');
  }
}

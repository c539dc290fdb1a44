import { type Kysely, sql } from 'kysely';

/** A row that readiness checks write. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS write_checks (
         id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
         checked_at DATETIME(3) NOT NULL
       ) ENGINE = InnoDB`,
    )
    .execute(db);
}

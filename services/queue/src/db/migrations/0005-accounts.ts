import { type Kysely, sql } from 'kysely';

/** Which accounts were deleted: a row that making an account a member locks (see `accounts.ts`). */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS accounts (
         user_id BINARY(16) NOT NULL PRIMARY KEY,
         deleted_at DATETIME(3) NULL
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

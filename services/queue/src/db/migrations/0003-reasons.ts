import { type Kysely, sql } from 'kysely';

/*
 * Why a change was made, in the words of whoever made it. They may name a guest, so they stand apart from the
 * events, which are for ever, and go with the personal data.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS reasons (
         queue_id BINARY(16) NOT NULL,
         seq BIGINT NOT NULL,
         text VARCHAR(200) NOT NULL,
         PRIMARY KEY (queue_id, seq)
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

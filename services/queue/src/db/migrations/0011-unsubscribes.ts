import { type Kysely, sql } from 'kysely';

/** Who wants no mails from a venue. `recipient` is a keyed hash of the mailbox. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS unsubscribes (
         venue_id BINARY(16) NOT NULL,
         recipient BINARY(32) NOT NULL,
         created_at DATETIME(3) NOT NULL,
         PRIMARY KEY (venue_id, recipient)
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

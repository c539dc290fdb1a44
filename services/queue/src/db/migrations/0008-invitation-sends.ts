import { type Kysely, sql } from 'kysely';

/** When an account had an invitation sent, for the limit of a day (see `invitation-sends.ts`). */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS invitation_sends (
         user_id BINARY(16) NOT NULL,
         id BINARY(16) NOT NULL,
         sent_at DATETIME(3) NOT NULL,
         PRIMARY KEY (user_id, sent_at, id),
         KEY invitation_sends_age (sent_at)
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

import { type Kysely, sql } from 'kysely';

/** What the estimates of each queue have learned: at most 64 KiB in base64, so less here. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql
    .raw(
      `CREATE TABLE IF NOT EXISTS models (
         queue_id BINARY(16) NOT NULL,
         seq BIGINT NOT NULL,
         model VARCHAR(64) NOT NULL,
         state BLOB NOT NULL,
         updated_at DATETIME(3) NOT NULL,
         PRIMARY KEY (queue_id)
       ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    )
    .execute(db);
}

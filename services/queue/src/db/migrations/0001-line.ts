import { type Kysely, sql } from 'kysely';

/*
 * The line's tables. Runs on MySQL 8.4 and MariaDB 10.11 alike; collation is binary so that comparing never
 * depends on the server. Every key leads with what the table would be sharded by. A table is no part of a
 * transaction: one that an interrupted start has made is passed over by the next.
 */
const options = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export async function up(db: Kysely<never>): Promise<void> {
  const create = (name: string, columns: string) =>
    sql.raw(`CREATE TABLE IF NOT EXISTS ${name} (${columns}) ${options}`).execute(db);

  await create(
    'venues',
    `id BINARY(16) NOT NULL PRIMARY KEY,
     name VARCHAR(80) NOT NULL,
     timezone VARCHAR(64) NOT NULL,
     locale VARCHAR(35) NOT NULL,
     capacity INT NULL,
     occupancy INT NOT NULL DEFAULT 0,
     day_starts_at CHAR(5) NOT NULL,
     retention_days INT NOT NULL,
     created_at DATETIME(3) NOT NULL,
     deleted_at DATETIME(3) NULL`,
  );
  await create(
    'members',
    `venue_id BINARY(16) NOT NULL,
     user_id BINARY(16) NOT NULL,
     role VARCHAR(16) NOT NULL,
     since DATETIME(3) NOT NULL,
     PRIMARY KEY (venue_id, user_id),
     KEY members_user (user_id, venue_id)`,
  );
  await create(
    'queues',
    `venue_id BINARY(16) NOT NULL,
     id BINARY(16) NOT NULL,
     name VARCHAR(80) NOT NULL,
     text VARCHAR(2000) NULL,
     end_message VARCHAR(2000) NULL,
     state VARCHAR(16) NOT NULL,
     join_code VARCHAR(16) NOT NULL,
     max_waiting INT NULL,
     max_party_size INT NOT NULL,
     call_grace_seconds INT NOT NULL,
     self_join TINYINT NOT NULL,
     board_labels VARCHAR(16) NOT NULL,
     seq BIGINT NOT NULL,
     waiting INT NOT NULL DEFAULT 0,
     called INT NOT NULL DEFAULT 0,
     tail_key VARBINARY(512) NULL,
     number_day CHAR(10) NULL,
     last_number INT NOT NULL DEFAULT 0,
     created_at DATETIME(3) NOT NULL,
     deleted_at DATETIME(3) NULL,
     PRIMARY KEY (venue_id, id),
     UNIQUE KEY queues_id (id),
     UNIQUE KEY queues_join_code (join_code)`,
  );
  await create(
    'parties',
    `queue_id BINARY(16) NOT NULL,
     id BINARY(16) NOT NULL,
     number INT NOT NULL,
     lane TINYINT NOT NULL,
     order_key VARBINARY(512) NOT NULL,
     state VARCHAR(16) NOT NULL,
     size INT NOT NULL,
     source VARCHAR(16) NOT NULL,
     seq BIGINT NOT NULL,
     calls INT NOT NULL DEFAULT 0,
     possible_duplicate TINYINT NOT NULL DEFAULT 0,
     joined_at DATETIME(3) NOT NULL,
     called_at DATETIME(3) NULL,
     confirmed_at DATETIME(3) NULL,
     seated_at DATETIME(3) NULL,
     departed_at DATETIME(3) NULL,
     ended_at DATETIME(3) NULL,
     PRIMARY KEY (queue_id, id),
     UNIQUE KEY parties_id (id),
     KEY parties_line (queue_id, state, lane, order_key, id),
     KEY parties_fit (queue_id, state, size, lane, order_key, id),
     KEY parties_number (queue_id, number)`,
  );
  await create(
    'quotes',
    `queue_id BINARY(16) NOT NULL,
     party_id BINARY(16) NOT NULL,
     position INT NOT NULL,
     estimate JSON NOT NULL,
     PRIMARY KEY (queue_id, party_id)`,
  );
  await create(
    'personal',
    `queue_id BINARY(16) NOT NULL,
     party_id BINARY(16) NOT NULL,
     name VARCHAR(80) NOT NULL,
     name_key VARCHAR(160) NOT NULL,
     email VARCHAR(254) NULL,
     email_key VARCHAR(254) NULL,
     phone VARCHAR(16) NULL,
     notes VARCHAR(1000) NULL,
     locale VARCHAR(35) NULL,
     PRIMARY KEY (queue_id, party_id),
     KEY personal_name (queue_id, name_key),
     KEY personal_email (queue_id, email_key),
     KEY personal_phone (queue_id, phone)`,
  );
  await create(
    'events',
    `queue_id BINARY(16) NOT NULL,
     seq BIGINT NOT NULL,
     id BINARY(16) NOT NULL,
     type VARCHAR(40) NOT NULL,
     party_id BINARY(16) NULL,
     time DATETIME(3) NOT NULL,
     data JSON NOT NULL,
     PRIMARY KEY (queue_id, seq),
     UNIQUE KEY events_id (id),
     KEY events_party (queue_id, party_id, seq)`,
  );
  await create(
    'outbox',
    `queue_id BINARY(16) NOT NULL,
     seq BIGINT NOT NULL,
     created_at DATETIME(3) NOT NULL,
     PRIMARY KEY (queue_id, seq),
     KEY outbox_age (created_at, queue_id, seq)`,
  );
  await create(
    'idempotency_keys',
    `target_id BINARY(16) NOT NULL,
     key_hash BINARY(32) NOT NULL,
     body_hash BINARY(32) NOT NULL,
     answer JSON NULL,
     created_at DATETIME(3) NOT NULL,
     PRIMARY KEY (target_id, key_hash),
     KEY idempotency_keys_age (created_at)`,
  );
}

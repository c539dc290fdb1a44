/**
 * `node services/queue/src/prepare-database.ts`: with the MYSQL_URL of an administrator, brings the tables up to date and
 * creates the account of the service, which may change rows only. Runs before each start of the service on AWS, where
 * passwords are rotated between two accounts of it.
 */
import { readConfig } from '@queue-manager/service-kit/config';
import { runOnce } from '@queue-manager/service-kit/serve';
import { sql } from 'kysely';
import { z } from 'zod';
import { queueEnv } from './config.ts';
import { type Database, migrate, openDatabase } from './db/database.ts';

const environment = {
  MYSQL_URL: queueEnv.MYSQL_URL,
  MYSQL_APP_USER: z.string().regex(/^\w{1,32}$/, 'must be letters, digits and underscores'),
  MYSQL_APP_PASSWORD: z.string().min(16, 'must have at least 16 characters'),
};

/** An existing account keeps its password: its rotation sets it. */
async function allowRows(db: Database, user: string, password: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`SELECT DATABASE() AS name`.execute(db);
  // An underscore stands for any character here.
  const name = rows[0]?.name.replaceAll('_', '\\_') ?? '';
  const account = sql.raw(`'${user}'@'%'`);
  await sql`CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${sql.lit(password)}`.execute(db);
  await sql`GRANT SELECT, INSERT, UPDATE, DELETE ON ${sql.id(name)}.* TO ${account}`.execute(db);
}

await runOnce(async () => {
  const config = readConfig(environment);
  const db = openDatabase({ url: config.MYSQL_URL, poolSize: 2 });
  await migrate(db);
  await allowRows(db, config.MYSQL_APP_USER, config.MYSQL_APP_PASSWORD);
  await db.destroy();
});

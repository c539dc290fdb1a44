import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { administratorOf } from '@queue-manager/local-stack/stores/mariadb';
import { type Stores, startStores } from '@queue-manager/local-stack/stores/start-stores';
import { sql } from 'kysely';
import { createConnection } from 'mysql2/promise';
import { type Database, migrate, openDatabase } from './db/database.ts';

const password = 'a-password-for-tests';
const refused = { code: 'ER_TABLEACCESS_DENIED_ERROR' };

suite('the program that prepares the database', () => {
  const dataDir = makeTemporaryDataDir('queue-manager-prepare-');
  let stores: Stores;
  let administrator: string;

  before(async () => {
    // A server of its own, whose accounts it may change. All other stores are those of the tests.
    const { MYSQL_URL: _, ...env } = process.env;
    stores = await startStores({ dataDir, env });
    const url = new URL(stores.env.MYSQL_URL ?? '');
    const admin = await createConnection(administratorOf(dataDir));
    await admin.query(`CREATE USER 'admin'@'127.0.0.1' IDENTIFIED BY '${password}'`);
    await admin.query("GRANT ALL PRIVILEGES ON *.* TO 'admin'@'127.0.0.1' WITH GRANT OPTION");
    await admin.end();
    administrator = as(url.href, 'admin');
  });
  after(async () => {
    await stores?.stop();
    removeDataDir(dataDir);
  });

  function as(address: string, user: string, secret = password): string {
    return Object.assign(new URL(address), { username: user, password: secret }).href;
  }

  const prepare = (MYSQL_APP_USER: string, MYSQL_APP_PASSWORD: string) =>
    promisify(execFile)(process.execPath, [join(import.meta.dirname, 'prepare-database.ts')], {
      env: { ...process.env, MYSQL_URL: administrator, MYSQL_APP_USER, MYSQL_APP_PASSWORD },
    });

  async function withDatabase(url: string, work: (db: Database) => Promise<void>): Promise<void> {
    const db = openDatabase({ url, poolSize: 2 });
    await work(db).finally(() => db.destroy());
  }

  test('lets the account of the service change rows, but not tables', async () => {
    await prepare('app', password);
    await withDatabase(as(administrator, 'app'), async (db) => {
      await migrate(db);
      await db.insertInto('write_checks').values({ id: 1, checked_at: new Date() }).execute();
      await db.deleteFrom('write_checks').execute();
      await assert.rejects(sql`DROP TABLE write_checks`.execute(db), refused);
      await assert.rejects(sql`CREATE TABLE another (id INT)`.execute(db), refused);
    });
  });

  test('keeps the password of an existing account, and adds a second one', async () => {
    await prepare('app', 'another-password-of-the-tests');
    await prepare('app_clone', password);
    for (const user of ['app', 'app_clone']) {
      await withDatabase(as(administrator, user), (db) => migrate(db));
    }
  });

  test('names what it lacks in one line', async () => {
    const run = prepare('not a name', '');
    await assert.rejects(run, {
      stderr:
        'Bad configuration: MYSQL_APP_USER must be letters, digits and underscores; MYSQL_APP_PASSWORD is missing\n',
    });
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isOutage, isProblem } from '@queue-manager/service-kit/problems';
import { freshDatabase, until } from '@queue-manager/service-kit/testing';
import { currentDeadline, runInContext } from '@queue-manager/service-kit/trace-context';
import { sql } from 'kysely';
import { checkDatabase, type Database, inTransaction, migrate, openDatabase } from './database.ts';

async function withDatabase(work: (open: () => Database) => Promise<void>): Promise<void> {
  const database = await freshDatabase();
  const opened: Database[] = [];
  try {
    await work(() => {
      const db = openDatabase({ url: database.url, poolSize: 4 });
      opened.push(db);
      return db;
    });
  } finally {
    await Promise.all(opened.map((db) => db.destroy()));
    await database.drop();
  }
}

async function tablesOf(db: Database): Promise<string[]> {
  const { rows } = await sql<Record<string, string>>`SHOW TABLES`.execute(db);
  return rows.flatMap((row) => Object.values(row)).sort();
}

const tables = [
  'accounts',
  'alerts',
  'api_keys',
  'backdated_joins',
  'events',
  'feed_cursors',
  'idempotency_keys',
  'invitation_sends',
  'invitations',
  'kysely_migration',
  'kysely_migration_lock',
  'members',
  'models',
  'occupancy_changes',
  'old_persons',
  'outbox',
  'parties',
  'personal',
  'queues',
  'quotes',
  'reasons',
  'tasks',
  'unsubscribes',
  'venues',
  'write_checks',
];

describe('migrations', () => {
  it('create the tables in an empty database, and change nothing when they exist', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      assert.deepEqual(await tablesOf(db), tables);
      await migrate(db);
      assert.deepEqual(await tablesOf(db), tables);
    }));

  it('leave tables alone that a newer version has changed, so that a deployment can be rolled back', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      await sql`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-newer', '2030-01-01')`.execute(
        db,
      );
      await migrate(open());
      assert.deepEqual(await tablesOf(db), tables);
    }));

  it('run once when several instances start at the same time', () =>
    withDatabase(async (open) => {
      const instances = Array.from({ length: 5 }, open);
      await Promise.all(instances.map(migrate));
      const [db] = instances as [Database];
      assert.deepEqual(await tablesOf(db), tables);
      const { rows } = await sql`SELECT name FROM kysely_migration`.execute(db);
      assert.deepEqual(rows, [
        { name: '0001-line' },
        { name: '0002-tasks' },
        { name: '0003-reasons' },
        { name: '0004-request-ids' },
        { name: '0005-accounts' },
        { name: '0006-line-complete' },
        { name: '0007-models' },
        { name: '0008-invitation-sends' },
        { name: '0009-outbox-in-events' },
        { name: '0010-write-checks' },
        { name: '0011-unsubscribes' },
        { name: '0012-name-keys' },
        { name: '0013-held-numbers' },
        { name: '0014-venue-creators' },
        { name: '0015-accent-colors' },
        { name: '0016-undo' },
        { name: '0017-venue-feeds' },
      ]);
    }));

  it('continue where an interrupted start left them', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      // As if the process had died in the middle: some tables made, and nothing noted.
      await sql`DROP TABLE outbox, idempotency_keys, kysely_migration, kysely_migration_lock`.execute(
        db,
      );
      await migrate(open());
      assert.deepEqual(await tablesOf(db), tables);
    }));

  it('bring the keys of names up to date, however many there are', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      const keyOf = {
        'Ana Lima': 'ana lima',
        'Jose\u0301': 'jose',
        Weiß: 'weiss',
        İsmail: 'ismail',
      };
      const names = Array.from({ length: 600 }, () => Object.keys(keyOf)).flat();
      await db
        .insertInto('personal')
        .values(
          names.map((name, index) => ({
            queue_id: Buffer.alloc(16, index % 3),
            party_id: randomBytes(16),
            name,
            name_key: name.toLowerCase(),
            email: null,
            email_key: null,
            phone: null,
            notes: null,
            locale: null,
          })),
        )
        .execute();
      await sql`DELETE FROM kysely_migration WHERE name >= '0011'`.execute(db);
      await migrate(open());
      const { rows } = await sql`
        SELECT name, name_key AS \`key\`, COUNT(*) AS count FROM personal GROUP BY name, name_key`.execute(
        db,
      );
      assert.deepEqual(
        new Set(rows),
        new Set(Object.entries(keyOf).map(([name, key]) => ({ name, key, count: 600 }))),
      );
    }));
});

describe('a connection', () => {
  it('has the same settings whatever the server’s defaults', () =>
    withDatabase(async (open) => {
      const db = open();
      const { rows } = await sql<Record<string, unknown>>`
        SHOW SESSION VARIABLES WHERE Variable_name IN
          ('tx_isolation', 'transaction_isolation', 'time_zone', 'sql_mode', 'innodb_lock_wait_timeout')
      `.execute(db);
      const settings = new Map(rows.map((row) => [row.Variable_name, row.Value]));
      assert.equal(
        settings.get('transaction_isolation') ?? settings.get('tx_isolation'),
        'READ-COMMITTED',
      );
      assert.equal(settings.get('time_zone'), '+00:00');
      assert.match(String(settings.get('sql_mode')), /STRICT_ALL_TABLES/);
      assert.equal(settings.get('innodb_lock_wait_timeout'), '10');
    }));

  it('is replaced when the server has closed it', () =>
    withDatabase(async (open) => {
      const db = open();
      const other = open();
      const connectionIds = async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, () =>
            sql<{ id: number }>`SELECT CONNECTION_ID() AS id, SLEEP(0.02)`.execute(db),
          ),
        );
        return new Set(answers.flatMap(({ rows }) => rows.map(({ id }) => Number(id))));
      };
      const before = await connectionIds();
      for (const id of before) await sql`KILL ${sql.lit(id)}`.execute(other);
      const after = await until('all connections are others', async () => {
        const ids = await connectionIds().catch(() => before);
        return before.isDisjointFrom(ids) ? ids : null;
      });
      assert.ok(after.size > 0);
    }));
});

describe('a deadline', () => {
  const unavailable = { code: 'unavailable', retryAfterSeconds: 1 };
  const insert = (trx: Database, id: number) =>
    trx.insertInto('write_checks').values({ id, checked_at: new Date() }).execute();
  const idsIn = async (db: Database) =>
    (await db.selectFrom('write_checks').select('id').orderBy('id').execute()).map(({ id }) => id);
  const inTime = <T>(ms: number, work: () => Promise<T>) =>
    runInContext({}, work, { at: performance.now() + ms });

  it('rolls back what waits for a lock, and gives the connection to others', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      await insert(db, 1);
      const released = Promise.withResolvers<void>();
      const locked = Promise.withResolvers<void>();
      const holding = inTransaction(db, async (trx) => {
        await trx.selectFrom('write_checks').where('id', '=', 1).forUpdate().selectAll().execute();
        locked.resolve();
        await released.promise;
      });
      await locked.promise;
      // More than there are connections.
      const late = Array.from({ length: 6 }, (_, index) =>
        inTime(50, () =>
          inTransaction(db, async (trx) => {
            await insert(trx, 10 + index);
            await trx
              .selectFrom('write_checks')
              .where('id', '=', 1)
              .forUpdate()
              .selectAll()
              .execute();
          }),
        ),
      );
      const results = await Promise.allSettled(late);
      released.resolve();
      await holding;
      for (const result of results) {
        assert.ok(result.status === 'rejected' && isProblem(result.reason, 'unavailable'));
      }
      assert.deepEqual(await idsIn(db), [1]);
      await inTime(60_000, () => inTransaction(db, (trx) => insert(trx, 2)));
      assert.deepEqual(await idsIn(db), [1, 2]);
    }));

  it('that passes before the commit leaves nothing behind', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      const late = inTime(200, () =>
        inTransaction(db, async (trx) => {
          await insert(trx, 1);
          const deadline = currentDeadline() as number;
          await until('the deadline has passed', () => performance.now() > deadline);
        }),
      );
      await assert.rejects(late, unavailable);
      assert.deepEqual(await idsIn(db), []);
    }));

  it('that has passed begins nothing', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      await assert.rejects(
        inTime(-1, () => insert(db, 1)),
        unavailable,
      );
      assert.deepEqual(await idsIn(db), []);
    }));
});

describe('a pool whose connections are all in use', () => {
  /** Holds all four connections until the returned function is called. */
  async function holdAll(db: Database): Promise<() => Promise<unknown>> {
    const released = Promise.withResolvers<void>();
    const held = Array.from({ length: 4 }, () => {
      const begun = Promise.withResolvers<void>();
      const done = db.connection().execute(async () => {
        begun.resolve();
        await released.promise;
      });
      return { begun: begun.promise, done };
    });
    await Promise.all(held.map(({ begun }) => begun));
    return () => {
      released.resolve();
      return Promise.all(held.map(({ done }) => done));
    };
  }
  const ask = (db: Database) => sql`SELECT 1`.execute(db);

  it('keeps no request that was abandoned', () =>
    withDatabase(async (open) => {
      const db = open();
      const release = await holdAll(db);
      let asked = 0;
      const onAsked = () => {
        asked += 1;
      };
      // What mysql2 publishes of each request for a connection.
      subscribe('tracing:mysql2:pool:connect:start', onAsked);
      try {
        const abandoned = await Promise.allSettled(
          Array.from({ length: 20 }, () =>
            runInContext({}, () => ask(db), { at: performance.now() + 20 }),
          ),
        );
        for (const result of abandoned) {
          assert.ok(result.status === 'rejected' && isProblem(result.reason, 'unavailable'));
        }
        await release();
        await ask(db);
      } finally {
        unsubscribe('tracing:mysql2:pool:connect:start', onAsked);
      }
      assert.equal(asked, 1);
    }));

  it('lets a thousand requests wait, and refuses others at once', () =>
    withDatabase(async (open) => {
      const db = open();
      const release = await holdAll(db);
      const waiting = Array.from({ length: 1_000 }, () => ask(db));
      await assert.rejects(ask(db), { code: 'unavailable', status: 503, retryAfterSeconds: 1 });
      await release();
      await Promise.all(waiting);
      await ask(db);
    }));
});

describe('a server that only reads', () => {
  it('is an outage, fails the check, and its connections are not used again', () =>
    withDatabase(async (open) => {
      const db = open();
      await migrate(db);
      const connection = async () => {
        const { rows } = await sql<{ id: number }>`SELECT CONNECTION_ID() AS id`.execute(db);
        return rows[0]?.id;
      };
      const before = await connection();
      await sql`SET SESSION TRANSACTION READ ONLY`.execute(db);
      const error = await checkDatabase(db).catch((thrown: unknown) => thrown);
      assert.ok(isOutage(error), String(error));
      assert.notEqual(await connection(), before);
      await checkDatabase(db);
    }));
});

/**
 * What runs on one of MySQL 8.4 and MariaDB 10.11 alone, or would take the time from the database instead of
 * the clock. Looked for in the text of the service, where SQL stands in capitals.
 */
const differences: [RegExp, string][] = [
  [/\bRETURNING\b|\.returning(All)?\(/, 'RETURNING: MariaDB alone'],
  [/_0900_|utf8mb4_uca1400/, 'collations of one of them alone'],
  [/\bUUID\b(?=[ ,)])|\bINET[46]\b|\bVECTOR\b/, 'types of one of them alone'],
  [/\bUUID\(\)|UUID_TO_BIN|BIN_TO_UUID/, 'UUID functions: MySQL alone'],
  [/\b(?:KEY|INDEX)\b[^,]*\(\s*\(/, 'functional indexes: MySQL alone'],
  [/\bFOR (?:UPDATE|SHARE) OF\b/, 'FOR UPDATE OF: MySQL alone'],
  [/\bLATERAL\b/, 'LATERAL: MySQL alone'],
  [/\bMEMBER OF\b|JSON_ARRAYAGG\([^)]* ORDER/, 'JSON of one of them alone'],
  [/[a-z_]\s*->>?\s*'\$/, 'the JSON arrow: MySQL alone'],
  [/VALUES\s+ROW\s*\(|\)\s+AS\s+\w+\s+ON DUPLICATE/, 'VALUES ROW and row aliases: MySQL alone'],
  [/CREATE OR REPLACE TABLE|(?:COLUMN|INDEX|KEY) IF (?:NOT )?EXISTS/, 'MariaDB alone'],
  [/CREATE SEQUENCE|NEXTVAL|SYSTEM VERSIONING|WITHOUT OVERLAPS/, 'MariaDB alone'],
  [/@@(?:tx|transaction)_isolation|@@(?:tx|transaction)_read_only/, 'another name on the other'],
  [/\/\*\+/, 'optimizer hints: MySQL alone'],
  [/\b(?:NOW|SYSDATE|UTC_TIMESTAMP|CURDATE|UNIX_TIMESTAMP)\s*\(|\bCURRENT_TIMESTAMP\b/, 'time'],
];

describe('the SQL of the service', () => {
  it('runs on MySQL 8.4 and MariaDB 10.11, and takes the time from the clock', async () => {
    const folder = import.meta.dirname;
    const files = (await readdir(folder, { recursive: true })).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
    );
    assert.ok(files.includes(join('migrations', '0001-line.ts')));
    for (const file of files) {
      const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
      lines.forEach((line, index) => {
        // A comment may speak of it.
        if (/^\s*(\/\/|\*|\/\*)/.test(line)) return;
        for (const [pattern, difference] of differences) {
          assert.doesNotMatch(line, pattern, `${file}:${index + 1}: ${difference}`);
        }
      });
    }
  });

  it('is refused if it does not', () => {
    const refused = [
      'INSERT INTO t (a) VALUES (1) RETURNING a',
      'a VARCHAR(9) COLLATE utf8mb4_0900_ai_ci',
      'id UUID NOT NULL',
      'KEY lower_name ((LOWER(name)))',
      'SELECT a FROM t FOR UPDATE OF t SKIP LOCKED',
      "SELECT data->>'$.id' FROM events",
      'INSERT INTO t VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a',
      'ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT',
      'created_at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)',
      'DELETE FROM t WHERE created_at < NOW()',
    ];
    for (const statement of refused) {
      assert.ok(
        differences.some(([pattern]) => pattern.test(statement)),
        statement,
      );
    }
  });
});

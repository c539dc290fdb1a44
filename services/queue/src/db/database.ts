import { remainingMs, tooBusy } from '@queue-manager/service-kit/limits/deadline';
import { createGate } from '@queue-manager/service-kit/limits/gate';
import { isReadOnly, Problem, problems } from '@queue-manager/service-kit/problems';
import { SpanKind, withSpan } from '@queue-manager/service-kit/telemetry/spans';
import { Kysely, MysqlDialect, type MysqlPool, sql, type Transaction } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { createPool, type Pool, type PoolConnection } from 'mysql2';
import * as line from './migrations/0001-line.ts';
import * as tasks from './migrations/0002-tasks.ts';
import * as reasons from './migrations/0003-reasons.ts';
import * as requestIds from './migrations/0004-request-ids.ts';
import * as accounts from './migrations/0005-accounts.ts';
import * as lineComplete from './migrations/0006-line-complete.ts';
import * as models from './migrations/0007-models.ts';
import * as invitationSends from './migrations/0008-invitation-sends.ts';
import * as outboxInEvents from './migrations/0009-outbox-in-events.ts';
import * as writeChecks from './migrations/0010-write-checks.ts';
import * as unsubscribes from './migrations/0011-unsubscribes.ts';
import * as nameKeys from './migrations/0012-name-keys.ts';
import * as heldNumbers from './migrations/0013-held-numbers.ts';
import * as venueCreators from './migrations/0014-venue-creators.ts';
import * as accentColors from './migrations/0015-accent-colors.ts';
import * as undo from './migrations/0016-undo.ts';
import * as venueFeeds from './migrations/0017-venue-feeds.ts';
import { isPrepared } from './prepared-query.ts';
import type { Tables } from './tables.ts';

const mysqlSpan = { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'mysql' } };

export type Database = Kysely<Tables>;
export type DatabaseTransaction = Transaction<Tables>;

/**
 * Opens the pool. Every connection has the same settings, whatever the server's defaults: READ COMMITTED (after a wait
 * for a line's lock, a transaction sees what the last holder committed, and no gaps are locked), UTC, and strict mode.
 */
export function openDatabase(options: { url: string; poolSize: number }): Database {
  const pool = createPool({
    uri: options.url,
    connectionLimit: options.poolSize,
    connectTimeout: 5_000,
    timezone: 'Z',
    charset: 'utf8mb4_bin',
    supportBigNumbers: true,
    // MySQL returns JSON as a value, MariaDB as text. Text from both needs one code path only.
    jsonStrings: true,
    enableKeepAlive: true,
  });
  pool.on('connection', (connection) => {
    const setUp = (statement: string) =>
      connection.query(statement, (error) => {
        // Its user gets an error, rather than a connection with other settings.
        if (error !== null) connection.destroy();
      });
    // A separate statement, since the name of the variable differs on MariaDB.
    setUp('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    setUp(
      `SET SESSION time_zone = '+00:00',
         sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
         innodb_lock_wait_timeout = 10`,
    );
  });
  return new Kysely<Tables>({
    dialect: new MysqlDialect({ pool: withDeadlines(pool, options.poolSize) }),
  });
}

/** Requests that wait for a connection; more are refused. */
const waitingMax = 1_000;
/** A rollback may go beyond its request's deadline, so that the connection can be kept. */
const rollbackMs = 1_000;

type Callback<T> = (error: unknown, result: T) => void;

/**
 * Calls back with the result, or with `unavailable` when that takes longer than `ms`. A later result goes to
 * `late`.
 */
function within<T>(ms: number | undefined, callback: Callback<T>, late: Callback<T>): Callback<T> {
  if (ms === undefined) return callback;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    callback(tooBusy(), undefined as T);
  }, ms);
  return (error, result) => {
    clearTimeout(timer);
    (isLate ? late : callback)(error, result);
  };
}

/**
 * The pool as Kysely uses it. Statements end with the deadline of their request, and some are prepared. The gate has a
 * place for each connection, so nobody waits in the pool's own queue, which keeps those whose request was abandoned.
 */
function withDeadlines(pool: Pool, poolSize: number): MysqlPool {
  const gate = createGate({ atOnce: poolSize, waitingMax });
  const lend = (callback: Callback<TimedConnection | undefined>) =>
    new Promise<void>((onReturned) => {
      const taken = within(remainingMs(), callback, (_error, late) => late?.release());
      pool.getConnection((error, connection) => {
        if (error !== null) onReturned();
        taken(error, error === null ? new TimedConnection(connection, onReturned) : undefined);
      });
    });
  return {
    getConnection(callback) {
      const give = callback as Callback<TimedConnection | undefined>;
      gate.run(() => lend(give)).catch((error: unknown) => give(error, undefined));
    },
    end: (callback) => pool.end(callback),
  };
}

type KyselyConnection = Parameters<Parameters<MysqlPool['getConnection']>[0]>[1];

class TimedConnection implements KyselyConnection {
  readonly config: object;
  readonly #connection: PoolConnection;
  readonly #onReturned: () => void;
  #isReadOnly = false;
  #isDestroyed = false;

  constructor(connection: PoolConnection, onReturned: () => void) {
    this.config = connection.config;
    this.#connection = connection;
    this.#onReturned = onReturned;
  }

  get threadId(): number {
    return this.#connection.threadId as number;
  }

  connect: KyselyConnection['connect'] = (callback) => this.#connection.connect(callback);
  destroy = () => {
    this.#isDestroyed = true;
    this.#connection.destroy();
    this.#onReturned();
  };
  /** A server that has become a reader stays one for its connections: a new connection finds the new writer. */
  release = () => {
    if (this.#isReadOnly) return this.destroy();
    this.#connection.release();
    this.#onReturned();
  };

  query = ((text: string, parameters: unknown[], callback: Callback<unknown>) => {
    const isRollback = text === 'rollback';
    // The server rolls back what a lost connection has not committed.
    if (isRollback && this.#isDestroyed) return callback(null, []);
    const remaining = remainingMs();
    const ms = isRollback && remaining !== undefined ? Math.max(remaining, rollbackMs) : remaining;
    if (ms !== undefined && ms <= 0) {
      // The isolation level of this transaction would be that of the next.
      if (text === 'begin') this.destroy();
      return callback(tooBusy(), []);
    }
    const done = within<unknown>(
      ms,
      (error, result) => {
        if (error instanceof Problem) this.destroy();
        this.#isReadOnly ||= isReadOnly(error);
        callback(error, result);
      },
      () => {},
    );
    if (isPrepared(text)) this.#connection.execute(text, parameters as never, done);
    else this.#connection.query(text, parameters, done);
  }) as KyselyConnection['query'];
}

const deadlock = 'ER_LOCK_DEADLOCK';
const attemptsMax = 10;

/**
 * Runs `work` in one transaction, and again when InnoDB rolled it back to break a deadlock. Changes of lines do not
 * deadlock, since they lock the queue's row first; three requests with one idempotency key, the first of which fails,
 * do. Throws what `work` throws, and `unavailable` when every attempt deadlocked.
 */
export async function inTransaction<T>(
  db: Database,
  work: (trx: DatabaseTransaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withSpan('mysql transaction', mysqlSpan, () => db.transaction().execute(work));
    } catch (error) {
      if ((error as { code?: unknown }).code !== deadlock) throw error;
      if (attempt === attemptsMax)
        throw problems.unavailable({ cause: error, retryAfterSeconds: 1 });
    }
  }
}

/** Writes a row of its own: a reader, or a server with a full disk, still answers `SELECT`. Throws if it cannot. */
export async function checkDatabase(db: Database): Promise<void> {
  const row = { id: 1, checked_at: new Date() };
  await db
    .insertInto('write_checks')
    .values(row)
    .onDuplicateKeyUpdate({ checked_at: row.checked_at })
    .execute();
}

/** In the order in which they run. Never edit one that has been merged. */
const migrations: Record<string, Migration> = {
  '0001-line': line,
  '0002-tasks': tasks,
  '0003-reasons': reasons,
  '0004-request-ids': requestIds,
  '0005-accounts': accounts,
  '0006-line-complete': lineComplete,
  '0007-models': models,
  '0008-invitation-sends': invitationSends,
  '0009-outbox-in-events': outboxInEvents,
  '0010-write-checks': writeChecks,
  '0011-unsubscribes': unsubscribes,
  '0012-name-keys': nameKeys,
  '0013-held-numbers': heldNumbers,
  '0014-venue-creators': venueCreators,
  '0015-accent-colors': accentColors,
  '0016-undo': undo,
  '0017-venue-feeds': venueFeeds,
};

/**
 * Brings the tables up to date. Safe when several instances start at once: the migrator takes a lock. Tables that are
 * newer stay as they are: a deployment that is rolled back starts this version on them.
 */
export async function migrate(db: Database): Promise<void> {
  const newer = (await doneMigrations(db)).filter((name) => !(name in migrations));
  const all = { ...migrations, ...Object.fromEntries(newer.map((name) => [name, nothing])) };
  const migrator = new Migrator({ db, provider: { getMigrations: async () => all } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

const nothing: Migration = { up: async () => {} };

async function doneMigrations(db: Database): Promise<string[]> {
  try {
    const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db);
    return rows.map(({ name }) => name);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ER_NO_SUCH_TABLE') return [];
    throw error;
  }
}

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import { type TestQueues, testQueues } from '@queue-manager/events/testing';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { freshDatabase, testCredential, until } from '@queue-manager/service-kit/testing';
import { type Database, openDatabase } from './db/database.ts';
import { newJoinCode } from './queues/join-code.ts';
import { isLockAskedFor } from './testing.ts';

describe('queue service process', { timeout: 120_000 }, () => {
  let database: { url: string; drop(): Promise<void> };
  let broker: TestQueues;
  let db: Database;
  let child: ChildProcess | undefined;

  before(async () => {
    database = await freshDatabase();
    broker = await testQueues();
    db = openDatabase({ url: database.url, poolSize: 4 });
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    child = undefined;
  });
  after(async () => {
    await db.destroy();
    await database.drop();
    await broker.drop();
  });

  function start(env: Record<string, string>) {
    const started = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
      env: {
        ...process.env,
        PORT: '0',
        LOG_LEVEL: 'info',
        MYSQL_URL: database.url,
        SQS_PREFIX: broker.prefix,
        AUTH_SERVICE_URL: 'http://127.0.0.1:1',
        POSITION_SERVICE_URL: 'http://127.0.0.1:1',
        USER_SERVICE_URL: 'http://127.0.0.1:1',
        PUBLIC_URL: 'http://queue.test/',
        INTERNAL_CREDENTIAL: testCredential,
        TICKET_KEYS: JSON.stringify([{ id: 1, secret: Buffer.alloc(32, 7).toString('base64url') }]),
        UNSUBSCRIBE_KEY: Buffer.alloc(32, 8).toString('base64url'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    return { process: started, exit: once(started, 'exit'), errors: text(started.stderr) };
  }

  /** The address that a started process listens at. */
  async function addressOf(started: ChildProcess): Promise<string> {
    assert.ok(started.stdout !== null);
    for await (const line of createInterface({ input: started.stdout })) {
      const address = /listening at (http:\S+)/.exec(JSON.parse(line).msg)?.[1];
      if (address === undefined) continue;
      started.stdout.resume();
      return address;
    }
    throw new Error('The process ended before it listened');
  }

  /** Inserts a venue with a queue, without the API. */
  async function openLine(): Promise<{ queueId: Buffer; joinCode: string }> {
    const venueId = uuidToBytes(newId(systemClock));
    const queueId = uuidToBytes(newId(systemClock));
    const created_at = systemClock.now();
    const joinCode = newJoinCode();
    await db
      .insertInto('venues')
      .values({
        id: venueId,
        name: 'Casa',
        timezone: 'Europe/Lisbon',
        locale: 'en',
        capacity: null,
        day_starts_at: '05:00',
        retention_days: 30,
        created_at,
        deleted_at: null,
      })
      .execute();
    await db
      .insertInto('queues')
      .values({
        venue_id: venueId,
        id: queueId,
        name: 'Bar',
        text: null,
        end_message: null,
        state: 'open',
        join_code: joinCode,
        max_waiting: null,
        max_party_size: 20,
        call_grace_seconds: 300,
        self_join: 1,
        board_labels: 'number',
        seq: 0,
        tail_key: null,
        number_day: null,
        created_at,
        deleted_at: null,
      })
      .execute();
    return { queueId, joinCode };
  }

  const joinAt = (address: string, joinCode: string) =>
    fetch(`${address}/v1/join/${joinCode}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Ana' }),
    });

  it('creates its tables and queues, gets ready, and finishes requests in flight on SIGTERM', async () => {
    const { process: started, exit, errors } = start({ PROVISION: 'true' });
    const address = await addressOf(started);
    await until('it is ready', async () => (await fetch(`${address}/readyz`)).ok);
    const { queueId, joinCode } = await openLine();

    // A join waits for the queue's lock when the process gets SIGTERM.
    const join = await db.transaction().execute(async (trx) => {
      await trx.selectFrom('queues').select('id').where('id', '=', queueId).forUpdate().execute();
      const joining = joinAt(address, joinCode);
      let early: unknown;
      joining.then(
        ({ status }) => {
          early = status;
        },
        (error) => {
          early = error;
        },
      );
      await until('the join waits for the lock', () => {
        assert.equal(early, undefined, 'the join was answered while the queue was locked');
        return isLockAskedFor(db, 'queues');
      });
      started.kill('SIGTERM');
      await until('it refuses new connections', () =>
        fetch(`${address}/livez`).then(
          () => false,
          () => true,
        ),
      );
      return { joining };
    });
    const answer = await join.joining;
    assert.equal(answer.status, 201);
    assert.equal(((await answer.json()) as { number: number }).number, 1);
    assert.deepEqual(await exit, [0, null]);
    assert.equal(await errors, '');
  });

  it('sends events that a killed process left in the outbox', async () => {
    const { joinCode, queueId } = await openLine();
    const waiting = async () => {
      const rows = await db
        .selectFrom('events')
        .select('seq')
        .where('queue_id', '=', queueId)
        .where('relay_at', 'is not', null)
        .execute();
      return rows.length;
    };
    const first = start({ AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' });
    const { status } = await joinAt(await addressOf(first.process), joinCode);
    assert.equal(status, 201, 'a join does not need SQS');
    assert.equal(await waiting(), 1);
    first.process.kill('SIGKILL');
    await first.exit;

    const second = start({});
    await addressOf(second.process);
    await until('it has been sent', async () => (await waiting()) === 0);
    second.process.kill('SIGTERM');
    assert.deepEqual(await second.exit, [0, null]);
  });

  it('prints in one line why it cannot start', async () => {
    for (const [env, line] of [
      [
        { MYSQL_URL: 'mysql://root:hush@127.0.0.1:1/queue' },
        /^Could not start: .*MySQL \(MYSQL_URL\).*ECONNREFUSED.*\n$/,
      ],
      [{ MYSQL_URL: '' }, /^Bad configuration: MYSQL_URL is missing\n$/],
      [{ TASK_LEASE_SECONDS: '29' }, /^Bad configuration: TASK_LEASE_SECONDS .*30\n$/],
      [
        { AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1', PROVISION: 'true' },
        /^Could not start: .*SQS \(AWS_ENDPOINT_URL_SQS\).*ECONNREFUSED.*\n$/,
      ],
    ] as const) {
      const { exit, errors } = start(env);
      assert.deepEqual(await exit, [1, null]);
      assert.match(await errors, line);
      assert.doesNotMatch(await errors, /hush/);
    }
  });
});

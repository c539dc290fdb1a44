import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { DeleteQueueCommand, ListQueuesCommand } from '@aws-sdk/client-sqs';
import { createSqsClient } from '@queue-manager/events/client';
import { brokerName, deadLetterName, queueNames } from '@queue-manager/events/topology';
import { freshDatabase, uniqueName } from '@queue-manager/service-kit/testing';
import { sql } from 'kysely';
import { type Database, openDatabase } from './db/database.ts';

const sqs = createSqsClient();

suite('the program that provisions the stores of the queue service', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let db: Database;
  const prefix = `${uniqueName('provision')}-`;

  before(async () => {
    database = await freshDatabase();
    db = openDatabase({ url: database.url, poolSize: 1 });
  });
  after(async () => {
    await Promise.all(
      (await createdQueues()).map((QueueUrl) => sqs.send(new DeleteQueueCommand({ QueueUrl }))),
    );
    sqs.destroy();
    await db.destroy();
    await database.drop();
  });

  async function createdQueues(): Promise<string[]> {
    const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({ QueueNamePrefix: prefix }));
    return QueueUrls;
  }

  async function tables(): Promise<number> {
    const { rows } = await sql`SHOW TABLES`.execute(db);
    return rows.length;
  }

  /** Its exit code and what it wrote to standard error. */
  async function provision(env: Record<string, string>): Promise<[code: number, errors: string]> {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'provision.ts')], {
      env: { ...process.env, MYSQL_URL: database.url, SQS_PREFIX: prefix, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return [code, errors];
  }

  test('creates only the tables by default, once however often it runs', async () => {
    assert.equal(await tables(), 0);
    assert.deepEqual(await provision({ PROVISION: '' }), [0, '']);
    const created = await tables();
    assert.ok(created > 20);
    assert.deepEqual(await provision({ PROVISION: '' }), [0, '']);
    assert.equal(await tables(), created);
    assert.deepEqual(await createdQueues(), []);
  });

  test('also creates every message queue of the topology with PROVISION=true', async () => {
    assert.deepEqual(await provision({ PROVISION: 'true' }), [0, '']);
    const names = (await createdQueues()).map((url) => url.slice(url.lastIndexOf('/') + 1));
    const expected = queueNames.flatMap((queue) => [
      brokerName(prefix, queue),
      deadLetterName(prefix, queue),
    ]);
    assert.deepEqual(names.sort(), expected.sort());
  });

  test('exits with one line that names the store that cannot be used', async () => {
    const [code, errors] = await provision({ MYSQL_URL: 'mysql://user@127.0.0.1:1/nothing' });
    assert.equal(code, 1);
    assert.match(errors, /^Could not start: Error: MySQL \(MYSQL_URL\) cannot be used: .*\n$/);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import {
  CreateTableCommand,
  DynamoDBClient,
  paginateScan,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { until } from '@queue-manager/service-kit/testing';
import { createConnection } from 'mysql2/promise';
import { removeDataDir } from '../data-folder/temporary-data-dir.ts';
import { freePort } from '../processes/free-port.ts';
import { processesOf } from '../processes/guarded-process.ts';
import { StackError } from '../stack-error.ts';
import { ask } from './ask.ts';
import { administratorOf } from './mariadb.ts';
import { type Stores, type StoresOptions, startStores } from './start-stores.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) removeDataDir(folder);
});

function newDataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'queue manager stores-'));
  folders.push(folder);
  return folder;
}

/** Every store's address, so that a test can leave out the one it wants to have started. */
const elsewhere = {
  MYSQL_URL: 'mysql://elsewhere',
  REDIS_URL: 'redis://elsewhere',
  BROKER_REDIS_URL: 'redis://elsewhere',
  AWS_ENDPOINT_URL_DYNAMODB: 'http://elsewhere',
  AWS_ENDPOINT_URL_SQS: 'http://elsewhere',
  SMTP_URL: 'smtp://elsewhere',
};

function only(variable: keyof typeof elsewhere): NodeJS.ProcessEnv {
  const { [variable]: _started, ...given } = elsewhere;
  return { PATH: process.env.PATH, ...given };
}

function start(options: Partial<StoresOptions> & { dataDir: string }) {
  return startStores({ env: { PATH: process.env.PATH }, ...options });
}

async function refusal(options: Partial<StoresOptions> & { dataDir: string }): Promise<string> {
  try {
    const stores = await start(options);
    await stores.stop();
  } catch (error) {
    assert.ok(error instanceof StackError, String(error));
    assert.equal(error.message.split('\n').length, 1, error.message);
    return error.message;
  }
  assert.fail('it started');
}

/** Of a cluster the first node. */
async function say(urls: string | undefined, command: string): Promise<string> {
  const [url = ''] = (urls ?? '').split(',');
  const answer = await ask(Number(new URL(url).port), AbortSignal.timeout(5_000), command);
  return answer.toString();
}

suite('the backing stores', () => {
  test('start on loopback, keep their data when stopped, and leave no process behind', async () => {
    const dataDir = newDataDir();
    const first = await start({ dataDir });
    const groups = [...first.processes.values()].map((store) => store.group() ?? 0);
    assert.deepEqual([...first.processes.keys()].sort(), [
      'broker-redis',
      'dynamodb',
      'mail',
      'mariadb',
      'redis',
      'sqs',
    ]);
    for (const url of Object.values(first.env).filter((value) => value.includes('://'))) {
      assert.equal(new URL(url).hostname, '127.0.0.1');
    }
    assert.match(await say(first.env.REDIS_URL, 'SET kept yes\r\n'), /^\+OK/);
    await first.stop();
    for (const group of groups) assert.deepEqual(processesOf(group), []);

    const second = await start({ dataDir });
    try {
      assert.match(await say(second.env.REDIS_URL, 'GET kept\r\n'), /yes/);
    } finally {
      await second.stop();
    }
  });

  test('keep every transaction that DynamoDB acknowledged before it was killed', async () => {
    const env = only('AWS_ENDPOINT_URL_DYNAMODB');
    const stores = await start({ dataDir: newDataDir(), env });
    Object.assign(process.env, stores.env);
    const dynamo = new DynamoDBClient({ maxAttempts: 1 });
    const TableName = 'acknowledged';
    const acknowledged: string[] = [];
    const write = async (id: string) => {
      const Item = { id: { S: id } };
      await dynamo.send(
        new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item } }] }),
      );
      acknowledged.push(id);
    };
    try {
      await dynamo.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        }),
      );
      const store = stores.processes.get('dynamodb');
      for (let round = 0; round < 8; round++) {
        await until('it answers again', () =>
          write(`${round} ready`).then(
            () => true,
            () => false,
          ),
        );
        let isKilled = false;
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let count = 0; !isKilled; count++) {
            await write(`${round} ${writer} ${count}`).catch(() => {});
            if (acknowledged.at(-1) !== `${round} 0 2`) continue;
            isKilled = true;
            store?.kill('SIGKILL');
          }
        });
        await Promise.all(writers);
      }
      await until('it answers again', () =>
        write('the end').then(
          () => true,
          () => false,
        ),
      );
      const kept = new Set<string | undefined>();
      for await (const page of paginateScan(
        { client: dynamo },
        { TableName, ConsistentRead: true },
      )) {
        for (const { id } of page.Items ?? []) kept.add(id?.S);
      }
      assert.deepEqual(
        acknowledged.filter((id) => !kept.has(id)),
        [],
      );
    } finally {
      dynamo.destroy();
      await stores.stop();
    }
  });

  test('include a Redis Cluster of three nodes on request, which keeps its data on other ports', async () => {
    const dataDir = newDataDir();
    const env = { ...only('REDIS_URL'), REDIS_CLUSTER: 'true' };
    const facts = async (stores: Stores) => {
      const [info, keys] = await Promise.all(
        ['CLUSTER INFO\r\n', 'CLUSTER COUNTKEYSINSLOT 0\r\n'].map((command) =>
          say(stores.env.REDIS_URL, command),
        ),
      );
      assert.match(
        info ?? '',
        /cluster_state:ok\r\n[\s\S]*cluster_slots_ok:16384\r\n[\s\S]*cluster_size:3\r\n/,
      );
      assert.equal(stores.env.REDIS_CLUSTER, 'true');
      return keys;
    };
    const first = await start({ dataDir, env });
    try {
      assert.deepEqual([...first.processes.keys()].sort(), ['redis-1', 'redis-2', 'redis-3']);
      // In slot 0, which the first node serves.
      assert.match(await say(first.env.REDIS_URL, 'SET 3560 kept\r\n'), /^\+OK/);
      assert.equal(await facts(first), ':1\r\n');
      const node = first.processes.get('redis-2');
      const before = node?.group();
      node?.kill('SIGKILL');
      await until('it is back', () => node?.group() !== undefined && node.group() !== before);
    } finally {
      await first.stop();
    }
    const second = await start({ dataDir, env });
    try {
      assert.equal(await facts(second), ':1\r\n');
    } finally {
      await second.stop();
    }
    assert.match(
      await refusal({ dataDir: newDataDir(), env: { ...env, REDIS_CLUSTER: 'perhaps' } }),
      /^REDIS_CLUSTER must be true or false$/,
    );
  });

  test("give MariaDB's user all databases, but not the server: it cannot write where that only reads", async () => {
    const dataDir = newDataDir();
    const stores = await start({ dataDir, env: only('MYSQL_URL') });
    try {
      const admin = await createConnection(administratorOf(dataDir));
      const user = await createConnection(stores.env.MYSQL_URL ?? '');
      await user.query('CREATE DATABASE another');
      await user.query('CREATE TABLE another.rooms (id INT PRIMARY KEY)');
      await assert.rejects(user.query('SET GLOBAL max_connections = 10'), { errno: 1227 });
      await admin.query('SET GLOBAL read_only = 1');
      await assert.rejects(user.query('INSERT INTO another.rooms VALUES (1)'), { errno: 1290 });
      await admin.query('SET GLOBAL read_only = 0');
      await user.query('DROP DATABASE another');
      await Promise.all([admin.end(), user.end()]);
    } finally {
      await stores.stop();
    }
  });

  test('listen on loopback only', async () => {
    const dataDir = newDataDir();
    const stores = await start({ dataDir });
    try {
      const ports = Object.values(stores.env)
        .filter((value) => value.includes('://'))
        .map((url) => Number(new URL(url).port));
      // An address is free to listen on only as long as nobody listens on it or on all addresses.
      for (const port of [...ports, Number(new URL(stores.mailUrl ?? '').port)]) {
        const other = createServer();
        other.listen({ port, host: '127.0.0.2', exclusive: true });
        await once(other, 'listening');
        other.close();
      }
    } finally {
      await stores.stop();
    }
  });

  test('are not started when their address is given, which is passed on', async () => {
    const stores = await start({ dataDir: newDataDir(), env: elsewhere });
    try {
      assert.equal(stores.processes.size, 0);
      for (const [variable, address] of Object.entries(elsewhere)) {
        assert.equal(stores.env[variable], address);
      }
      assert.equal(stores.mailUrl, undefined);
    } finally {
      await stores.stop();
    }
  });

  test('ignore the AWS account of the user, whose change would hide their data', async () => {
    const person = {
      AWS_ACCESS_KEY_ID: 'AKIAPERSON',
      AWS_SESSION_TOKEN: 'token',
      AWS_PROFILE: 'work',
      AWS_REGION: 'us-east-1',
    };
    const { AWS_ENDPOINT_URL_SQS: _sqs, AWS_ENDPOINT_URL_DYNAMODB: _dynamodb, ...rest } = elsewhere;
    const embedded = await start({
      dataDir: newDataDir(),
      env: { PATH: process.env.PATH, ...person, ...rest },
    });
    await embedded.stop();
    assert.equal(embedded.env.AWS_ACCESS_KEY_ID, 'local');
    assert.equal(embedded.env.AWS_REGION, 'eu-west-1');
    assert.equal(embedded.env.AWS_PROFILE, '');
    const given = await start({ dataDir: newDataDir(), env: { ...person, ...elsewhere } });
    await given.stop();
    for (const [name, value] of Object.entries(person)) assert.equal(given.env[name], value);
  });

  test("the broker's Redis syncs each write before it answers, and drops nothing", async () => {
    const stores = await start({ dataDir: newDataDir(), env: only('BROKER_REDIS_URL') });
    try {
      const setting = async (name: string) =>
        (await say(stores.env.BROKER_REDIS_URL, `CONFIG GET ${name}\r\n`)).split('\r\n').at(-2);
      assert.equal(await setting('appendonly'), 'yes');
      assert.equal(await setting('appendfsync'), 'always');
      assert.equal(await setting('maxmemory-policy'), 'noeviction');
      assert.deepEqual([...stores.processes.keys()], ['broker-redis']);
    } finally {
      await stores.stop();
    }
  });

  test('restart after a crash, on the same port and data', async () => {
    const lines: string[] = [];
    const stores = await start({
      dataDir: newDataDir(),
      env: only('REDIS_URL'),
      log: (line) => lines.push(line),
    });
    try {
      await say(stores.env.REDIS_URL, 'SET kept yes\r\n');
      await say(stores.env.REDIS_URL, 'BGREWRITEAOF\r\n');
      const redis = stores.processes.get('redis');
      const before = redis?.group();
      redis?.kill('SIGKILL');
      await until('it is back', () => lines.includes('redis is back'));
      assert.notEqual(redis?.group(), before);
      assert.match(lines[0] ?? '', /^redis exited \(killed by SIGKILL\); restarting in 0.2 s$/);
      assert.match(await say(stores.env.REDIS_URL, 'GET kept\r\n'), /yes/);
    } finally {
      await stores.stop();
    }
  });

  test('refuse a data folder that another system uses', async () => {
    const dataDir = newDataDir();
    const stores = await start({ dataDir, env: elsewhere });
    assert.match(
      await refusal({ dataDir, env: elsewhere }),
      new RegExp(`^the data folder ${dataDir} is in use by process ${process.pid}: .*DATA_DIR`),
    );
    await stores.stop();
    const again = await start({ dataDir, env: elsewhere });
    await again.stop();
  });

  test('take over the data folder of a dead process', async () => {
    const dataDir = newDataDir();
    // Nobody has this process id, which is beyond what Linux gives.
    writeFileSync(join(dataDir, 'lock'), '99999999 12345');
    const stores = await start({ dataDir, env: elsewhere });
    await stores.stop();
    assert.deepEqual(readdirSync(dataDir).sort(), ['forwarder', 'processes']);
  });

  test('name the occupied port and the variable that changes it', async () => {
    const taken = createServer();
    const port = await freePort();
    taken.listen(port, '127.0.0.1');
    await once(taken, 'listening');
    const message = await refusal({
      dataDir: newDataDir(),
      env: only('SMTP_URL'),
      mailPort: port,
    });
    assert.equal(message, `port ${port} is taken: set MAIL_PORT to another one`);
    taken.close();
  });

  test('refuse a data folder that cannot be created', async () => {
    const file = join(newDataDir(), 'file');
    writeFileSync(file, '');
    assert.match(
      await refusal({ dataDir: join(file, 'data'), env: elsewhere }),
      /^cannot use the data folder .*file\/data: ENOTDIR/,
    );
  });

  test('leave nothing behind when the start is aborted', async () => {
    const dataDir = newDataDir();
    const controller = new AbortController();
    const starting = start({
      dataDir,
      env: only('AWS_ENDPOINT_URL_DYNAMODB'),
      signal: controller.signal,
    });
    controller.abort();
    await assert.rejects(starting);
    assert.ok(!existsSync(join(dataDir, 'lock')));
  });

  suite('on damaged data', () => {
    test('mariadb reports it in one line', async () => {
      const dataDir = newDataDir();
      const stores = await start({ dataDir, env: only('MYSQL_URL') });
      await stores.stop();
      const tablespace = join(dataDir, 'mariadb/ibdata1');
      writeFileSync(tablespace, Buffer.alloc(statSync(tablespace).size, 'damaged'));
      const message = await refusal({ dataDir, env: only('MYSQL_URL') });
      assert.match(
        message,
        /^mariadb could not start \(.*ERROR.*\); its log: .*logs\/mariadb\.log$/,
      );
    });

    test('redis reports it in one line', async () => {
      const dataDir = newDataDir();
      mkdirSync(join(dataDir, 'redis/appendonlydir'), { recursive: true });
      writeFileSync(join(dataDir, 'redis/appendonlydir/appendonly.aof.manifest'), 'damaged');
      const message = await refusal({ dataDir, env: only('REDIS_URL') });
      assert.match(
        message,
        /^redis could not start \(.*manifest.*\); its log: .*logs\/redis\.log$/i,
      );
    });

    test('sqs reports it in one line', async () => {
      const dataDir = newDataDir();
      mkdirSync(join(dataDir, 'sqs'));
      writeFileSync(join(dataDir, 'sqs/fauxqs.db'), 'damaged'.repeat(1_000));
      const message = await refusal({ dataDir, env: only('AWS_ENDPOINT_URL_SQS') });
      assert.match(
        message,
        /^sqs could not start \(.*not a database.*\); its log: .*logs\/sqs\.log$/,
      );
    });
  });
});

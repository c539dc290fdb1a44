import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { until } from '@queue-manager/service-kit/testing';
import { removeDataDir } from '../data-folder/temporary-data-dir.ts';
import { freePort } from '../processes/free-port.ts';
import { StackError } from '../stack-error.ts';
import type { Service } from './services.ts';
import { type SystemOptions, startSystem } from './system.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue-manager-system-'));
after(() => removeDataDir(folder));

const plain = 'packages/local-stack/src/system/testing/plain-service.ts';
const broken = 'packages/local-stack/src/system/testing/broken-service.ts';

const gateway: Service = { name: 'gateway', main: plain, secrets: [] };
const tickets: Service = { name: 'tickets', main: plain, secrets: ['TICKET_KEYS'] };

function start(options: Partial<SystemOptions>) {
  return startSystem({
    dataDir: folder,
    env: {
      PATH: process.env.PATH,
      MYSQL_URL: 'mysql://elsewhere',
      REDIS_URL: 'redis://elsewhere',
      BROKER_REDIS_URL: 'redis://elsewhere',
      AWS_ENDPOINT_URL_DYNAMODB: 'http://elsewhere',
      AWS_ENDPOINT_URL_SQS: 'http://elsewhere',
      SMTP_URL: 'smtp://elsewhere',
      LIMIT_OF_THE_PERSON: '17',
    },
    services: [gateway, tickets],
    ...options,
  });
}

async function environmentOf(url: string | undefined): Promise<Record<string, string>> {
  const answer = await fetch(new URL('/env', url));
  return (await answer.json()) as Record<string, string>;
}

/** Unlike kill(pid, 0) it does not count the dead that nobody has collected yet. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

suite('the system', () => {
  test('gives every service all addresses, and only its own secrets', async () => {
    const lines: string[] = [];
    const system = await start({ output: (name, line) => lines.push(`${name} ${line}`) });
    try {
      const first = await environmentOf(system.gatewayUrl);
      const second = await environmentOf(system.env.TICKETS_SERVICE_URL);
      for (const env of [first, second]) {
        assert.equal(env.MYSQL_URL, 'mysql://elsewhere');
        assert.equal(env.TICKETS_SERVICE_URL, system.env.TICKETS_SERVICE_URL);
        assert.equal(env.PUBLIC_URL, system.gatewayUrl);
        assert.equal(env.INTERNAL_CREDENTIAL, system.env.INTERNAL_CREDENTIAL);
        assert.equal(env.LIMIT_OF_THE_PERSON, '17');
        assert.equal(env.TOKEN_KEYS, undefined);
        assert.equal(env.ACCOUNT_TOKEN_SECRET, undefined);
      }
      assert.equal(first.TICKET_KEYS, undefined);
      assert.equal(second.TICKET_KEYS, system.env.TICKET_KEYS);
      assert.ok(lines.some((line) => /^tickets \{.*listening/.test(line)));
    } finally {
      await system.stop();
    }
  });

  test('runs a service in several processes, whose addresses all others get', async () => {
    const more: Service = { ...tickets, name: 'tickets-2', of: 'tickets' };
    const system = await start({ services: [gateway, tickets, more] });
    try {
      assert.ok(system.names.includes('tickets-2'));
      const urls = system.env.TICKETS_SERVICE_URL?.split(',') ?? [];
      assert.equal(new Set(urls).size, 2);
      const ports = [];
      for (const url of urls) {
        const env = await environmentOf(url);
        ports.push(env.PORT);
        assert.equal(env.TICKET_KEYS, system.env.TICKET_KEYS);
        assert.equal(env.TICKETS_SERVICE_URL, urls.join());
      }
      assert.deepEqual(
        ports,
        urls.map((url) => new URL(url).port),
      );
      system.kill('tickets', 'SIGKILL');
      await environmentOf(urls[1]);
    } finally {
      await system.stop();
    }
  });

  test('keeps its secrets between starts', async () => {
    const first = await start({});
    await first.stop();
    const second = await start({});
    await second.stop();
    for (const name of [
      'INTERNAL_CREDENTIAL',
      'TICKET_KEYS',
      'TOKEN_KEYS',
      'ACCOUNT_TOKEN_SECRET',
      'UNSUBSCRIBE_KEY',
    ]) {
      assert.ok(first.env[name]);
      assert.equal(first.env[name], second.env[name]);
    }
  });

  test('restarts a service that was killed or terminated', async () => {
    const lines: string[] = [];
    const system = await start({ log: (line) => lines.push(line) });
    try {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        lines.length = 0;
        const before = system.pids('tickets');
        assert.ok(before.length > 0);
        system.kill('tickets', signal);
        await until('it is back', () => lines.includes('tickets is back'));
        assert.match(lines[0] ?? '', /^tickets exited \(.*\); restarting/);
        await environmentOf(system.env.TICKETS_SERVICE_URL);
        assert.ok(system.pids('tickets').every((pid) => !before.includes(pid)));
      }
    } finally {
      await system.stop();
    }
  });

  test('restarts a service on request and waits until it is ready', async () => {
    const lines: string[] = [];
    const system = await start({ log: (line) => lines.push(line) });
    try {
      const before = system.pids('gateway');
      await system.restart('gateway');
      await environmentOf(system.gatewayUrl);
      assert.ok(system.pids('gateway').every((pid) => !before.includes(pid)));
      assert.deepEqual(lines, [], 'that it ended is not taken for a crash');
    } finally {
      await system.stop();
    }
  });

  test('leaves no process behind when stopped while a service is down', async () => {
    const system = await start({});
    const before = system.names.flatMap((name) => system.pids(name));
    assert.ok(before.length >= 4);
    system.kill('tickets', 'SIGKILL');
    await system.stop();
    assert.deepEqual(before.filter(isRunning), []);
    for (const name of system.names) assert.deepEqual(system.pids(name), []);
  });

  test('reports in one line why a service could not start, and stops the others', async () => {
    await assert.rejects(
      start({ services: [gateway, { name: 'lamp', main: broken, secrets: [] }] }),
      (error) => {
        assert.ok(error instanceof StackError);
        assert.equal(
          error.message,
          'lamp could not start (exit code 1): Bad configuration: LIGHT is missing',
        );
        return true;
      },
    );
    const again = await start({});
    await again.stop();
  });

  test('names the occupied port and the variable that changes it', async () => {
    const gatewayPort = await freePort();
    const taken = createServer().listen(gatewayPort, '127.0.0.1');
    await once(taken, 'listening');
    await assert.rejects(start({ gatewayPort }), {
      message: `port ${gatewayPort} is taken: set GATEWAY_PORT to another one`,
    });
    taken.close();
  });
});

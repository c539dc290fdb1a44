import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { Flag } from './config.ts';
import { createLogger, type Logger } from './logging.ts';

/** A value that `npm test` puts into the environment. Throws one clear line when the stores are not there. */
export function testEnv(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: run tests with npm test, which starts the stores`);
  }
  return value;
}

/** The Redis of the tests, or of the system whose environment is given. */
export function testRedis(env?: NodeJS.ProcessEnv): { url: string; isCluster: boolean } {
  const { REDIS_CLUSTER } = env ?? process.env;
  return { url: testEnv('REDIS_URL', env), isCluster: Flag.parse(REDIS_CLUSTER || undefined) };
}

/** Logs nothing unless `LOG_LEVEL` asks for it. */
export const testLogger: Logger = createLogger({
  name: 'test',
  level: process.env.TEST_LOG_LEVEL ?? 'silent',
});

/** Logs into `lines`. */
export function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ name: 'test', level: 'debug', destination }), lines };
}

/** A service credential for tests. */
export const testCredential = 'a-service-credential-for-tests-only-0123456789';

/** A short random name, so that test files share a store without meeting. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

/** An empty MySQL database of its own, from the server that `MYSQL_URL` names. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = new URL(testEnv('MYSQL_URL'));
  const name = uniqueName('qm_test');
  const run = async (statement: string) => {
    const connection = await createConnection(server.href);
    try {
      await connection.query(statement);
    } finally {
      await connection.end();
    }
  };
  await run(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  const url = new URL(server.href);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE ${name}`) };
}

/**
 * Waits until a condition holds and gives back what it gave. Throws after the deadline (milliseconds, 60,000
 * by default; generous, since it bounds a failure and never a success).
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`Waited ${deadlineMs} ms in vain until ${what}`);
    await delay(20);
  }
}

export type Wire = {
  port: number;
  /** `silent` takes bytes and passes none on; `cut` refuses and ends connections. */
  set(state: 'whole' | 'silent' | 'cut'): void;
  close(): Promise<void>;
};

/** A wire to a real server that can break in the ways networks do. */
export async function startWire(target: { host: string; port: number }): Promise<Wire> {
  let state: 'whole' | 'silent' | 'cut' = 'whole';
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (state === 'whole') to.write(chunk);
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set: (next) => {
      state = next;
      if (state === 'cut') for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

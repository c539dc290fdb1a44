import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { Flag } from './config.ts';
import { deadlineHeader } from './limits/deadline.ts';
import { createLogger, type Logger } from './logging.ts';

/** An environment variable that `npm test` sets. */
export function testEnv(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const value = env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: run tests with npm test, which starts the stores`);
  }
  return value;
}

/** The Redis server of the tests, or of the system with this environment. */
export function testRedis(env?: NodeJS.ProcessEnv): { url: string; isCluster: boolean } {
  const { REDIS_CLUSTER } = env ?? process.env;
  return { url: testEnv('REDIS_URL', env), isCluster: Flag.parse(REDIS_CLUSTER || undefined) };
}

/** Logs nothing unless `TEST_LOG_LEVEL` says otherwise. */
export const testLogger: Logger = createLogger({
  name: 'test',
  level: process.env.TEST_LOG_LEVEL ?? 'silent',
});

/** A logger that collects its output in `lines`. */
export function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ name: 'test', level: 'debug', destination }), lines };
}

export const testCredential = 'a-service-credential-for-tests-only-0123456789';

/** Headers of a call that has little time, for services that wait for others. */
export const shortDeadline = { [deadlineHeader]: '1000' };

/** A short random name, so that test files can share a store. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

/** Creates an empty MySQL database on the server of `MYSQL_URL`. */
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

/** A port without a listener. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** An HTTP server that answers `{}`, and can be stopped and started again at the same address. */
export async function startRestartable(test: TestContext) {
  let server: Server;
  /** The methods of the requests. */
  const received: string[] = [];
  const start = async (port: number) => {
    server = createHttpServer((request, response) => {
      received.push(String(request.method));
      response.setHeader('content-type', 'application/json').end('{}');
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const port = await start(0);
  test.after(stop);
  return { url: `http://127.0.0.1:${port}`, received, stop, start: () => start(port) };
}

/**
 * Waits until a condition returns a truthy value, and returns that. The deadline is generous, since only failures
 * reach it.
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
    if (Date.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await delay(20);
  }
}

type Wire = {
  port: number;
  /** `silent` accepts bytes but forwards none; `cut` closes all connections and refuses new ones. */
  set(state: 'whole' | 'silent' | 'cut'): void;
  close(): Promise<void>;
};

/** A TCP proxy before a real server that fails as networks do. */
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

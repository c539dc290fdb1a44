import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './ask.ts';
import { runStore, type StartedStore, type StoreContext, type StoreSpec } from './run-store.ts';
import { requireProgram } from './system-packages.ts';

/** Redis with its append-only file; provides REDIS_URL. */
export async function startRedis(context: StoreContext): Promise<StartedStore> {
  return runStore(context, redisServer(context, 'redis'));
}

/** The broker's own Redis, which loses no write that it has acknowledged; provides BROKER_REDIS_URL. */
export async function startBrokerRedis(context: StoreContext): Promise<StartedStore> {
  const spec = redisServer(context, 'broker-redis', () => ['--appendfsync', 'always']);
  const environment = ([port]: number[]) => ({ BROKER_REDIS_URL: `redis://127.0.0.1:${port}` });
  return runStore(context, { ...spec, environment });
}

/** A server with its data in a folder of its name. Its first port takes the commands. */
export function redisServer(
  context: StoreContext,
  name: string,
  moreArgs: (ports: number[]) => string[] = () => [],
): StoreSpec {
  const server = requireProgram('redis-server', context.env);
  const folder = join(context.dataDir, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    name,
    freePorts: 1,
    command: (ports) => ({
      file: server,
      args: [
        ...['--port', String(ports[0])],
        ...['--bind', '127.0.0.1'],
        ...['--dir', folder],
        ...['--appendonly', 'yes'],
        ...['--appendfsync', 'everysec'],
        // The append-only file already persists the data.
        ...['--save', ''],
        ...['--maxmemory-policy', 'noeviction'],
        // Frees a large expired key in a background thread instead of blocking all clients.
        ...['--lazyfree-lazy-expire', 'yes'],
        ...['--daemonize', 'no'],
        ...moreArgs(ports),
      ],
    }),
    // It answers -LOADING while it reads its file.
    async isReady([port = 0], signal) {
      const answer = await ask(port, signal, 'PING\r\n');
      return answer.toString().startsWith('+PONG');
    },
    environment: ([port]) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }),
    complaint: /fatal|error|bad file|can't|invalid/i,
    readyWithinMs: 60_000,
    stopWithinMs: 10_000,
  };
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { requireProgram } from '../system-packages.ts';
import { ask } from './ask.ts';
import { runStore, type StartedStore, type StoreContext } from './run-store.ts';

/** Redis with its append-only file on; gives REDIS_URL. */
export async function startRedis(context: StoreContext): Promise<StartedStore> {
  const server = requireProgram('redis-server', context.env);
  const folder = join(context.dataDir, 'redis');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return runStore(context, {
    name: 'redis',
    freePorts: 1,
    command: ([port]) => ({
      file: server,
      args: [
        ...['--port', String(port)],
        ...['--bind', '127.0.0.1'],
        ...['--dir', folder],
        ...['--appendonly', 'yes'],
        ...['--appendfsync', 'everysec'],
        // The append-only file is the persistence; snapshots beside it would only cost.
        ...['--save', ''],
        ...['--maxmemory-policy', 'noeviction'],
        ...['--daemonize', 'no'],
      ],
    }),
    // While it reads its file it answers -LOADING.
    async isReady([port = 0], signal) {
      const answer = await ask(port, signal, 'PING\r\n');
      return answer.toString().startsWith('+PONG');
    },
    environment: ([port]) => ({ REDIS_URL: `redis://127.0.0.1:${port}` }),
    complaint: /fatal|error|bad file|can't|invalid/i,
    readyWithinMs: 60_000,
    stopWithinMs: 10_000,
  });
}

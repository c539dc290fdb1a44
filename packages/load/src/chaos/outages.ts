import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { administratorOf } from '@queue-manager/local-stack/stores/mariadb';
import type { System } from '@queue-manager/local-stack/system/system';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { drawOf, randomOf } from '../random.ts';

/** What a store or service does instead of its work, without exiting. */
export interface Outage {
  name: string;
  /** Throws when the process is not running. Returns a function that ends the outage. */
  begin(): Promise<() => Promise<void>>;
}

interface PlannedOutage {
  outage: Outage;
  /** Since the end of the previous outage or the start. */
  afterMs: number;
  lastsMs: number;
}

const pauseMs = [500, 4_000] as const;
/** Some are shorter than the deadline of a request, some longer. */
const durationMs = [1_000, 8_000] as const;
/** A slow process stands still again and again. */
const slowMs = { working: 20, still: 200 };

type Running = Pick<System, 'names' | 'kill' | 'env'>;

/** How far the clock of the services goes back, in the notation of libfaketime, and where it was. */
const clockShifts = { back: '-45s', none: '+0s' };

/**
 * The outages of the stores and services of a system, by kind.
 *
 * @param clockFile holds the shift of the services' clock; null if that cannot be shifted here.
 */
export function outagesOf(system: Running, dataDir: string, clockFile: string | null): Outage[][] {
  const { names, env } = system;
  const redis = (env.REDIS_URL ?? '').split(',');
  const brokerRedis = env.BROKER_REDIS_URL ?? '';
  const ofRedis = (name: string, begin: (admin: Redis) => Promise<() => Promise<unknown>>) => [
    ...redis.map((url) => redisOutage(name, url, begin)),
    redisOutage(`broker-${name}`, brokerRedis, begin),
  ];
  return [
    names.map((name) => silent(system, name)),
    names.map((name) => slow(system, name)),
    ...(names.includes('mariadb')
      ? [
          [mariadbOutage('mariadb only reads', dataDir, 'read_only', 1)],
          // Ten is the least that it accepts.
          [
            mariadbOutage('mariadb refuses connections', dataDir, 'max_connections', 10, [
              'KILL USER queue_manager',
            ]),
          ],
        ]
      : []),
    ...(clockFile === null ? [] : [[clockGoesBack(clockFile)]]),
    ofRedis('redis is full', (admin) => configure(admin, 'maxmemory', '1mb')),
    ofRedis('redis refuses connections', async (admin) => {
      const end = await configure(admin, 'maxclients', '1');
      await admin.call('CLIENT', 'KILL', 'SKIPME', 'yes');
      return end;
    }),
    // A replica that has lost its master. A node of a cluster does not become one.
    ...(redis.length > 1
      ? []
      : [
          ofRedis('redis only reads', async (admin) => {
            await admin.replicaof('127.0.0.1', 1);
            return () => admin.replicaof('NO', 'ONE');
          }),
        ]),
  ];
}

function silent({ kill }: Running, victim: string): Outage {
  return {
    name: `${victim} is silent`,
    async begin() {
      kill(victim, 'SIGSTOP');
      return async () => kill(victim, 'SIGCONT');
    },
  };
}

function slow({ kill }: Running, victim: string): Outage {
  return {
    name: `${victim} is slow`,
    async begin() {
      let isStill = false;
      let timer: NodeJS.Timeout;
      const alternate = () => {
        isStill = !isStill;
        kill(victim, isStill ? 'SIGSTOP' : 'SIGCONT');
        timer = setTimeout(alternate, isStill ? slowMs.still : slowMs.working);
      };
      alternate();
      return async () => {
        clearTimeout(timer);
        kill(victim, 'SIGCONT');
      };
    },
  };
}

/** As when a machine's clock is corrected, and corrected again. */
function clockGoesBack(clockFile: string): Outage {
  return {
    name: "the services' clock goes back",
    async begin() {
      await writeFile(clockFile, clockShifts.back);
      return () => writeFile(clockFile, clockShifts.none);
    },
  };
}

/** An outage by a setting of the server. `also` are further statements that begin it. */
function mariadbOutage(
  name: string,
  dataDir: string,
  setting: string,
  value: number,
  also: string[] = [],
): Outage {
  return {
    name,
    async begin() {
      const admin = await createConnection({ ...administratorOf(dataDir), connectTimeout: 5_000 });
      ignoreLoss(admin);
      const [rows] = await admin.query<RowDataPacket[]>(`SELECT @@GLOBAL.${setting} AS value`);
      for (const statement of [`SET GLOBAL ${setting} = ${value}`, ...also]) {
        await admin.query(statement);
      }
      return async () => {
        await admin.query(`SET GLOBAL ${setting} = ${rows[0]?.value}`).catch(() => {});
        admin.destroy();
      };
    },
  };
}

function redisOutage(
  name: string,
  url: string,
  begin: (admin: Redis) => Promise<() => Promise<unknown>>,
): Outage {
  return {
    name,
    async begin() {
      const admin = new Redis(url, { retryStrategy: () => null, commandTimeout: 5_000 });
      ignoreLoss(admin);
      const end = await begin(admin);
      return async () => {
        await end().catch(() => {});
        admin.disconnect();
      };
    },
  };
}

async function configure(
  admin: Redis,
  setting: string,
  value: string,
): Promise<() => Promise<unknown>> {
  const [, before = ''] = (await admin.config('GET', setting)) as string[];
  await admin.config('SET', setting, value);
  return () => admin.config('SET', setting, before);
}

/** A store that is killed during an outage starts with its own settings again: nothing is left to end. */
function ignoreLoss(connection: { on(event: 'error', listener: () => void): unknown }): void {
  connection.on('error', () => {});
}

/**
 * The endless sequence of outages of a seed, the same for the same outages. Every kind comes once before any comes
 * again.
 */
export function* planOutages(seed: string, kinds: Outage[][]): Generator<PlannedOutage> {
  const random = randomOf(`${seed} outages`);
  const between = ([min, max]: readonly [number, number]) => min + random() * (max - min);
  const drawKind = drawOf(
    kinds.map((outages) => drawOf(outages, random)),
    random,
  );
  for (;;) {
    yield { outage: drawKind()(), afterMs: between(pauseMs), lastsMs: between(durationMs) };
  }
}

/**
 * Causes outages by plan, one after the other, until the time is over.
 *
 * @param onOutage called for each outage that has begun.
 * @returns the number of outages by name; one of a process that was not running does not count.
 */
export async function breakByPlan(
  plan: Iterable<PlannedOutage>,
  totalMs: number,
  signal: AbortSignal,
  onOutage: (atMs: number, name: string, lastsMs: number) => void,
): Promise<Map<string, number>> {
  const suffered = new Map<string, number>();
  const startedAt = performance.now();
  const leftMs = () => Math.max(0, startedAt + totalMs - performance.now());
  for (const { outage, afterMs, lastsMs } of plan) {
    await delay(Math.min(afterMs, leftMs()), undefined, { signal });
    if (leftMs() === 0) break;
    const end = await outage.begin().catch(() => null);
    if (end === null) continue;
    suffered.set(outage.name, (suffered.get(outage.name) ?? 0) + 1);
    onOutage(performance.now() - startedAt, outage.name, lastsMs);
    try {
      await delay(Math.min(lastsMs, leftMs()), undefined, { signal });
    } finally {
      await end();
    }
  }
  return suffered;
}

import { fillLine } from '@queue-manager/queue/bench/fill-line';
import type { LoadResult } from '@queue-manager/queue/bench/load-worker';
import { say } from '@queue-manager/queue/bench/report';
import { startWorker, type Worker } from '@queue-manager/queue/bench/worker';
import { systemClock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { Redis } from 'ioredis';
import { lineKeys } from '../projection/line-keys.ts';
import type { LiveSystem } from './live-system.ts';

export const connections = 64;
const warmUpSeconds = 3;
const shortLine = 1_000;
/** Of the lines of which each connection has one. */
const spreadLine = 100;

/** One of those that are asked for a position. */
export const readers = ['bare route', 'position service', 'bare proxy', 'gateway'] as const;
export type Reader = (typeof readers)[number];
/** What each of ours is compared with. */
export const baselineOf = { 'position service': 'bare route', gateway: 'bare proxy' } as const;

/** `cpuMs`: of this reader's own process, for one read. */
export type Turn = {
  perSecond: number;
  p50: number;
  p99: number;
  longestMs: number;
  cpuMs: number;
};
export type ReadRound = Record<Reader, Turn> & { rankPerSecond: number };
/** Reads at the position service. */
export type LengthRound = Record<'short' | 'long', Turn>;
/** Reads of the short line there while the long one, which was lost, is rebuilt. */
export type RebuildRound = { short: Turn; rebuildMs: number };

/** Reads a second where each connection asks of a line of its own. */
export type SpreadRound = Record<'bare route' | 'position service', number>;

export type Reads = {
  rounds: ReadRound[];
  spread: SpreadRound[];
  waiting: number;
  lengths: LengthRound[];
  rebuilds: RebuildRound[];
};

const workerUrl = (name: string) => new URL(name, import.meta.url).href;

/**
 * How many positions are read in a second, of guests spread over a line of 1,000: at the position service and
 * through the gateway, each in turns with its baseline; then on a long line in turns with the short one, and of the
 * short one while the long one is rebuilt.
 */
export async function measureReads(
  system: LiveSystem,
  options: { rounds: number; seconds: number; waiting: number },
): Promise<Reads> {
  const { rounds, seconds, waiting } = options;
  const redis = new Redis(system.redisUrl);
  const workers: Worker[] = [];
  const start = async (...given: Parameters<typeof startWorker>) => {
    const worker = await startWorker(...given);
    workers.push(worker);
    return worker;
  };
  try {
    const fill = async (count: number) => {
      const queueId = await system.makeLine();
      await fillLine(system.db, systemClock, uuidToBytes(queueId), count);
      // Spread over the whole line, the first and the last among them.
      const numbers = Array.from(
        { length: connections },
        (_, index) => 1 + Math.round((index * (count - 1)) / (connections - 1)),
      );
      const some = await system.db
        .selectFrom('parties')
        .select('id')
        .where('queue_id', '=', uuidToBytes(queueId))
        .where('number', 'in', numbers)
        .orderBy('number')
        .execute();
      const paths = some.map(
        ({ id }) => `/v1/positions/${system.ticketOf(queueId, bytesToUuid(id))}`,
      );
      await system.project(paths[0] as string);
      return { queueId, paths };
    };
    const short = await fill(shortLine);

    const bareRoute = await start(workerUrl('bare-route-worker.ts'), {
      redisUrl: system.redisUrl,
      ticketKeys: system.ticketKeys,
    });
    const bareRouteUrl = (await bareRoute.ask('url')) as string;
    const bareProxy = await start(workerUrl('bare-proxy-worker.ts'), { upstream: bareRouteUrl });
    const load = await start('load-worker.ts', {});
    const rank = await start(workerUrl('rank-worker.ts'), { redisUrl: system.redisUrl });

    const urls: Record<Reader, string> = {
      'bare route': bareRouteUrl,
      'bare proxy': (await bareProxy.ask('url')) as string,
      'position service': system.urls['position service'],
      gateway: system.urls.gateway,
    };
    const cpuSeconds = async (reader: Reader) => {
      if (reader === 'bare route') return (await bareRoute.ask('cpuSeconds')) as number;
      if (reader === 'bare proxy') return (await bareProxy.ask('cpuSeconds')) as number;
      return system.cpuSeconds(reader);
    };
    const read = async (reader: Reader, paths: string[], turnSeconds: number): Promise<Turn> => {
      const cpuBefore = await cpuSeconds(reader);
      const { refused, ...turn } = (await load.ask('run', {
        baseUrl: urls[reader],
        connections,
        seconds: turnSeconds,
        method: 'GET',
        paths,
        headers: {},
      })) as LoadResult;
      if (refused > 0) throw new Error(`${reader}: ${refused} reads were refused`);
      if (turn.perSecond === 0) throw new Error(`${reader}: a whole turn long nobody was answered`);
      const used = (await cpuSeconds(reader)) - cpuBefore;
      return { ...turn, cpuMs: (1_000 * used) / (turn.perSecond * turnSeconds) };
    };
    await sameLength(urls, short.paths[1] as string);

    const lineKey = lineKeys(short.queueId, systemClock.now())[1] as string;
    const members = await redis.zrangeBuffer(lineKey, '0', '-1');
    say('Reading positions: warming up …');
    for (const reader of readers) await read(reader, short.paths, warmUpSeconds);
    const taken: ReadRound[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const result = {
        rankPerSecond: (await rank.ask('run', {
          key: lineKey,
          members,
          seconds: 1,
          atOnce: connections,
        })) as number,
      } as ReadRound;
      // Who goes first changes, since a machine is not equally fast all the time.
      const order = round % 2 === 0 ? [...readers].reverse() : readers;
      for (const reader of order) result[reader] = await read(reader, short.paths, seconds);
      taken.push(result);
      say(
        `round ${round}: ${readers
          .map((reader) => {
            const { perSecond, cpuMs } = result[reader];
            return `${reader} ${perSecond.toFixed(0)} (${(cpuMs * 1_000).toFixed(0)} µs CPU)`;
          })
          .join(', ')}; ZRANK ${result.rankPerSecond.toFixed(0)}`,
      );
    }

    const spreadPaths: string[] = [];
    for (let index = 0; index < connections; index += 1) {
      const { paths } = await fill(spreadLine);
      spreadPaths.push(paths[index] as string);
    }
    const spread: SpreadRound[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const at = async (reader: Reader) => (await read(reader, spreadPaths, seconds)).perSecond;
      const result = {
        'bare route': await at('bare route'),
        'position service': await at('position service'),
      };
      spread.push(result);
      say(
        `round ${round}, over ${connections} lines: bare route ${result['bare route'].toFixed(0)}, position service ${result['position service'].toFixed(0)}`,
      );
    }

    const lengths: LengthRound[] = [];
    const rebuilds: RebuildRound[] = [];
    if (waiting > 0) {
      say(`Filling a line with ${waiting} …`);
      const long = await fill(waiting);
      for (let round = 1; round <= rounds; round += 1) {
        const at = ({ paths }: { paths: string[] }) => read('position service', paths, seconds);
        const length = { short: await at(short), long: await at(long) };
        lengths.push(length);
        say(
          `round ${round}: ${turnAsText(length.short)} with ${shortLine} waiting, ${turnAsText(length.long)} with ${waiting}`,
        );
      }
      const [meta = ''] = lineKeys(long.queueId, systemClock.now());
      for (let round = 1; round <= rounds; round += 1) {
        await redis.hdel(meta, 'seq');
        const lostAt = performance.now();
        const [turn, rebuildMs] = await Promise.all([
          read('position service', short.paths, seconds),
          system.project(long.paths[0] as string).then(() => performance.now() - lostAt),
        ]);
        rebuilds.push({ short: turn, rebuildMs });
        say(
          `round ${round}: ${turnAsText(turn)} with ${shortLine} waiting, while one of ${waiting} was rebuilt in ${(rebuildMs / 1_000).toFixed(1)} s`,
        );
      }
    }
    return { rounds: taken, spread, waiting, lengths, rebuilds };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    redis.disconnect();
  }
}

const turnAsText = ({ perSecond, longestMs }: Turn) =>
  `${perSecond.toFixed(0)} a second (the longest ${longestMs.toFixed(0)} ms)`;

/** A baseline that answers with fewer bytes than ours would be none. */
async function sameLength(urls: Record<Reader, string>, path: string): Promise<void> {
  for (const [ours, bare] of Object.entries(baselineOf) as [Reader, Reader][]) {
    const lengths: number[] = [];
    for (const reader of [ours, bare]) {
      const answer = await fetch(`${urls[reader]}${path}`);
      if (!answer.ok) throw new Error(`${reader} answered ${answer.status}`);
      lengths.push((await answer.text()).length);
    }
    const [oursLength = 0, bareLength = 0] = lengths;
    if (Math.abs(oursLength - bareLength) > 16) {
      throw new Error(`${ours} answers ${oursLength} bytes, the ${bare} ${bareLength}`);
    }
  }
}

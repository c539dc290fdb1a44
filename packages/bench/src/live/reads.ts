import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { Redis } from 'ioredis';
import type { LoadResult } from '../measure/http-load-worker.ts';
import { say } from '../measure/report.ts';
import { startWorker, stopAll, type Worker } from '../measure/worker.ts';
import type { LiveSystem } from './live-system.ts';

export const connections = 64;
const warmUpSeconds = 3;
const shortLine = 1_000;
/** Length of the queues of which each connection has one. */
const spreadLine = 100;

/** What answers the position reads. */
const readers = ['bare route', 'position service', 'bare proxy', 'gateway'] as const;
type Reader = (typeof readers)[number];
/** The baseline of each of ours. */
export const baselineOf = { 'position service': 'bare route', gateway: 'bare proxy' } as const;

/** `cpuMs`: CPU time of the answering process per read. */
export type Sample = {
  perSecond: number;
  p50: number;
  p99: number;
  longestMs: number;
  cpuMs: number;
};
type ReadRound = Record<Reader, Sample> & { rankPerSecond: number };
/** Reads at the position service. */
type LengthRound = Record<'short' | 'long', Sample>;
/** Reads of the short queue while the projection of the long one is rebuilt. */
type RebuildRound = { short: Sample; rebuildMs: number };

/** Reads per second where each connection reads from a queue of its own. */
export type SpreadRound = Record<'bare route' | 'position service', number>;

export type Reads = {
  rounds: ReadRound[];
  spread: SpreadRound[];
  waiting: number;
  lengths: LengthRound[];
  rebuilds: RebuildRound[];
};

/**
 * Position reads per second, of guests spread over a queue of 1,000, at the position service and through the gateway,
 * alternating with their baselines; then on a long queue alternating with the short one, and on the short one while
 * the long one is rebuilt.
 */
export async function measureReads(
  system: LiveSystem,
  options: { rounds: number; seconds: number; waiting: number },
): Promise<Reads> {
  const { rounds, seconds, waiting } = options;
  const redis = new Redis(system.redisUrl);
  const workers: Worker[] = [];
  const start = async (program: string, options: object = {}) => {
    const worker = await startWorker(program, options);
    workers.push(worker);
    return worker;
  };
  try {
    const fill = async (count: number) => {
      const { id: queueId } = await system.createLine();
      await system.fillLine(queueId, count);
      // Spread over the whole queue, including its first and last party.
      const numbers = Array.from(
        { length: connections },
        (_, index) => 1 + Math.round((index * (count - 1)) / (connections - 1)),
      );
      const ids = await system.partyIdsByNumber(queueId, numbers);
      const paths = ids.map((id) => `/v1/positions/${system.ticketOf(queueId, bytesToUuid(id))}`);
      await system.project(paths[0] as string);
      return { queueId, paths };
    };
    const short = await fill(shortLine);

    const bareRoute = await start('services/position/src/bench/bare-route-worker.ts', {
      redisUrl: system.redisUrl,
      ticketKeys: system.ticketKeys,
    });
    const bareRouteUrl = (await bareRoute.ask('url')) as string;
    const bareProxy = await start('packages/bench/src/live/bare-proxy-worker.ts', {
      upstream: bareRouteUrl,
    });
    const load = await start('packages/bench/src/measure/http-load-worker.ts');
    const rank = await start('packages/bench/src/live/rank-worker.ts', {
      redisUrl: system.redisUrl,
    });

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
    const read = async (reader: Reader, paths: string[], duration: number): Promise<Sample> => {
      const cpuBefore = await cpuSeconds(reader);
      const { refused, ...sample } = (await load.ask('run', {
        baseUrl: urls[reader],
        connections,
        seconds: duration,
        method: 'GET',
        paths,
        headers: {},
      })) as LoadResult;
      if (refused > 0) throw new Error(`${reader}: ${refused} reads were refused`);
      if (sample.perSecond === 0) throw new Error(`${reader}: no read was answered`);
      const used = (await cpuSeconds(reader)) - cpuBefore;
      return { ...sample, cpuMs: (1_000 * used) / (sample.perSecond * duration) };
    };
    await sameLength(urls, short.paths[1] as string);

    const lineKey = (await bareRoute.ask('lineKey', { queueId: short.queueId })) as string;
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
          concurrency: connections,
        })) as number,
      } as ReadRound;
      // The order alternates, since the machine's speed varies.
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
        `round ${round}, over ${connections} queues: bare route ${result['bare route'].toFixed(0)}, position service ${result['position service'].toFixed(0)}`,
      );
    }

    const lengths: LengthRound[] = [];
    const rebuilds: RebuildRound[] = [];
    if (waiting > 0) {
      say(`Filling a queue with ${waiting} …`);
      const long = await fill(waiting);
      for (let round = 1; round <= rounds; round += 1) {
        const at = ({ paths }: { paths: string[] }) => read('position service', paths, seconds);
        const length = { short: await at(short), long: await at(long) };
        lengths.push(length);
        say(
          `round ${round}: ${sampleAsText(length.short)} with ${shortLine} waiting, ${sampleAsText(length.long)} with ${waiting}`,
        );
      }
      for (let round = 1; round <= rounds; round += 1) {
        await bareRoute.ask('loseLine', { queueId: long.queueId });
        const lostAt = performance.now();
        const [sample, rebuildMs] = await Promise.all([
          read('position service', short.paths, seconds),
          system.project(long.paths[0] as string).then(() => performance.now() - lostAt),
        ]);
        rebuilds.push({ short: sample, rebuildMs });
        say(
          `round ${round}: ${sampleAsText(sample)} with ${shortLine} waiting, while a queue of ${waiting} was rebuilt in ${(rebuildMs / 1_000).toFixed(1)} s`,
        );
      }
    }
    return { rounds: taken, spread, waiting, lengths, rebuilds };
  } finally {
    await stopAll(workers);
    redis.disconnect();
  }
}

const sampleAsText = ({ perSecond, longestMs }: Sample) =>
  `${perSecond.toFixed(0)} per second (slowest ${longestMs.toFixed(0)} ms)`;

/** A baseline with shorter answers than ours would not be comparable. */
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

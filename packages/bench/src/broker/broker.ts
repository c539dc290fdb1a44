/** `npm run bench -- broker`: cycles of the broker's store beside rsmq and BullMQ on the same Redis. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { median, type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { env, openRunningSystem } from '../measure/running-system.ts';
import { startWorker, stopAll, type Worker } from '../measure/worker.ts';
import type { CycleLoad, Cycles } from './cycles.ts';

const help = `Usage: npm run bench -- broker [options]

Measures, on its own system, cycles of publishing, consuming and deleting one message:
  - with the store of the broker, rsmq, BullMQ's manual processing, and BullMQ with its own workers;
    all on the broker's Redis (append-only file, fsync always), 16 cycles at once in one process,
    alternating for several rounds;
  - with the store of the broker while 1,000, 10,000, … messages are queued;
  - over HTTP, at the broker's own port and through the gateway.

Options:
  --rounds N   number of rounds; default 3
  --seconds N  duration of each measurement; default 4
  --queued N   messages in the longest queue; default 1000000, 0 to skip
`;

const goals = { ratio: 1, growth: 1.5 };
const atOnce = 16;
/** As much JSON as an event of a party has. */
const body = JSON.stringify({ data: '.'.repeat(600) });
const shortest = 1_000;

const storeWorker = 'services/broker/src/bench/store-worker.ts';
const engines = {
  store: storeWorker,
  rsmq: 'packages/bench/src/broker/rsmq-worker.ts',
  'BullMQ, manual': 'packages/bench/src/broker/bullmq-manual-worker.ts',
  'BullMQ, workers': 'packages/bench/src/broker/bullmq-worker.ts',
};
type Engine = keyof typeof engines;

type Options = { rounds: number; seconds: number; queued: number };
/** `cpuMs` is the processor time of the process and of Redis, per cycle. */
type Sample = { perSecond: number; cpuMs: number; redisCpuMs: number };
type Result = {
  engines: Record<Engine, Sample[]>;
  queued: { count: number; samples: Sample[] }[];
  http: { door: string; perSecond: number }[];
};

/** Measures cycles, and the processor time of Redis meanwhile. */
async function sample(redis: Redis, worker: Worker, load: CycleLoad): Promise<Sample> {
  const before = await redisCpuSeconds(redis);
  const { perSecond, cpuMs } = (await worker.ask('cycles', load)) as Cycles;
  const cycles = perSecond * load.seconds;
  const redisCpuMs = (((await redisCpuSeconds(redis)) - before) * 1_000) / cycles;
  return { perSecond, cpuMs: cpuMs + redisCpuMs, redisCpuMs };
}

async function redisCpuSeconds(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const part = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  return part('used_cpu_sys') + part('used_cpu_user');
}

async function measureEngines(redis: Redis, options: Options): Promise<Result['engines']> {
  const url = env('BROKER_REDIS_URL');
  const workers = {} as Record<Engine, Worker>;
  try {
    for (const engine of Object.keys(engines) as Engine[]) {
      workers[engine] = await startWorker(engines[engine], { url, venueId: randomUUID() });
      await workers[engine].ask('cycles', { seconds: 1, atOnce, body });
    }
    const samples = Object.fromEntries(
      Object.keys(engines).map((engine) => [engine, [] as Sample[]]),
    ) as Result['engines'];
    for (let round = 1; round <= options.rounds; round += 1) {
      say(`Round ${round} of ${options.rounds} …`);
      for (const [engine, worker] of Object.entries(workers) as [Engine, Worker][]) {
        samples[engine].push(
          await sample(redis, worker, { seconds: options.seconds, atOnce, body }),
        );
      }
    }
    return samples;
  } finally {
    await stopAll(Object.values(workers));
  }
}

async function measureQueued(redis: Redis, options: Options): Promise<Result['queued']> {
  const found: Result['queued'] = [];
  const worker = await startWorker(storeWorker, {
    url: env('BROKER_REDIS_URL'),
    venueId: randomUUID(),
  });
  try {
    let filled = 0;
    for (let count = shortest; count <= options.queued; count *= 10) {
      say(`Filling a queue with ${count} messages …`);
      await worker.ask('fill', { count: count - filled, body: '{}' });
      filled = count;
      const samples: Sample[] = [];
      for (let round = 1; round <= options.rounds; round += 1) {
        samples.push(await sample(redis, worker, { seconds: options.seconds, atOnce, body }));
      }
      found.push({ count, samples });
    }
    return found;
  } finally {
    await worker.stop();
  }
}

async function measureHttp({ seconds }: Options): Promise<Result['http']> {
  const system = await openRunningSystem();
  try {
    const made = await system.post('queue service', `/v1/venues/${system.venueId}/api-keys`, {
      name: 'Bench',
    });
    const { key } = (await made.json()) as { key: string };
    const worker = await startWorker('packages/bench/src/broker/http-worker.ts', { key });
    try {
      const found: Result['http'] = [];
      for (const [door, url] of [
        ['broker', env('BROKER_SERVICE_URL')],
        ['gateway', env('GATEWAY_URL')],
      ] as const) {
        const { perSecond } = (await worker.ask('cycles', {
          seconds,
          atOnce,
          body,
          url,
        })) as Cycles;
        found.push({ door, perSecond });
      }
      return found;
    } finally {
      await worker.stop();
    }
  } finally {
    await system.close();
  }
}

const ofAll = (samples: readonly Sample[], value: (sample: Sample) => number) =>
  median(samples.map(value));

await runBench<Options, Result>({
  help,
  defaults: { rounds: '3', seconds: '4', queued: '1000000' },
  read: (args) => ({
    rounds: args.number('rounds', 1),
    seconds: args.number('seconds', 1),
    queued: args.number('queued', 0),
  }),
  async measure(options) {
    const redis = new Redis(env('BROKER_REDIS_URL'));
    try {
      return {
        engines: await measureEngines(redis, options),
        queued: await measureQueued(redis, options),
        http: await measureHttp(options),
      };
    } finally {
      redis.disconnect();
    }
  },
  rows({ engines, queued, http }) {
    const perCpu = (samples: readonly Sample[]) => 1_000 / ofAll(samples, ({ cpuMs }) => cpuMs);
    const rows: Row[] = Object.entries(engines).map(([engine, samples]) => {
      const perSecond = ofAll(samples, (sample) => sample.perSecond);
      const redisMs = ofAll(samples, ({ redisCpuMs }) => redisCpuMs);
      const ratio = perCpu(engines.store) / perCpu(samples);
      return {
        what: `${engine}: cycles per second`,
        measured: `${Math.round(perSecond)}, ${Math.round(perCpu(samples))} per processor second (${redisMs.toFixed(3)} ms of Redis each)`,
        ...(engine === 'store'
          ? {}
          : { goal: `store / ${engine} above ${goals.ratio}`, isReached: ratio > goals.ratio }),
      };
    });
    const [first] = queued;
    for (const { count, samples } of queued) {
      const redisMs = (of: readonly Sample[]) => ofAll(of, ({ redisCpuMs }) => redisCpuMs);
      const growth = redisMs(samples) / redisMs(first?.samples ?? samples);
      rows.push({
        what: `store with ${count} queued: Redis per cycle`,
        measured: `${redisMs(samples).toFixed(3)} ms`,
        ...(count === first?.count
          ? {}
          : { goal: `below ${goals.growth} times`, isReached: growth < goals.growth }),
      });
    }
    for (const { door, perSecond } of http) {
      rows.push({
        what: `HTTP, ${door}: cycles per second`,
        measured: String(Math.round(perSecond)),
      });
    }
    return rows;
  },
});

/** `npm run bench -- line`: how fast a line changes, beside the same rows written by mysql2 alone. */
import { setTimeout as delay } from 'node:timers/promises';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { createSqsClient, findQueue } from '@queue-manager/events/client';
import { systemClock } from '@queue-manager/service-kit/clock';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { freshDatabase } from '@queue-manager/service-kit/testing';
import { createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import { cpuOfSystem, describeCpu } from '../measure/cpu-of-system.ts';
import type { LoadResult } from '../measure/http-load-worker.ts';
import { openQueueTables } from '../measure/queue-tables.ts';
import { median, type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { type Line, openRunningSystem } from '../measure/running-system.ts';
import { startWorker, stopAll, type Worker } from '../measure/worker.ts';
import type { RawLoad } from './raw-line-worker.ts';

const help = `Usage: npm run bench -- line [options]

Measures, on its own system:
  - guests joining and hosts calling the next party, 64 connections over 64 queues and over one, at
    the queue service's own port and through the gateway, compared with raw mysql2 that writes the
    same rows under the same lock in the same transaction; alternating, for several rounds;
  - sequential call-next requests on a queue of 1,000 and on a long one;
  - closing a queue of 3,000 and removing everyone in it.

Options:
  --rounds N   number of rounds; default 5
  --seconds N  duration of each measurement; default 4
  --waiting N  parties in the long queue; default 100000, 0 to skip call-next and close
`;

const goals = { joinRatio: 0.35, callNextRatio: 1.5 };
const connections = 64;
const shortLine = 1_000;
const closedLine = 3_000;
const callsEach = 200;
/** Size of the data in the row of an event. */
const eventBytes = 600;
/** More than one queue can handle. */
const callsPerSecondMax = 3_000;
/** Duration of all calls before the first counted one, for each door and the baseline. */
const warmUpSeconds = 3;
/** So that the long queue does not run empty. */
const waitingMin = 2_000;
const settleMsMax = 120_000;

type Options = { rounds: number; seconds: number; waiting: number };

type Door = 'queue service' | 'gateway';
const doors: Door[] = ['queue service', 'gateway'];

async function openSystem() {
  const system = await openRunningSystem();
  const sqs = createSqsClient();
  const positionEvents = await findQueue(sqs, '', 'position-events');

  return {
    ...system,
    /** Waits until the position service has a projection of the queue. */
    async project({ id }: Line): Promise<void> {
      const answer = await fetch(`${system.urls['position service']}/v1/boards/${id}`);
      if (!answer.ok) throw new Error(`the board of a queue: ${answer.status}`);
      await answer.arrayBuffer();
    },
    /** Waits until all events of the last measurement are delivered, so that the next has the machine for itself. */
    async settle(): Promise<void> {
      const deadline = performance.now() + settleMsMax;
      for (;;) {
        const [rows] = await system.db.query<RowDataPacket[]>(
          'SELECT 1 FROM events WHERE relay_at IS NOT NULL LIMIT 1',
        );
        const { Attributes = {} } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl: positionEvents, AttributeNames: ['All'] }),
        );
        const messages =
          Number(Attributes.ApproximateNumberOfMessages) +
          Number(Attributes.ApproximateNumberOfMessagesNotVisible);
        if (rows.length === 0 && messages === 0) return;
        if (performance.now() > deadline) throw new Error('events are not delivered');
        await delay(200);
      }
    },
    async close(): Promise<void> {
      await system.close();
      sqs.destroy();
    },
  };
}

type System = Awaited<ReturnType<typeof openSystem>>;

/** Which work is done, over how many queues. */
type Work = { work: RawLoad['work']; lines: number };
const works: Work[] = [
  { work: 'join', lines: connections },
  { work: 'join', lines: 1 },
  { work: 'call', lines: connections },
  { work: 'call', lines: 1 },
];

type Sample = {
  perSecond: number;
  /** To the baseline. */
  ratio: number;
  p50: number;
  p99: number;
  /** CPU time of the queue service per change, including the work after its answer. */
  cpuMs: number;
  /** The same of every service and store, by name; empty where there is no /proc. */
  cpuMsBy: Record<string, number>;
};
type Round = { raw: number } & Record<Door, Sample>;
type Throughput = Work & { rounds: Round[] };

async function measureThroughput(system: System, options: Options): Promise<Throughput[]> {
  const raw = await freshDatabase();
  const rawTables = await openQueueTables(raw.url);
  const rawDb = createPool({ uri: raw.url, timezone: 'Z' });
  const venueId = uuidToBytes(newId(systemClock));
  const workers: Worker[] = [];
  try {
    await rawTables.migrate();
    const load = await startWorker('packages/bench/src/measure/http-load-worker.ts');
    workers.push(load);
    const rawWorker = await startWorker('packages/bench/src/line/raw-line-worker.ts', {
      url: raw.url,
      venue: venueId.toString('hex'),
      connections,
      eventBytes,
    });
    workers.push(rawWorker);

    say('Filling queues …');
    const enough = (options.rounds * options.seconds + warmUpSeconds) * callsPerSecondMax;
    const lines = new Map<number, Line[]>();
    const rawLines = new Map<number, string[]>();
    for (const count of [connections, 1]) {
      const created = await Promise.all(Array.from({ length: count }, system.createLine));
      const waiting = Math.ceil(enough / count);
      const rawCreated: string[] = [];
      for (const line of created) {
        const rawId = newId(systemClock);
        await system.fillLine(line.id, waiting);
        await copyLine(system.db, rawDb, line.id, venueId, rawId);
        await rawTables.fillLine(rawId, waiting);
        await system.project(line);
        rawCreated.push(uuidToBytes(rawId).toString('hex'));
      }
      lines.set(count, created);
      rawLines.set(count, rawCreated);
    }

    const runRaw = async ({ work, lines }: Work, seconds: number) => {
      const details: RawLoad = { work, seconds, lines: rawLines.get(lines) ?? [] };
      return ((await rawWorker.ask('run', details)) as { perSecond: number }).perSecond;
    };
    const runOurs = async (door: Door, { work, lines: count }: Work, seconds: number) => {
      const over = lines.get(count) ?? [];
      const cpuBefore = await system.cpuSeconds('queue service');
      const allBefore = cpuOfSystem();
      const result = (await load.ask('run', {
        baseUrl: system.urls[door],
        connections,
        seconds,
        method: 'POST',
        ...(work === 'join'
          ? {
              paths: over.map(({ joinCode }) => `/v1/join/${joinCode}`),
              headers: {},
              body: JSON.stringify({ name: 'Ana Lima', size: 2 }),
            }
          : {
              paths: over.map(({ id }) => `/v1/queues/${id}/call-next`),
              headers: system.headers,
              body: '{}',
            }),
      })) as LoadResult;
      if (result.refused > 0) throw new Error(`${work}: ${result.refused} calls were refused`);
      await system.settle();
      const cpuSeconds = (await system.cpuSeconds('queue service')) - cpuBefore;
      const msEach = (used: number) => (1_000 * used) / (result.perSecond * seconds);
      const cpuMsBy = Object.fromEntries(
        Array.from(cpuOfSystem(), ([name, used]) => [
          name,
          msEach(used - (allBefore.get(name) ?? 0)),
        ]),
      );
      return { ...result, cpuMs: msEach(cpuSeconds), cpuMsBy };
    };

    say('Warming up …');
    for (const work of works) {
      for (const door of doors) await runOurs(door, work, 1);
      await runRaw(work, 1);
    }
    const results: Throughput[] = works.map((work) => ({ ...work, rounds: [] }));
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const result of results) {
        // Half of the baseline before ours and half after, since the machine's speed varies.
        const before = await runRaw(result, options.seconds / 2);
        const taken = {} as Round;
        for (const door of doors) {
          const { refused: _, ...sample } = await runOurs(door, result, options.seconds);
          taken[door] = { ...sample, ratio: Number.NaN };
        }
        const after = await runRaw(result, options.seconds / 2);
        taken.raw = (before + after) / 2;
        for (const door of doors) taken[door].ratio = taken[door].perSecond / taken.raw;
        result.rounds.push(taken);
        say(
          `round ${round}, ${nameOf(result)}: raw ${taken.raw.toFixed(0)}, ` +
            doors
              .map(
                (door) =>
                  `${door} ${taken[door].perSecond.toFixed(0)} (${taken[door].ratio.toFixed(2)}, ${taken[door].cpuMs.toFixed(2)} ms CPU; ${describeCpu(taken[door].cpuMsBy)})`,
              )
              .join(', '),
        );
      }
    }
    return results;
  } finally {
    await stopAll(workers);
    await rawTables.close();
    await rawDb.end();
    await raw.drop();
  }
}

function nameOf({ work, lines }: Work): string {
  const what = work === 'join' ? 'joins' : 'call-nexts';
  return `${what} over ${lines === 1 ? 'one queue' : `${lines} queues`}`;
}

/** Copies a queue that the service created into the tables of the baseline, as an empty one. */
async function copyLine(from: Pool, to: Pool, line: string, venueId: Buffer, rawId: string) {
  const [[row]] = await from.query<RowDataPacket[]>('SELECT * FROM queues WHERE id = ?', [
    uuidToBytes(line),
  ]);
  await to.query('INSERT INTO queues SET ?', {
    ...row,
    venue_id: venueId,
    id: uuidToBytes(rawId),
    join_code: rawId.slice(-16),
    seq: 1,
    waiting: 0,
    last_number: 0,
    tail_key: null,
  });
}

type Calls = { filter: string; shortMs: number; longMs: number; ratio: number };

const filters: { filter: string; body: object; status: number }[] = [
  { filter: 'no filter', body: {}, status: 200 },
  { filter: 'lane regular', body: { lane: 'regular' }, status: 200 },
  { filter: 'sizes 3 to 4', body: { minSize: 3, maxSize: 4 }, status: 200 },
  { filter: 'sizes 9 to 100, nobody', body: { minSize: 9 }, status: 409 },
];

/** Medians of sequential calls, alternating between a short queue and a long one. */
async function measureCalls(system: System, waiting: number): Promise<Calls[]> {
  const long = await system.createLine();
  say(`Filling a queue with ${waiting} …`);
  await system.fillLine(long.id, waiting);
  await system.project(long);
  await system.db.query('ANALYZE TABLE parties');

  const timed = async (line: Line, body: object, status: number) => {
    const startedAt = performance.now();
    const answer = await system.post('queue service', `/v1/queues/${line.id}/call-next`, body);
    await answer.arrayBuffer();
    const ms = performance.now() - startedAt;
    if (answer.status !== status) throw new Error(`call-next answered ${answer.status}`);
    return ms;
  };
  const results: Calls[] = [];
  for (const { filter, body, status } of filters) {
    const short = await system.createLine();
    // So that the average matches the name.
    const atFirst = shortLine + (status === 200 ? callsEach / 2 : 0);
    await system.fillLine(short.id, atFirst);
    await system.project(short);
    const times = { short: [] as number[], long: [] as number[] };
    for (let index = 0; index < callsEach; index += 1) {
      times.short.push(await timed(short, body, status));
      times.long.push(await timed(long, body, status));
    }
    const [shortMs, longMs] = [median(times.short), median(times.long)];
    results.push({ filter, shortMs, longMs, ratio: longMs / shortMs });
    say(`call-next, ${filter}: ${shortMs.toFixed(1)} ms and ${longMs.toFixed(1)} ms`);
  }
  return results;
}

/** Milliseconds to close a queue and remove everyone in it. */
async function measureClose(system: System): Promise<number> {
  const times: number[] = [];
  for (let repeat = 0; repeat < 3; repeat += 1) {
    const line = await system.createLine();
    await system.fillLine(line.id, closedLine);
    await system.project(line);
    const startedAt = performance.now();
    const answer = await system.post('queue service', `/v1/queues/${line.id}/close`, {
      expireWaiting: true,
    });
    await answer.arrayBuffer();
    times.push(performance.now() - startedAt);
    if (!answer.ok) throw new Error(`close answered ${answer.status}`);
    await system.settle();
  }
  return median(times);
}

type Result = {
  machine: { mysql: string };
  throughput: Throughput[];
  calls: Calls[];
  closeMs: number | null;
};

async function measure(options: Options): Promise<Result> {
  const system = await openSystem();
  try {
    const throughput = await measureThroughput(system, options);
    const hasLong = options.waiting > 0;
    const calls = hasLong ? await measureCalls(system, options.waiting) : [];
    const closeMs = hasLong ? await measureClose(system) : null;
    const [[row]] = await system.db.query<RowDataPacket[]>('SELECT VERSION() AS version');
    return { machine: { mysql: row?.version ?? 'unknown' }, throughput, calls, closeMs };
  } finally {
    await system.close();
  }
}

function rows({ machine, throughput, calls, closeMs }: Result): Row[] {
  const all: Row[] = [{ what: 'database', measured: machine.mysql }];
  for (const result of throughput) {
    const { rounds } = result;
    const raw = median(rounds.map((round) => round.raw));
    all.push({ what: `${nameOf(result)}: raw mysql2`, measured: `${raw.toFixed(0)} per second` });
    for (const door of doors) {
      const of = (key: Exclude<keyof Sample, 'cpuMsBy'>) =>
        median(rounds.map((round) => round[door][key]));
      const ratio = of('ratio');
      const hasGoal = result.work === 'join' && door === 'queue service';
      all.push({
        what: `  ${door}`,
        measured: `${of('perSecond').toFixed(0)} per second, ${ratio.toFixed(2)} of raw; p50 ${of('p50').toFixed(0)} ms, p99 ${of('p99').toFixed(0)} ms; CPU ${of('cpuMs').toFixed(2)} ms`,
        ...(hasGoal
          ? { goal: `≥ ${goals.joinRatio} of raw`, isReached: ratio >= goals.joinRatio }
          : {}),
      });
    }
  }
  for (const { filter, shortMs, longMs, ratio } of calls) {
    all.push({
      what: `call-next, ${filter}`,
      measured: `${shortMs.toFixed(1)} ms on the short queue, ${longMs.toFixed(1)} ms on the long: ${ratio.toFixed(2)}`,
      goal: `≤ ${goals.callNextRatio}`,
      isReached: ratio <= goals.callNextRatio,
    });
  }
  if (closeMs !== null) {
    all.push({
      what: `closing a queue of ${closedLine} with expireWaiting`,
      measured: `${closeMs.toFixed(0)} ms`,
    });
  }
  return all;
}

await runBench<Options, Result>({
  help,
  defaults: { rounds: '5', seconds: '4', waiting: '100000' },
  read({ number }) {
    const waiting = number('waiting', 0);
    if (waiting > 0 && waiting < waitingMin) {
      throw new TypeError(`--waiting must be 0, or ${waitingMin} or more.`);
    }
    return { rounds: number('rounds', 1), seconds: number('seconds', 1), waiting };
  },
  measure,
  rows,
});

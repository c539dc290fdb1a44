/** `npm run bench -- line`: how fast a line changes, beside the same rows written by mysql2 alone. */

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { createSqsClient, findQueue } from '@queue-manager/events/client';
import { systemClock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { freshDatabase } from '@queue-manager/service-kit/testing';
import { sql } from 'kysely';
import { type Database, migrate, openDatabase } from '../db/database.ts';
import { cpuOfSystem } from './cpu-of-system.ts';
import { fillLine } from './fill-line.ts';
import type { LoadResult } from './load-worker.ts';
import { ownerHeaders } from './owner.ts';
import type { RawLoad } from './raw-line-worker.ts';
import {
  currentLoad,
  describeMachine,
  type Machine,
  median,
  type Row,
  rowsAsText,
  say,
} from './report.ts';
import { startWorker, type Worker } from './worker.ts';

const help = `Usage: npm run bench -- line [options]

Measures, on a system of its own:
  - guests joining and hosts calling the next, over 64 lines and over one, at the
    queue service's own port and through the gateway, beside raw mysql2 with the same rows, lock
    and transaction; in turns, several times over;
  - one call-next after the other on a line of 1,000 and on a long one;
  - closing a line of 3,000 with everybody in it.

Options:
  --rounds N   how often everything takes its turn; default 5
  --seconds N  how long each turn is; default 4
  --waiting N  how many wait in the long line; default 100000, 0 to leave call-next and close out
  --connections N
               how many load connections work at once; default 64
  --json       print one JSON object and nothing else on standard output
               (npm prints lines of its own there unless told otherwise: npm run -s bench)
  --help       print this

Exit code: 0 when every goal was reached, 1 when not.
`;

const goals = { joinRatio: 0.35, callNextRatio: 1.5 };
const manyLines = 64;
const shortLine = 1_000;
const closedLine = 3_000;
const callsEach = 200;
/** Of an event of a line, in its row. */
const eventBytes = 600;
/** More than a line can be called in a second. */
const callsPerSecondMax = 3_000;
/** Of all calls before the first that counts, by each door and the baseline. */
const warmUpSeconds = 3;
/** So that the long line is not called empty. */
const waitingLeast = 2_000;
const settleMsMax = 120_000;

function readArguments() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '64' },
      waiting: { type: 'string', default: '100000' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'rounds' | 'seconds' | 'connections' | 'waiting', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new TypeError(`--${name} must be a whole number, ${least} or more.`);
  };
  const waiting = number('waiting', 0);
  if (waiting > 0 && waiting < waitingLeast) {
    throw new TypeError(`--waiting must be 0, or ${waitingLeast} or more.`);
  }
  return {
    rounds: number('rounds', 1),
    seconds: number('seconds', 1),
    connections: number('connections', 1),
    waiting,
    json: values.json,
    help: values.help,
  };
}

type Arguments = ReturnType<typeof readArguments>;

function env(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run npm run bench -- line`);
  return value;
}

type Line = { id: string; joinCode: string };
type Door = 'queue service' | 'gateway';
const doors: Door[] = ['queue service', 'gateway'];

/** The running system as the bench uses it: one owner's venue, by its own port and through the gateway. */
async function openSystem() {
  const urls: Record<Door, string> = {
    'queue service': env('QUEUE_SERVICE_URL'),
    gateway: env('GATEWAY_URL'),
  };
  const db = openDatabase({ url: env('MYSQL_URL'), poolSize: 4 });
  const sqs = createSqsClient();
  const positionEvents = await findQueue(sqs, '', 'position-events');
  const headers = await ownerHeaders(env('TOKEN_KEYS'));

  async function post(path: string, body: object = {}): Promise<Response> {
    return fetch(`${urls['queue service']}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
  }
  async function make(path: string, body: object) {
    const answer = await post(path, body);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Line;
  }
  const { id: venueId } = await make('/v1/venues', { name: 'Bench', timezone: 'UTC' });

  return {
    db,
    urls,
    headers,
    post,
    venueId,
    /** A line whose calls are not answered while the bench runs. */
    makeLine: () => make(`/v1/venues/${venueId}/queues`, { name: 'Line', callGraceSeconds: 3_600 }),
    /** Waits until the position service knows the line. */
    async project({ id }: Line): Promise<void> {
      const answer = await fetch(`${env('POSITION_SERVICE_URL')}/v1/boards/${id}`);
      if (!answer.ok) throw new Error(`the board of a line: ${answer.status}`);
      await answer.arrayBuffer();
    },
    /** Waits until what the last turn left behind is done, so that the next has the machine for itself. */
    async settle(): Promise<void> {
      const deadline = performance.now() + settleMsMax;
      for (;;) {
        const { rows } = await sql`SELECT 1 FROM events WHERE relay_at IS NOT NULL LIMIT 1`.execute(
          db,
        );
        const { Attributes = {} } = await sqs.send(
          new GetQueueAttributesCommand({ QueueUrl: positionEvents, AttributeNames: ['All'] }),
        );
        const messages =
          Number(Attributes.ApproximateNumberOfMessages) +
          Number(Attributes.ApproximateNumberOfMessagesNotVisible);
        if (rows.length === 0 && messages === 0) return;
        if (performance.now() > deadline) throw new Error('events do not get through');
        await delay(200);
      }
    },
    /** Seconds of a core that the queue service has used. */
    async cpuSeconds(): Promise<number> {
      const answer = await fetch(`${urls['queue service']}/metrics`, {
        headers: { [credentialHeader]: env('INTERNAL_CREDENTIAL') },
      });
      const used = /^process_cpu_seconds_total (\S+)$/m.exec(await answer.text());
      return Number(used?.[1]);
    },
    async close(): Promise<void> {
      await db.destroy();
      sqs.destroy();
    },
  };
}

type System = Awaited<ReturnType<typeof openSystem>>;

/** What is done: which work, over how many lines. */
type Work = { work: RawLoad['work']; lines: number };
const works: Work[] = [
  { work: 'join', lines: manyLines },
  { work: 'join', lines: 1 },
  { work: 'call', lines: manyLines },
  { work: 'call', lines: 1 },
];

type Turn = {
  perSecond: number;
  /** Of the baseline. */
  ratio: number;
  p50: number;
  p99: number;
  /** The queue service's processor time a change, what follows its answer included. */
  cpuMs: number;
  /** The same of every service and store, by name; empty where there is no /proc. */
  cpuMsBy: Record<string, number>;
};
type Round = { raw: number } & Record<Door, Turn>;
type Throughput = Work & { rounds: Round[] };

async function measureThroughput(system: System, args: Arguments): Promise<Throughput[]> {
  const raw = await freshDatabase();
  const rawDb = openDatabase({ url: raw.url, poolSize: 4 });
  const venueId = uuidToBytes(newId(systemClock));
  const workers: Worker[] = [];
  try {
    await migrate(rawDb);
    const load = await startWorker('load-worker.ts', {});
    workers.push(load);
    const rawWorker = await startWorker('raw-line-worker.ts', {
      url: raw.url,
      venue: venueId.toString('hex'),
      connections: args.connections,
      eventBytes,
    });
    workers.push(rawWorker);

    say('Filling lines …');
    const enough = (args.rounds * args.seconds + warmUpSeconds) * callsPerSecondMax;
    const lines = new Map<number, Line[]>();
    const rawLines = new Map<number, string[]>();
    for (const count of [manyLines, 1]) {
      const made = await Promise.all(Array.from({ length: count }, system.makeLine));
      const rawMade = made.map(() => uuidToBytes(newId(systemClock)));
      for (const [index, line] of made.entries()) {
        const rawLine = rawMade[index] as Buffer;
        await fillLine(system.db, systemClock, uuidToBytes(line.id), Math.ceil(enough / count));
        await copyLine(system.db, rawDb, line.id, venueId, rawLine);
        await fillLine(rawDb, systemClock, rawLine, Math.ceil(enough / count));
        await system.project(line);
      }
      lines.set(count, made);
      rawLines.set(
        count,
        rawMade.map((id) => id.toString('hex')),
      );
    }

    const runRaw = async ({ work, lines }: Work, seconds: number) => {
      const details: RawLoad = { work, seconds, lines: rawLines.get(lines) ?? [] };
      return ((await rawWorker.ask('run', details)) as { perSecond: number }).perSecond;
    };
    const runOurs = async (door: Door, { work, lines: count }: Work, seconds: number) => {
      const over = lines.get(count) ?? [];
      const cpuBefore = await system.cpuSeconds();
      const allBefore = cpuOfSystem();
      const result = (await load.ask('run', {
        baseUrl: system.urls[door],
        connections: args.connections,
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
      if (result.refused > 0) throw new Error(`${work}: ${result.refused} were refused`);
      await system.settle();
      const cpuSeconds = (await system.cpuSeconds()) - cpuBefore;
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
    for (let round = 1; round <= args.rounds; round += 1) {
      for (const result of results) {
        // Half of the baseline before ours and half after, since a machine is not equally fast all the time.
        const before = await runRaw(result, args.seconds / 2);
        const taken = {} as Round;
        for (const door of doors) {
          const { refused: _, ...turn } = await runOurs(door, result, args.seconds);
          taken[door] = { ...turn, ratio: Number.NaN };
        }
        const after = await runRaw(result, args.seconds / 2);
        taken.raw = (before + after) / 2;
        for (const door of doors) taken[door].ratio = taken[door].perSecond / taken.raw;
        result.rounds.push(taken);
        say(
          `round ${round}, ${nameOf(result)}: raw ${taken.raw.toFixed(0)}, ` +
            doors
              .map(
                (door) =>
                  `${door} ${taken[door].perSecond.toFixed(0)} (${taken[door].ratio.toFixed(2)}, ${taken[door].cpuMs.toFixed(2)} ms CPU; ${cpuText(taken[door].cpuMsBy)})`,
              )
              .join(', '),
        );
      }
    }
    return results;
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    await rawDb.destroy();
    await raw.drop();
  }
}

/** Processor time a change, of all and each that has a part in it. */
function cpuText(cpuMsBy: Turn['cpuMsBy']): string {
  const parts = Object.entries(cpuMsBy).sort(([, a], [, b]) => b - a);
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0);
  return `all ${total.toFixed(2)} ms: ${parts.map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ')}`;
}

function medianCpu(turns: readonly Turn[]): Turn['cpuMsBy'] {
  const names = Object.keys(turns[0]?.cpuMsBy ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(turns.map(({ cpuMsBy }) => cpuMsBy[name] ?? 0))]),
  );
}

function nameOf({ work, lines }: Work): string {
  const what = work === 'join' ? 'joins' : 'call-nexts';
  return `${what} over ${lines === 1 ? 'one line' : `${lines} lines`}`;
}

/** The row of a line made by the service, as an empty line of the baseline. */
async function copyLine(from: Database, to: Database, line: string, venueId: Buffer, id: Buffer) {
  const row = await from
    .selectFrom('queues')
    .selectAll()
    .where('id', '=', uuidToBytes(line))
    .executeTakeFirstOrThrow();
  await to
    .insertInto('queues')
    .values({
      ...row,
      venue_id: venueId,
      id,
      join_code: bytesToUuid(id).slice(-16),
      seq: 1,
      waiting: 0,
      last_number: 0,
      tail_key: null,
    })
    .execute();
}

type Calls = { filter: string; shortMs: number; longMs: number; ratio: number };

const filters: { filter: string; body: object; status: number }[] = [
  { filter: 'no filter', body: {}, status: 200 },
  { filter: 'lane regular', body: { lane: 'regular' }, status: 200 },
  { filter: 'sizes 3 to 4', body: { minSize: 3, maxSize: 4 }, status: 200 },
  { filter: 'sizes 9 to 100, nobody', body: { minSize: 9 }, status: 409 },
];

/** Medians of one call after the other, on a short line and a long one in turns. */
async function measureCalls(system: System, waiting: number): Promise<Calls[]> {
  const long = await system.makeLine();
  say(`Filling a line with ${waiting} …`);
  await fillLine(system.db, systemClock, uuidToBytes(long.id), waiting);
  await system.project(long);
  await sql`ANALYZE TABLE parties`.execute(system.db);

  const timed = async (line: Line, body: object, status: number) => {
    const startedAt = performance.now();
    const answer = await system.post(`/v1/queues/${line.id}/call-next`, body);
    await answer.arrayBuffer();
    const ms = performance.now() - startedAt;
    if (answer.status !== status) throw new Error(`call-next answered ${answer.status}`);
    return ms;
  };
  const results: Calls[] = [];
  for (const { filter, body, status } of filters) {
    const short = await system.makeLine();
    // So that as many wait on average as its name says.
    const atFirst = shortLine + (status === 200 ? callsEach / 2 : 0);
    await fillLine(system.db, systemClock, uuidToBytes(short.id), atFirst);
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

/** Milliseconds that closing a line takes and removing everybody from it. */
async function measureClose(system: System): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const line = await system.makeLine();
    await fillLine(system.db, systemClock, uuidToBytes(line.id), closedLine);
    await system.project(line);
    const startedAt = performance.now();
    const answer = await system.post(`/v1/queues/${line.id}/close`, { expireWaiting: true });
    await answer.arrayBuffer();
    times.push(performance.now() - startedAt);
    if (!answer.ok) throw new Error(`close answered ${answer.status}`);
    await system.settle();
  }
  return median(times);
}

type Result = {
  machine: Machine & { mysql: string };
  throughput: Throughput[];
  calls: Calls[];
  closeMs: number | null;
};

async function measure(args: Arguments): Promise<Result> {
  const loadBefore = currentLoad();
  const system = await openSystem();
  try {
    const throughput = await measureThroughput(system, args);
    const calls = args.waiting === 0 ? [] : await measureCalls(system, args.waiting);
    const closeMs = args.waiting === 0 ? null : await measureClose(system);
    const { rows } = await sql<{ version: string }>`SELECT VERSION() AS version`.execute(system.db);
    return {
      machine: { ...describeMachine(loadBefore), mysql: rows[0]?.version ?? 'unknown' },
      throughput,
      calls,
      closeMs,
    };
  } finally {
    await system.close();
  }
}

function rowsOf({ throughput, calls, closeMs }: Result): Row[] {
  const rows: Row[] = [];
  for (const result of throughput) {
    const { rounds } = result;
    const raw = median(rounds.map((round) => round.raw));
    rows.push({ what: `${nameOf(result)}: raw mysql2`, measured: `${raw.toFixed(0)} a second` });
    for (const door of doors) {
      const of = (key: Exclude<keyof Turn, 'cpuMsBy'>) =>
        median(rounds.map((round) => round[door][key]));
      const ratio = of('ratio');
      const hasGoal = result.work === 'join' && door === 'queue service';
      rows.push({
        what: `  ${door}`,
        measured: `${of('perSecond').toFixed(0)} a second, ${ratio.toFixed(2)} of raw; p50 ${of('p50').toFixed(0)} ms, p99 ${of('p99').toFixed(0)} ms; CPU ${of('cpuMs').toFixed(2)} ms; ${cpuText(medianCpu(rounds.map((round) => round[door])))}`,
        ...(hasGoal
          ? { goal: `≥ ${goals.joinRatio} of raw`, isReached: ratio >= goals.joinRatio }
          : {}),
      });
    }
  }
  for (const { filter, shortMs, longMs, ratio } of calls) {
    rows.push({
      what: `call-next, ${filter}`,
      measured: `${shortMs.toFixed(1)} ms on the short line, ${longMs.toFixed(1)} ms on the long: ${ratio.toFixed(2)}`,
      goal: `≤ ${goals.callNextRatio}`,
      isReached: ratio <= goals.callNextRatio,
    });
  }
  if (closeMs !== null) {
    rows.push({
      what: `closing a line of ${closedLine} with expireWaiting`,
      measured: `${closeMs.toFixed(0)} ms`,
    });
  }
  return rows;
}

function asText(result: Result): string {
  const { cores, model, memoryGb, node, mysql, loadBefore, loadAfter } = result.machine;
  return [
    `${cores} cores, ${model}, ${memoryGb} GB; Node ${node}, ${mysql}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`,
    '',
    rowsAsText(rowsOf(result)),
    '',
  ].join('\n');
}

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = readArguments();
  } catch (error) {
    say(`${(error as Error).message.split('\n')[0]} See --help.`);
    return 1;
  }
  if (args.help) {
    process.stdout.write(help);
    return 0;
  }
  const result = await measure(args);
  process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : asText(result));
  return rowsOf(result).every(({ isReached = true }) => isReached) ? 0 : 1;
}

process.exitCode = await main();

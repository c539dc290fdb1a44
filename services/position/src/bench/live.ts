/** `npm run bench -- live`: how fast positions are read and told, beside the least that could do it. */
import { parseArgs } from 'node:util';
import {
  currentLoad,
  describeMachine,
  type Machine,
  median,
  type Row,
  rowsAsText,
  say,
} from '@queue-manager/queue/bench/report';
import { type Door, doors, openLiveSystem } from './live-system.ts';
import {
  baselineOf,
  connections,
  measureReads,
  type Reads,
  type SpreadRound,
  type Turn,
} from './reads.ts';
import { measureStreams, type Streams } from './streams.ts';

const help = `Usage: npm run bench -- live [options]

Measures, on a system of its own:
  - positions read, 64 connections at once, at the position service and through the gateway, beside
    a bare Fastify route with the same ticket check and the same call to Redis, and a bare
    @fastify/http-proxy in front of it; in turns, several times over;
  - the same where each connection asks of a line of its own, and on a long line;
  - the longest read of all turns on the long line, and of a short line while the long one is rebuilt;
  - streams open on one line of as many parties, all in one process, at the position service and
    through the gateway: the time from a host's call to the push to whom was called, and to the last
    of all others, beside a bare loop that writes the same bytes to as many sockets; and memory.

Options:
  --rounds N   how often everything takes its turn; default 5, 0 to leave the reads out
  --seconds N  how long each turn is; default 4
  --waiting N  how many wait in the long line; default 1000000, 0 to leave it out
  --streams N  how many streams are open; default 10000, 0 to leave them out
  --calls N    how often the host calls, by each door; default 100
  --door NAME  open streams by this door only: service or gateway. Memory is measured by the door
               that comes first in a run with --rounds 0: a process that has held much keeps some
  --json       print one JSON object and nothing else on standard output
               (npm prints lines of its own there unless told otherwise: npm run -s bench)
  --help       print this

Exit code: 0 when every goal was reached, 1 when not.
`;

const goals = {
  readRatio: 0.8,
  lengthRatio: 1.3,
  longestMs: 100,
  pushRatio: 3,
  ownMsP99: 100,
  streamKilobytes: 40,
};
const waitingLeast = 1_000;
const doorsByName = { service: 'position service', gateway: 'gateway' } as const satisfies Record<
  string,
  Door
>;

function readArguments() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      waiting: { type: 'string', default: '1000000' },
      streams: { type: 'string', default: '10000' },
      calls: { type: 'string', default: '100' },
      door: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'rounds' | 'seconds' | 'waiting' | 'streams' | 'calls', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new TypeError(`--${name} must be a whole number, ${least} or more.`);
  };
  const waiting = number('waiting', 0);
  if (waiting > 0 && waiting < waitingLeast) {
    throw new TypeError(`--waiting must be 0, or ${waitingLeast} or more.`);
  }
  const { door } = values;
  if (door !== undefined && !Object.hasOwn(doorsByName, door)) {
    throw new TypeError('--door must be service or gateway.');
  }
  return {
    doors: door === undefined ? doors : [doorsByName[door as keyof typeof doorsByName]],
    rounds: number('rounds', 0),
    seconds: number('seconds', 1),
    waiting,
    streams: number('streams', 0),
    calls: number('calls', 1),
    json: values.json,
    help: values.help,
  };
}

type Arguments = ReturnType<typeof readArguments>;

type Result = { machine: Machine; reads: Reads | null; streams: Streams | null };

async function measure(args: Arguments): Promise<Result> {
  const loadBefore = currentLoad();
  const system = await openLiveSystem();
  try {
    const reads = args.rounds === 0 ? null : await measureReads(system, args);
    const streams =
      args.streams === 0
        ? null
        : await measureStreams(system, { ...args, isFresh: args.rounds === 0 });
    return { machine: describeMachine(loadBefore), reads, streams };
  } finally {
    await system.close();
  }
}

function rowsOf({ reads, streams }: Result): Row[] {
  return [
    ...(reads === null ? [] : readRows(reads)),
    ...(streams === null ? [] : streamRows(streams)),
  ];
}

function streamRows(results: Streams): Row[] {
  return results.flatMap(({ door, streams, lastMs, ownMs, bareMs, ratio, kilobytes }) => {
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    const rows: Row[] = [
      {
        what: `${streams} streams by the ${door}: call to last push`,
        measured: `${ms(lastMs.p50)}, p99 ${ms(lastMs.p99)}; bare loop ${ms(bareMs)}: ${ratio.toFixed(2)}`,
        goal: `≤ ${goals.pushRatio}`,
        isReached: ratio <= goals.pushRatio,
      },
      {
        what: '  call to the push to who is called',
        measured: `${ms(ownMs.p50)}, p99 ${ms(ownMs.p99)}`,
        goal: `p99 ≤ ${goals.ownMsP99} ms`,
        isReached: ownMs.p99 <= goals.ownMsP99,
      },
    ];
    if (kilobytes !== null) {
      const memory = Object.entries(kilobytes);
      rows.push({
        what: '  memory a stream',
        measured: memory.map(([name, kb]) => `${name} ${kb.toFixed(1)} KB`).join(', '),
        goal: `≤ ${goals.streamKilobytes} KB in all`,
        isReached: memory.reduce((all, [, kb]) => all + kb, 0) <= goals.streamKilobytes,
      });
    }
    return rows;
  });
}

function readRows({ rounds, spread, waiting, lengths, rebuilds }: Reads): Row[] {
  const ranks = median(rounds.map(({ rankPerSecond }) => rankPerSecond));
  const rows: Row[] = [
    { what: 'ZRANK by itself, pipelined', measured: `${ranks.toFixed(0)} a second` },
  ];
  for (const [ours, bare] of Object.entries(baselineOf) as [
    keyof typeof baselineOf,
    'bare route' | 'bare proxy',
  ][]) {
    const text = (reader: typeof ours | typeof bare) => {
      const of = (key: keyof Turn) => median(rounds.map((round) => round[reader][key]));
      return `${of('perSecond').toFixed(0)} a second; p50 ${of('p50').toFixed(0)} ms, p99 ${of('p99').toFixed(0)} ms; CPU ${(1_000 * of('cpuMs')).toFixed(0)} µs a read`;
    };
    const ratio = median(rounds.map((round) => round[ours].perSecond / round[bare].perSecond));
    rows.push({ what: `positions read: ${bare}`, measured: text(bare) });
    rows.push({
      what: `  ${ours}`,
      measured: `${text(ours)}: ${ratio.toFixed(2)}`,
      goal: `≥ ${goals.readRatio}`,
      isReached: ratio >= goals.readRatio,
    });
  }
  const perSecond = (reader: keyof SpreadRound) =>
    median(spread.map((round) => round[reader])).toFixed(0);
  const spreadRatio = median(
    spread.map((round) => round['position service'] / round['bare route']),
  );
  rows.push({
    what: `  position service, ${connections} lines at once`,
    measured: `${perSecond('position service')} a second; bare route ${perSecond('bare route')}: ${spreadRatio.toFixed(2)}`,
  });
  if (lengths.length > 0) {
    const ratio = median(lengths.map(({ short, long }) => short.perSecond / long.perSecond));
    const [short, long] = [
      median(lengths.map((length) => length.short.perSecond)),
      median(lengths.map((length) => length.long.perSecond)),
    ];
    rows.push({
      what: `a read with ${waiting} waiting, beside 1000`,
      measured: `${long.toFixed(0)} and ${short.toFixed(0)} a second: ${ratio.toFixed(2)} of the cost`,
      goal: `≤ ${goals.lengthRatio}`,
      isReached: ratio <= goals.lengthRatio,
    });
    const longestOf = (turns: Turn[]) => Math.max(...turns.map(({ longestMs }) => longestMs));
    const longest = longestOf(lengths.map((length) => length.long));
    const longestShort = longestOf(lengths.map((length) => length.short));
    rows.push({
      what: '  the longest of all, beside the longest there',
      measured: `${longest.toFixed(0)} ms and ${longestShort.toFixed(0)} ms`,
      goal: `≤ ${goals.longestMs} ms`,
      isReached: longest <= goals.longestMs,
    });
    const meanwhile = longestOf(rebuilds.map((round) => round.short));
    const perSecondMeanwhile = median(rebuilds.map((round) => round.short.perSecond));
    const rebuildSeconds = median(rebuilds.map(({ rebuildMs }) => rebuildMs)) / 1_000;
    rows.push({
      what: `  reads of the line of 1000 while one of ${waiting} is rebuilt`,
      measured: `${perSecondMeanwhile.toFixed(0)} a second, the longest ${meanwhile.toFixed(0)} ms; rebuilt in ${rebuildSeconds.toFixed(1)} s`,
      goal: `longest ≤ ${goals.longestMs} ms`,
      isReached: meanwhile <= goals.longestMs,
    });
  }
  return rows;
}

function asText(result: Result): string {
  const { cores, model, memoryGb, node, loadBefore, loadAfter } = result.machine;
  return [
    `${cores} cores, ${model}, ${memoryGb} GB; Node ${node}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`,
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

/** `npm run bench -- live`: how fast positions are read and pushed, compared with minimal baselines. */
import { median, type Row, sum } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { type Door, doors, openLiveSystem } from './live-system.ts';
import {
  baselineOf,
  connections,
  measureReads,
  type Reads,
  type Sample,
  type SpreadRound,
} from './reads.ts';
import { measureStreams, type Streams } from './streams.ts';

const help = `Usage: npm run bench -- live [options]

Measures, on its own system:
  - position reads with 64 connections, at the position service and through the gateway, compared
    with a bare Fastify route that does the same ticket check and the same call to Redis, and with a
    bare @fastify/http-proxy in front of it; alternating, for several rounds;
  - the same where each connection reads from a queue of its own, and on a long queue;
  - the slowest read on the long queue, and on a short queue while the long one is rebuilt;
  - live streams of all parties of one queue, served by one process, at the position service and
    through the gateway: the time from a host's call to the push to the called party and to the last
    of all others, compared with a bare loop that writes the same bytes to as many sockets; and memory.

Options:
  --rounds N   number of rounds of reads; default 5, 0 to skip the reads
  --seconds N  duration of each measurement of reads; default 4
  --waiting N  parties in the long queue; default 1000000, 0 to skip it
  --streams N  number of open streams; default 10000, 0 to skip them
  --calls N    number of calls, at each door; default 100
  --door NAME  open streams at this door only: service or gateway. Memory is measured at the first
               door of a run with --rounds 0: a process that has held much memory keeps some of it
`;

const goals = {
  readRatio: 0.8,
  lengthRatio: 1.3,
  longestMs: 100,
  pushRatio: 3,
  ownMsP99: 100,
  streamKilobytes: 40,
};
const waitingMin = 1_000;
const doorsByName = { service: 'position service', gateway: 'gateway' } as const satisfies Record<
  string,
  Door
>;

type Options = {
  doors: readonly Door[];
  rounds: number;
  seconds: number;
  waiting: number;
  streams: number;
  calls: number;
};

type Result = { reads: Reads | null; streams: Streams | null };

async function measure(options: Options): Promise<Result> {
  const { rounds, streams } = options;
  const system = await openLiveSystem();
  try {
    return {
      reads: rounds === 0 ? null : await measureReads(system, options),
      streams:
        streams === 0 ? null : await measureStreams(system, { ...options, isFresh: rounds === 0 }),
    };
  } finally {
    await system.close();
  }
}

function streamRows(results: Streams): Row[] {
  return results.flatMap(({ door, streams, lastMs, ownMs, bareMs, ratio, kilobytes }) => {
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    const rows: Row[] = [
      {
        what: `${streams} streams at the ${door}: call to last push`,
        measured: `${ms(lastMs.p50)}, p99 ${ms(lastMs.p99)}; bare loop ${ms(bareMs)}: ${ratio.toFixed(2)}`,
        goal: `≤ ${goals.pushRatio}`,
        isReached: ratio <= goals.pushRatio,
      },
      {
        what: '  call to the push to the called party',
        measured: `${ms(ownMs.p50)}, p99 ${ms(ownMs.p99)}`,
        goal: `p99 ≤ ${goals.ownMsP99} ms`,
        isReached: ownMs.p99 <= goals.ownMsP99,
      },
    ];
    if (kilobytes !== null) {
      const memory = Object.entries(kilobytes);
      rows.push({
        what: '  memory per stream',
        measured: memory.map(([name, kb]) => `${name} ${kb.toFixed(1)} KB`).join(', '),
        goal: `≤ ${goals.streamKilobytes} KB in total`,
        isReached: sum(memory.map(([, kb]) => kb)) <= goals.streamKilobytes,
      });
    }
    return rows;
  });
}

function readRows({ rounds, spread, waiting, lengths, rebuilds }: Reads): Row[] {
  const ranks = median(rounds.map(({ rankPerSecond }) => rankPerSecond));
  const rows: Row[] = [
    { what: 'ZRANK alone, pipelined', measured: `${ranks.toFixed(0)} per second` },
  ];
  for (const [ours, bare] of Object.entries(baselineOf) as [
    keyof typeof baselineOf,
    'bare route' | 'bare proxy',
  ][]) {
    const text = (reader: typeof ours | typeof bare) => {
      const of = (key: keyof Sample) => median(rounds.map((round) => round[reader][key]));
      return `${of('perSecond').toFixed(0)} per second; p50 ${of('p50').toFixed(0)} ms, p99 ${of('p99').toFixed(0)} ms; CPU ${(1_000 * of('cpuMs')).toFixed(0)} µs per read`;
    };
    const ratio = median(rounds.map((round) => round[ours].perSecond / round[bare].perSecond));
    rows.push({ what: `position reads: ${bare}`, measured: text(bare) });
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
    what: `  position service, ${connections} queues`,
    measured: `${perSecond('position service')} per second; bare route ${perSecond('bare route')}: ${spreadRatio.toFixed(2)}`,
  });
  if (lengths.length > 0) {
    const ratio = median(lengths.map(({ short, long }) => short.perSecond / long.perSecond));
    const [short, long] = [
      median(lengths.map((length) => length.short.perSecond)),
      median(lengths.map((length) => length.long.perSecond)),
    ];
    rows.push({
      what: `reads with ${waiting} waiting, and with 1000`,
      measured: `${long.toFixed(0)} and ${short.toFixed(0)} per second: ${ratio.toFixed(2)} of the cost`,
      goal: `≤ ${goals.lengthRatio}`,
      isReached: ratio <= goals.lengthRatio,
    });
    const longestOf = (samples: Sample[]) => Math.max(...samples.map(({ longestMs }) => longestMs));
    const longest = longestOf(lengths.map((length) => length.long));
    const longestShort = longestOf(lengths.map((length) => length.short));
    rows.push({
      what: '  slowest read of each',
      measured: `${longest.toFixed(0)} ms and ${longestShort.toFixed(0)} ms`,
      goal: `≤ ${goals.longestMs} ms`,
      isReached: longest <= goals.longestMs,
    });
    const meanwhile = longestOf(rebuilds.map((round) => round.short));
    const perSecondMeanwhile = median(rebuilds.map((round) => round.short.perSecond));
    const rebuildSeconds = median(rebuilds.map(({ rebuildMs }) => rebuildMs)) / 1_000;
    rows.push({
      what: `  reads with 1000 waiting while a queue of ${waiting} is rebuilt`,
      measured: `${perSecondMeanwhile.toFixed(0)} per second, slowest ${meanwhile.toFixed(0)} ms; rebuilt in ${rebuildSeconds.toFixed(1)} s`,
      goal: `slowest ≤ ${goals.longestMs} ms`,
      isReached: meanwhile <= goals.longestMs,
    });
  }
  return rows;
}

await runBench<Options, Result>({
  help,
  defaults: {
    ...{ rounds: '5', seconds: '4', waiting: '1000000', streams: '10000', calls: '100' },
    door: undefined,
  },
  read({ number, text }) {
    const waiting = number('waiting', 0);
    if (waiting > 0 && waiting < waitingMin) {
      throw new TypeError(`--waiting must be 0, or ${waitingMin} or more.`);
    }
    const door = text('door');
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
    };
  },
  measure,
  rows: ({ reads, streams }) => [
    ...(reads === null ? [] : readRows(reads)),
    ...(streams === null ? [] : streamRows(streams)),
  ],
});

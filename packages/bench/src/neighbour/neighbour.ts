/** `npm run bench -- neighbour`: what one venue notices while another misbehaves with all its means. */
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { median, percentile, type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { openRunningSystem } from '../measure/running-system.ts';
import { startWorker, stopAll } from '../measure/worker.ts';
import type { Spent } from './abuser-worker.ts';
import { abuses, type Means, type Statuses } from './abuses.ts';
import type { Day, Measured, Neighbour } from './neighbour-worker.ts';

const help = `Usage: npm run bench -- neighbour [options]

Measures, on its own system with its usual limits, a venue whose guests join (10 a second), look at
their positions (40 a second) and follow them by streams, and whose host calls the next party (10 a
second): first alone, then while another venue, in turn, makes
${Object.keys(abuses)
  .map((name) => `  - ${name}`)
  .join('\n')}.
Before and after each, the first venue is alone. Ratios are of the p99s during it and around it.
System, neighbour and abuser share this machine: where that is busy, its CPU is what is short.

Options:
  --seconds N  duration of each measurement; default 10
  --only TEXT  only the abuses with this text in their name
`;

const goals = { ratio: 3 };
/** A p99 below counts as this: there it tells of the machine's scheduler and disk. */
const floorMs = 20;
const longLine = 40_000;
const closingLine = 50_000;
const boardCount = 8;
const settleMs = 2_000;

type Options = { seconds: number; only: string | undefined };
type Kind = 'changes' | 'looks' | 'pushes';
const kinds: Kind[] = ['changes', 'looks', 'pushes'];

type Percentiles = { p50: number; p99: number };
type Outcome = Record<Kind, Percentiles> & { failures: Record<string, number>; calls: number };
type Abused = {
  abuse: string;
  around: Outcome;
  during: Outcome;
  abuser: { statuses: Statuses; cores: number };
};
type Result = { abused: Abused[] };

async function measure({ seconds, only }: Options): Promise<Result> {
  const neighbour = await openRunningSystem();
  const abuser = await openRunningSystem();
  const url = neighbour.urls.gateway;
  const asNeighbour: Neighbour = { url, headers: neighbour.headers };
  const workers = await Promise.all([
    startWorker('packages/bench/src/neighbour/neighbour-worker.ts', asNeighbour),
    startWorker('packages/bench/src/neighbour/abuser-worker.ts'),
  ]);
  const [good, bad] = workers;
  try {
    say('Filling queues …');
    const filled = async (count: number) => {
      const line = await abuser.createLine();
      await abuser.fillLine(line.id, count);
      const answer = await fetch(`${url}/v1/boards/${line.id}`);
      await answer.arrayBuffer();
      return line;
    };
    const means: Means = {
      url,
      headers: abuser.headers,
      venueId: abuser.venueId,
      long: await filled(longLine),
      closing: await filled(closingLine),
      boards: await Promise.all(Array.from({ length: boardCount }, abuser.createLine)),
    };
    const day = async (): Promise<Day> => {
      const ofDay = { line: await neighbour.createLine(), seconds };
      await good.ask('prepare', ofDay);
      return ofDay;
    };
    say('Warming up …');
    await good.ask('measure', await day());

    const abused: Abused[] = [];
    const alone = async () => (await good.ask('measure', await day())) as Measured;
    let before = await alone();
    for (const abuse of Object.keys(abuses).filter((name) => name.includes(only ?? ''))) {
      const busyDay = await day();
      await bad.ask('begin', { abuse, means });
      const during = outcomeOf([(await good.ask('measure', busyDay)) as Measured]);
      const { statuses, cpuSeconds } = (await bad.ask('end')) as Spent;
      await delay(settleMs);
      const after = await alone();
      const around = outcomeOf([before, after]);
      before = after;
      abused.push({ abuse, around, during, abuser: { statuses, cores: cpuSeconds / seconds } });
      say(`${abuse}: ${JSON.stringify({ around: around.changes, during: during.changes })}`);
    }
    return { abused };
  } finally {
    await stopAll(workers);
    await neighbour.close();
    await abuser.close();
  }
}

function outcomeOf(days: Measured[]): Outcome {
  const of = (kind: Kind): Percentiles => {
    const all = days.flatMap((measured) => measured[kind]);
    return { p50: median(all), p99: percentile(all, 0.99) };
  };
  const failures: Record<string, number> = {};
  for (const failure of days.flatMap((measured) => measured.failures)) {
    failures[failure] = (failures[failure] ?? 0) + 1;
  }
  const calls = days.reduce((sum, { changes, looks }) => sum + changes.length + looks.length, 0);
  return { changes: of('changes'), looks: of('looks'), pushes: of('pushes'), failures, calls };
}

const nameOf: Record<Kind, string> = {
  changes: 'joins and calls',
  looks: 'looks at positions',
  pushes: 'call to push',
};

function rows({ abused }: Result): Row[] {
  const both = ({ p50, p99 }: Percentiles) => `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms`;
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} × ${name}`)
      .join(', ') || 'none';
  const all: Row[] = [
    {
      what: 'shared by system, neighbour and abuser',
      measured: `${availableParallelism()} cores`,
    },
  ];
  for (const { abuse, around, during, abuser } of abused) {
    all.push({
      what: abuse,
      measured: `abuser's responses: ${list(abuser.statuses)}; its CPU: ${abuser.cores.toFixed(2)} cores`,
    });
    for (const kind of kinds) {
      const ratio = during[kind].p99 / Math.max(floorMs, around[kind].p99);
      all.push({
        what: `  ${nameOf[kind]}`,
        measured: `${both(around[kind])}; during ${both(during[kind])}: ${ratio.toFixed(2)}`,
        goal: `≤ ${goals.ratio}`,
        isReached: ratio <= goals.ratio,
      });
    }
    all.push({
      what: '  failures',
      measured: `${list(around.failures)}; during ${list(during.failures)}`,
      goal: 'none',
      isReached: Object.keys({ ...around.failures, ...during.failures }).length === 0,
    });
  }
  return all;
}

await runBench<Options, Result>({
  help,
  defaults: { seconds: '10', only: undefined },
  read: ({ number, text }) => {
    const only = text('only');
    if (!Object.keys(abuses).some((name) => name.includes(only ?? ''))) {
      throw new TypeError('--only must be a part of the name of an abuse.');
    }
    return { seconds: number('seconds', 1), only };
  },
  measure,
  rows,
});

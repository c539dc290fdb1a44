/** How fast the backoffice loads, and how a stand with a long line bears a busy night. */
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@queue-manager/client/client';
import { backofficePath } from '@queue-manager/contracts/pages';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { freePort } from '@queue-manager/local-stack/processes/free-port';
import { makeDemo, planDemo, readDemo } from '@queue-manager/local-stack/system/demo';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { type BrowserContext, chromium } from 'playwright-core';
import { type LiveSystem, openLiveSystem } from '../live/live-system.ts';
import { median, percentile, type Row, say } from '../measure/report.ts';
import { env } from '../measure/running-system.ts';
import { type BusyNight, startBusyNight } from './busy-night.ts';
import { type Chromium, type PageRating, rateOften, ratingRows } from './lighthouse.ts';
import {
  type Account,
  type Memory,
  openStand,
  type PressTimes,
  type StandPage,
  type Tasks,
  viewport,
} from './stand-page.ts';

const goals = {
  scriptKilobytes: 250,
  shownMs: 50,
  acknowledgedMs: 150,
  taskMs: 50,
  /** As a share: what is shown varies by a few rows. */
  growth: 0.05,
};
const baselineWaiting = 20;
/** Until all of the line has been read and kept, and the scripts are compiled. */
const warmUpMs = 10_000;
const scrollMs = 400;
const memorySamples = 20;
/** Access tokens last 15 minutes. */
const tokenMs = 10 * 60_000;

type Options = { runs: number; waiting: number; seconds: number; memory: number };
type StandFigures = {
  waiting: number;
  changesPerSecond: number;
  presses: number;
  shownMs: { p50: number; p95: number };
  acknowledgedMs: { p50: number; p95: number };
  tasks: Tasks;
  cpuMsPerChange: number;
};
type Growth = { seconds: number; waiting: number; changes: number; samples: Memory[] };
export type Backoffice = { ratings: PageRating[]; stands: StandFigures[]; growth: Growth | null };

type Bench = {
  system: LiveSystem;
  client: ReturnType<typeof createClient>;
  account: Account;
  token(): Promise<string>;
  context: BrowserContext;
};

export async function measureBackoffice(
  browser: Chromium,
  { runs, waiting, seconds, memory }: Options,
): Promise<Backoffice> {
  const system = await openLiveSystem();
  const client = createClient(system.urls.gateway);
  const port = await freePort();
  // Lighthouse rates a page of the same browser, which is signed in.
  const context = await chromium.launchPersistentContext('', {
    ...browser,
    args: [...browser.args, `--remote-debugging-port=${port}`],
    viewport,
    locale: 'en-GB',
  });
  try {
    const account = await openAccount(system.urls.gateway);
    const bench = { system, client, account, token: tokensOf(client, account), context };
    return {
      ratings: runs === 0 ? [] : await rateAll(bench, browser, { runs, port }),
      ...(await measureStands(bench, { waiting, seconds, memory })),
    };
  } finally {
    await context.close();
    await system.close();
  }
}

/** An account that can sign in at the page. */
async function openAccount(gatewayUrl: string): Promise<Account> {
  const dataDir = makeTemporaryDataDir('queue-manager-bench-account-');
  try {
    planDemo(dataDir);
    await makeDemo(dataDir, gatewayUrl, env('MAIL_URL'));
    return readDemo(dataDir) as Account;
  } finally {
    removeDataDir(dataDir);
  }
}

function tokensOf(client: Bench['client'], { email, password }: Account): () => Promise<string> {
  let token = '';
  let signedInAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - signedInAt > tokenMs) {
      ({ accessToken: token } = await client.succeed('login', { body: { email, password } }));
      signedInAt = performance.now();
    }
    return token;
  };
}

/** A venue of the account with a line of so many parties. */
async function openVenue({ system, client, token }: Bench, waiting: number) {
  const body = { name: `Bench ${waiting}`, timezone: 'UTC' };
  const { id: venueId } = await client.succeed('createVenue', { token: await token(), body });
  const { id: queueId } = await client.succeed('createQueue', {
    token: await token(),
    params: { venueId },
    body: { name: 'Line', callGraceSeconds: 3_600 },
  });
  await system.fillLine(queueId, waiting);
  const [first] = await system.partyIds(queueId);
  await system.project(`/v1/positions/${system.ticketOf(queueId, bytesToUuid(first as Buffer))}`);
  return { venueId, queueId };
}

async function rateAll(
  bench: Bench,
  browser: Chromium,
  { runs, port }: { runs: number; port: number },
): Promise<PageRating[]> {
  const url = `${bench.system.urls.gateway}${backofficePath}`;
  const device = 'desktop';
  const signIn = await rateOften('sign-in', `${url}/sign-in`, browser, { runs, device });
  const { venueId } = await openVenue(bench, baselineWaiting);
  await (await openStand(bench.context, bench.system.urls.gateway, venueId, bench.account)).close();
  const path = `/venues/${venueId}/stand`;
  return [signIn, await rateOften('stand', `${url}${path}`, browser, { runs, device, port })];
}

async function measureStands(
  bench: Bench,
  { waiting, seconds, memory }: Omit<Options, 'runs'>,
): Promise<Pick<Backoffice, 'stands' | 'growth'>> {
  const stands: StandFigures[] = [];
  let growth: Growth | null = null;
  for (const count of [baselineWaiting, waiting]) {
    const isLong = count === waiting;
    if (seconds === 0 && !(isLong && memory > 0)) continue;
    say(`Opening a stand with ${count} waiting …`);
    const { venueId, queueId } = await openVenue(bench, count);
    const { context, system, account, client, token } = bench;
    const stand = await openStand(context, system.urls.gateway, venueId, account);
    const night = startBusyNight(client, queueId, token);
    try {
      await delay(warmUpMs);
      if (seconds > 0) stands.push(await measureNight(stand, night, { waiting: count, seconds }));
      if (isLong && memory > 0) growth = await measureGrowth(stand, night, { waiting, memory });
    } finally {
      await night.stop();
      await stand.close();
    }
  }
  return { stands, growth };
}

/** Each second the host scrolls and calls a party. */
async function measureNight(
  stand: StandPage,
  night: BusyNight,
  { waiting, seconds }: { waiting: number; seconds: number },
): Promise<StandFigures> {
  const presses: PressTimes[] = [];
  const changesBefore = night.changes();
  const startedAt = performance.now();
  const endTasks = await stand.startTasks();
  for (let second = 1; second <= seconds; second += 1) {
    await stand.scroll(scrollMs);
    const times = await stand.press();
    if (times !== null) {
      presses.push(times);
      await night.replace(times.partyId);
    }
    await delay(Math.max(0, startedAt + second * 1_000 - performance.now()));
  }
  const tasks = await endTasks();
  const changes = night.changes() - changesBefore;
  const figures = (of: 'shownMs' | 'acknowledgedMs') => {
    const values = presses.map((times) => times[of]);
    return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) };
  };
  return {
    waiting,
    changesPerSecond: (changes * 1_000) / (performance.now() - startedAt),
    presses: presses.length,
    shownMs: figures('shownMs'),
    acknowledgedMs: figures('acknowledgedMs'),
    tasks,
    cpuMsPerChange: tasks.cpuMs / changes,
  };
}

async function measureGrowth(
  stand: StandPage,
  night: BusyNight,
  { waiting, memory: seconds }: { waiting: number; memory: number },
): Promise<Growth> {
  say(`Watching the memory for ${seconds} s …`);
  const changesBefore = night.changes();
  const samples = [await stand.memory()];
  for (let sample = 1; sample <= memorySamples; sample += 1) {
    await delay((seconds * 1_000) / memorySamples);
    samples.push(await stand.memory());
  }
  return { seconds, waiting, changes: night.changes() - changesBefore, samples };
}

export function backofficeRows({ ratings, stands, growth }: Backoffice): Row[] {
  const [baseline, long] = stands;
  return [
    ...ratings.flatMap((rating) => ratingRows(rating, goals.scriptKilobytes)),
    ...stands.flatMap((figures) => standRows(figures, figures === long)),
    ...(baseline === undefined || long === undefined ? [] : ratioRows(baseline, long)),
    ...(growth === null ? [] : growthRows(growth)),
  ];
}

const inMs = (ms: number) => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

function standRows(figures: StandFigures, hasGoals: boolean): Row[] {
  const { waiting, changesPerSecond, presses, tasks, cpuMsPerChange } = figures;
  const row = (what: string, measured: string, value: number, goal: number): Row => ({
    what: `  ${what}`,
    measured,
    ...(hasGoals ? { goal: `≤ ${goal} ms`, isReached: value <= goal } : {}),
  });
  const both = ({ p50, p95 }: { p50: number; p95: number }) => `${inMs(p50)}, p95 ${inMs(p95)}`;
  const { shownMs, acknowledgedMs } = figures;
  return [
    {
      what: `stand with ${waiting} waiting`,
      measured: `${changesPerSecond.toFixed(1)} changes a second, ${presses} presses`,
    },
    row('press to shown', both(shownMs), shownMs.p95, goals.shownMs),
    row('press to acknowledged', both(acknowledgedMs), acknowledgedMs.p95, goals.acknowledgedMs),
    row('longest task', inMs(tasks.longestMs), tasks.longestMs, goals.taskMs),
    { what: '  longest CPU time of a task', measured: inMs(tasks.longestCpuMs) },
    { what: '  CPU time of the page per change', measured: inMs(cpuMsPerChange) },
  ];
}

function ratioRows(baseline: StandFigures, long: StandFigures): Row[] {
  const row = (what: string, of: (figures: StandFigures) => number): Row => ({
    what: `  ${what}`,
    measured: (of(long) / of(baseline)).toFixed(2),
  });
  return [
    { what: `${long.waiting} waiting, relative to ${baseline.waiting}`, measured: '' },
    row('press to shown, p95', ({ shownMs }) => shownMs.p95),
    row('press to acknowledged, p95', ({ acknowledgedMs }) => acknowledgedMs.p95),
    row('longest task', ({ tasks }) => tasks.longestMs),
    row('longest CPU time of a task', ({ tasks }) => tasks.longestCpuMs),
    row('CPU time per change', ({ cpuMsPerChange }) => cpuMsPerChange),
  ];
}

/** Of the first and of the last quarter of the samples, since what is shown varies from one to the next. */
function growthRows({ seconds, waiting, changes, samples }: Growth): Row[] {
  const quarter = Math.ceil(samples.length / 4);
  const row = (what: string, unit: string, of: (memory: Memory) => number): Row => {
    const before = median(samples.slice(0, quarter).map(of));
    const after = median(samples.slice(-quarter).map(of));
    return {
      what: `  ${what}`,
      measured: `${before.toFixed(1)} → ${after.toFixed(1)}${unit} (${percent(after / before - 1)})`,
      goal: `≤ ${percent(goals.growth)}`,
      isReached: after / before - 1 <= goals.growth,
    };
  };
  return [
    {
      what: `memory of the stand with ${waiting} waiting`,
      measured: `${changes} changes in ${seconds} s`,
    },
    row('JavaScript heap', ' MB', ({ heapBytes }) => heapBytes / 1e6),
    row('DOM nodes', '', ({ nodes }) => nodes),
    row('event listeners', '', ({ listeners }) => listeners),
  ];
}

function percent(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)} %`;
}

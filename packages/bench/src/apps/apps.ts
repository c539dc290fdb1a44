/** `npm run bench -- apps`: how fast the guests' pages load, and how soon they show a host's call. */
import { setTimeout as delay } from 'node:timers/promises';
import { requireProgram } from '@queue-manager/local-stack/stores/system-packages';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { type Browser, chromium } from 'playwright-core';
import { type LiveSystem, openLiveSystem } from '../live/live-system.ts';
import { median, percentile, type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { startWorker, stopAll } from '../measure/worker.ts';
import { type Rating, rate } from './lighthouse.ts';

const help = `Usage: npm run bench -- apps [options]

Measures, on its own system, the built app as the gateway serves it:
  - Lighthouse's scores of the page to join and of a ticket, on its slow phone and network (medians
    of several runs), and the bytes of their scripts over the wire;
  - with streams of so many other guests open, the time from a host's call to the changed place on a
    real page in Chromium, and how much that page shifts.
npm downloads Lighthouse at the first run.

Options:
  --runs N     runs of Lighthouse for each page; default 3, 0 to skip it
  --streams N  streams of other guests; default 500
  --calls N    number of calls, 0 to skip them; default 40
`;

const goals = {
  performance: 95,
  accessibility: 100,
  bestPractices: 100,
  scriptKilobytes: 90,
  changeMs: 300,
};
/** Also for root, in a container with little shared memory. */
const flags = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
const pauseMs = 250;
const warmUpCalls = 3;
const waitingAtJoin = 12;

type Options = { runs: number; streams: number; calls: number };
type Rated = Rating & { page: string };
type Changes = {
  streams: number;
  ms: { p50: number; p99: number };
  calledMs: number;
  shift: number;
};
type Result = { ratings: Rated[]; changes: Changes | null };

async function measure({ runs, streams, calls }: Options): Promise<Result> {
  const system = await openLiveSystem();
  const executablePath = requireProgram('chromium', process.env);
  try {
    return {
      ratings: runs === 0 ? [] : await rateAll(system, executablePath, runs),
      changes:
        calls === 0 ? null : await measureChanges(system, executablePath, { streams, calls }),
    };
  } finally {
    await system.close();
  }
}

/** A queue with as many waiting parties, and their tickets in the order of the line. */
async function fillQueue(system: LiveSystem, count: number) {
  const queue = await system.createLine();
  await system.fillLine(queue.id, count);
  const ids = await system.partyIds(queue.id);
  const tickets = ids.map((id) => system.ticketOf(queue.id, bytesToUuid(id)));
  await system.project(`/v1/positions/${tickets[0]}`);
  return { queue, ids: ids.map(bytesToUuid), tickets };
}

async function rateAll(system: LiveSystem, executable: string, runs: number): Promise<Rated[]> {
  const { queue, tickets } = await fillQueue(system, waitingAtJoin);
  const paths = { join: `/j/${queue.joinCode}`, ticket: `/t/${tickets.at(-1)}` };
  const rated: Rated[] = [];
  for (const [page, path] of Object.entries(paths)) {
    const ratings: Rating[] = [];
    for (let run = 0; run < runs; run += 1) {
      say(`Lighthouse rates the page ${page}, run ${run + 1} of ${runs} …`);
      ratings.push(await rate(new URL(path, system.urls.gateway).href, executable, flags));
    }
    const of = (name: 'performance' | 'accessibility' | 'bestPractices' | 'scriptBytes') =>
      median(ratings.map((rating) => rating[name]));
    rated.push({
      page,
      performance: of('performance'),
      accessibility: of('accessibility'),
      bestPractices: of('bestPractices'),
      scriptBytes: of('scriptBytes'),
      found: [...new Set(ratings.flatMap(({ found }) => found))],
    });
  }
  return rated;
}

async function measureChanges(
  system: LiveSystem,
  executablePath: string,
  { streams, calls }: { streams: number; calls: number },
): Promise<Changes> {
  say(`Opening ${streams} streams and one page …`);
  const { queue, ids, tickets } = await fillQueue(system, streams + 1);
  const clients = await startWorker('packages/bench/src/live/stream-clients-worker.ts');
  let browser: Browser | undefined;
  try {
    await clients.ask('open', {
      url: system.urls.gateway,
      paths: tickets.slice(0, streams).map((ticket) => `/v1/live/tickets/${ticket}`),
      from: '127.0.0.2',
    });
    browser = await chromium.launch({ executablePath, args: flags });
    const page = await openTicket(browser, system.urls.gateway, tickets.at(-1) as string);
    const times: number[] = [];
    for (let call = -warmUpCalls; call < calls; call += 1) {
      await delay(pauseMs);
      const ms = await page.timeTo(() => post(system, `/v1/queues/${queue.id}/call-next`));
      if (call >= 0) times.push(ms);
    }
    await delay(pauseMs);
    const shift = await page.shift();
    const calledMs = await page.timeTo(() => post(system, `/v1/parties/${ids.at(-1)}/call`));
    return {
      streams,
      ms: { p50: percentile(times, 0.5), p99: percentile(times, 0.99) },
      calledMs,
      shift,
    };
  } finally {
    await browser?.close();
    await stopAll([clients]);
  }
}

async function post(system: LiveSystem, path: string): Promise<void> {
  const answer = await system.post('gateway', path);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
}

/** What runs in the page, by the same clock as this process. */
const watch = `
  window.shifts = 0;
  window.changed = () => new Promise((resolve) => {
    const shown = () => document.querySelector('h1').parentElement.textContent;
    const before = shown();
    const observer = new MutationObserver(() => {
      if (shown() === before) return;
      observer.disconnect();
      requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    });
    observer.observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  new PerformanceObserver((list) => {
    for (const { value } of list.getEntries()) window.shifts += value;
  }).observe({ type: 'layout-shift' });
`;

async function openTicket(browser: Browser, url: string, ticket: string) {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    isMobile: true,
    locale: 'en-GB',
  });
  const page = await context.newPage();
  await page.goto(new URL(`/t/${ticket}`, url).href);
  await page.getByRole('heading', { name: /ahead of you/ }).waitFor();
  await page.evaluate(watch);
  return {
    /** Milliseconds from before `change` to the frame with the changed place. */
    async timeTo(change: () => Promise<void>): Promise<number> {
      await page.evaluate('void (window.next = window.changed())');
      const startedAt = performance.timeOrigin + performance.now();
      await change();
      return ((await page.evaluate('window.next')) as number) - startedAt;
    },
    shift: () => page.evaluate('window.shifts') as Promise<number>,
  };
}

function ratingRows({ page, scriptBytes, found, ...scores }: Rated): Row[] {
  const kilobytes = scriptBytes / 1_000;
  const row = (what: string, score: number, goal: number): Row => ({
    what: `${page}: Lighthouse, ${what}`,
    measured: `${score}`,
    goal: `≥ ${goal}`,
    isReached: score >= goal,
  });
  return [
    row('performance', scores.performance, goals.performance),
    row('accessibility', scores.accessibility, goals.accessibility),
    row('best practices', scores.bestPractices, goals.bestPractices),
    {
      what: `${page}: scripts over the wire`,
      measured: `${kilobytes.toFixed(1)} kB`,
      goal: `≤ ${goals.scriptKilobytes} kB`,
      isReached: kilobytes <= goals.scriptKilobytes,
    },
    ...found.map((measured): Row => ({ what: `${page}: costs points`, measured })),
  ];
}

function changeRows({ streams, ms, calledMs, shift }: Changes): Row[] {
  return [
    {
      what: `${streams} streams: call to changed page`,
      measured: `${ms.p50.toFixed(0)} ms, p99 ${ms.p99.toFixed(0)} ms`,
      goal: `≤ ${goals.changeMs} ms`,
      isReached: ms.p50 <= goals.changeMs,
    },
    { what: '  own call to changed page', measured: `${calledMs.toFixed(0)} ms` },
    {
      what: '  layout shift while the place moves',
      measured: shift.toFixed(4),
      goal: '0',
      isReached: shift === 0,
    },
  ];
}

await runBench<Options, Result>({
  help,
  defaults: { runs: '3', streams: '500', calls: '40' },
  read: ({ number }) => ({
    runs: number('runs', 0),
    streams: number('streams', 1),
    calls: number('calls', 0),
  }),
  measure,
  rows: ({ ratings, changes }) => [
    ...ratings.flatMap(ratingRows),
    ...(changes === null ? [] : changeRows(changes)),
  ],
});

/** How fast the guests' pages load, and how soon they show a host's call. */
import { setTimeout as delay } from 'node:timers/promises';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { type Browser, chromium } from 'playwright-core';
import { type LiveSystem, openLiveSystem } from '../live/live-system.ts';
import { percentile, type Row, say } from '../measure/report.ts';
import { startWorker, stopAll } from '../measure/worker.ts';
import { type Chromium, type PageRating, rateOften, ratingRows } from './lighthouse.ts';

const goals = { scriptKilobytes: 90, changeMs: 300 };
const pauseMs = 250;
const warmUpCalls = 3;
const waitingAtJoin = 12;

type Options = { runs: number; streams: number; calls: number };
type Changes = {
  streams: number;
  ms: { p50: number; p99: number };
  calledMs: number;
  shift: number;
};
export type Guests = { ratings: PageRating[]; changes: Changes | null };

export async function measureGuests(
  browser: Chromium,
  { runs, streams, calls }: Options,
): Promise<Guests> {
  const system = await openLiveSystem();
  try {
    return {
      ratings: runs === 0 ? [] : await rateAll(system, browser, runs),
      changes: calls === 0 ? null : await measureChanges(system, browser, { streams, calls }),
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

async function rateAll(system: LiveSystem, browser: Chromium, runs: number): Promise<PageRating[]> {
  const { queue, tickets } = await fillQueue(system, waitingAtJoin);
  const { gateway } = system.urls;
  const at = (path: string) => new URL(path, gateway).href;
  return [
    await rateOften('join', at(`/j/${queue.joinCode}`), browser, { runs, device: 'mobile' }),
    await rateOften('ticket', at(`/t/${tickets.at(-1)}`), browser, { runs, device: 'mobile' }),
  ];
}

async function measureChanges(
  system: LiveSystem,
  browser: Chromium,
  { streams, calls }: { streams: number; calls: number },
): Promise<Changes> {
  say(`Opening ${streams} streams and one page …`);
  const { queue, ids, tickets } = await fillQueue(system, streams + 1);
  const clients = await startWorker('packages/bench/src/live/stream-clients-worker.ts');
  let opened: Browser | undefined;
  try {
    await clients.ask('open', {
      url: system.urls.gateway,
      paths: tickets.slice(0, streams).map((ticket) => `/v1/live/tickets/${ticket}`),
      from: '127.0.0.2',
    });
    opened = await chromium.launch(browser);
    const page = await openTicket(opened, system.urls.gateway, tickets.at(-1) as string);
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
    await opened?.close();
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

export function guestRows({ ratings, changes }: Guests): Row[] {
  return [
    ...ratings.flatMap((rating) => ratingRows(rating, goals.scriptKilobytes)),
    ...(changes === null ? [] : changeRows(changes)),
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

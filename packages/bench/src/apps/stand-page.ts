import { setTimeout as delay } from 'node:timers/promises';
import { backofficePath } from '@queue-manager/contracts/pages';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';

export type Account = { email: string; password: string };
/** Milliseconds from the event of a press until it is painted, and until its pending mark is gone. */
export type PressTimes = { partyId: string; shownMs: number; acknowledgedMs: number };
/** Tasks of the page's main thread, in milliseconds: their longest duration, and what they take of the processor. */
export type Tasks = { longestMs: number; longestCpuMs: number; cpuMs: number };
export type Memory = { heapBytes: number; nodes: number; listeners: number };

export const viewport = { width: 1_180, height: 820 };
/** What a wheel turns in a frame, in pixels. */
const wheelPx = 120;
const wheelMs = 16;
/** Ten rows down: *Call next* of another stand would call the same party. */
const firstTop = 880;
const pressMsMax = 30_000;

/**
 * What runs in the page. A press is taken from the event itself: rows may move under the pointer. A message that is sent
 * before a frame is painted arrives after it.
 */
const watch = `
  window.nextPress = (ms) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('a press was not acknowledged')), ms);
    document.addEventListener('click', ({ target, timeStamp }) => {
      const key = target.closest('.part.waiting [data-key]')?.dataset.key;
      if (key === undefined) return resolve(null);
      const row = (part) => document.querySelector('.part.' + part + ' [data-key="' + key + '"]');
      let [isShown, isAcknowledged, isOver, shownMs] = [false, false, false, null];
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const ms = performance.now() - timeStamp;
        if (isShown) shownMs ??= ms;
        if (!isAcknowledged) return;
        observer.disconnect();
        isOver = true;
        resolve({ partyId: key, shownMs, acknowledgedMs: ms });
      };
      const frame = () => {
        port2.postMessage(null);
        if (!isOver) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
      const observer = new MutationObserver(() => {
        isShown ||= row('waiting') === null;
        const called = row('called');
        isAcknowledged ||= called !== null && called.querySelector('.pending') === null;
      });
      observer.observe(document.querySelector('.parts'), { childList: true, attributes: true, subtree: true });
    }, { capture: true, once: true });
  });
  window.scrollAtLeast = (top) => {
    const list = document.querySelector('.part.waiting [role=list]');
    list.scrollTop = Math.max(list.scrollTop, top);
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  };
  // A point on a button of a row that no message covers, and how far the list is scrolled.
  window.aim = () => {
    const list = document.querySelector('.part.waiting [role=list]');
    const { top } = list.getBoundingClientRect();
    const buttons = [...list.querySelectorAll('.buttons > button:first-child')];
    const boxes = buttons.map((button) => button.getBoundingClientRect());
    const box = boxes.find((one) => one.top > top + 100) ?? boxes[0];
    return {
      x: box.left + box.width / 2,
      y: box.top + box.height / 2,
      top: list.scrollTop,
      endTop: list.scrollHeight - list.clientHeight - 1,
    };
  };
`;

/** Opens the stand of a venue in a browser that is signed in or is to sign in. */
export async function openStand(
  context: BrowserContext,
  url: string,
  venueId: string,
  { email, password }: Account,
) {
  const page = await context.newPage();
  await page.goto(`${url}${backofficePath}/venues/${venueId}/stand`);
  const passwordField = page.locator('input[name=password]');
  await passwordField.or(page.locator('.frame')).first().waitFor();
  if (await passwordField.isVisible()) {
    await page.locator('input[type=email]').fill(email);
    await passwordField.fill(password);
    await page.locator('button[type=submit]').click();
  }
  await page.locator('.fills[aria-busy=false] .part.waiting [data-key]').first().waitFor();
  await page.evaluate(watch);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  let direction = 1;

  return {
    /** Turns the wheel for so long, back from the end of the list and from those who are called next. */
    async scroll(ms: number): Promise<void> {
      const { x, y, top, endTop } = await aim(page);
      if (top >= endTop) direction = -1;
      else if (top <= firstTop) direction = 1;
      await page.mouse.move(x - wheelPx, y);
      const until = performance.now() + ms;
      while (performance.now() < until) {
        await page.mouse.wheel(0, direction * wheelPx);
        await delay(wheelMs);
      }
      await page.evaluate(`window.scrollAtLeast(${firstTop})`);
    },
    /** Calls a party in the middle of what is shown. Null if the press hit none. */
    async press(): Promise<PressTimes | null> {
      await page.evaluate(`void (window.press = window.nextPress(${pressMsMax}))`);
      const { x, y } = await aim(page);
      await page.mouse.click(x, y);
      return page.evaluate('window.press');
    },
    startTasks: () => traceTasks(cdp),
    memory: () => memoryOf(cdp),
    close: () => page.close(),
  };
}

export type StandPage = Awaited<ReturnType<typeof openStand>>;

function aim(page: Page): Promise<{ x: number; y: number; top: number; endTop: number }> {
  return page.evaluate('window.aim()');
}

type TraceEvent = {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  dur?: number;
  tdur?: number;
  args: { name?: string };
};

const taskName = 'ThreadControllerImpl::RunTask';

/** Records the tasks of the main thread; the returned function ends it. Times of a trace are in microseconds. */
async function traceTasks(cdp: CDPSession): Promise<() => Promise<Tasks>> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { value: unknown[] }) => {
    for (const event of value as TraceEvent[]) {
      if (event.name === taskName || event.name === 'thread_name') events.push(event);
    }
  };
  cdp.on('Tracing.dataCollected', collect);
  await cdp.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata'] },
  });
  return async () => {
    const completed = new Promise((resolve) => cdp.once('Tracing.tracingComplete', resolve));
    await cdp.send('Tracing.end');
    await completed;
    cdp.off('Tracing.dataCollected', collect);
    return tasksIn(events);
  };
}

function tasksIn(events: readonly TraceEvent[]): Tasks {
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mains = new Set(events.filter(({ args }) => args.name === 'CrRendererMain').map(thread));
  const tasks = Map.groupBy(
    events.filter((event) => event.name === taskName && mains.has(thread(event))),
    thread,
  );
  const own = [...tasks.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  return {
    longestMs: Math.max(...own.map(({ dur = 0 }) => dur)) / 1_000,
    longestCpuMs: Math.max(...own.map(({ tdur = 0 }) => tdur)) / 1_000,
    cpuMs: own.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1_000,
  };
}

/** After a garbage collection. */
async function memoryOf(cdp: CDPSession): Promise<Memory> {
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const metric = (wanted: string) =>
    metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  return { heapBytes: usedSize, nodes: metric('Nodes'), listeners: metric('JSEventListeners') };
}

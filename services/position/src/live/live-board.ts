import { liveBoard } from '@queue-manager/contracts/live';
import type { Board } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/request-context';
import { route } from '@queue-manager/service-kit/route';
import { boardOf } from '../reads/board-of.ts';
import { type EventStream, eventOf } from './event-streams.ts';
import type { WatchedLine } from './line-watch.ts';
import type { LiveDeps } from './live.ts';

const renderMs = 100;
/** Names and the estimate change even if the queue does not. */
const refreshMs = 15_000;

/** The screens of a queue; each board is rendered once for all of them. */
type Audience = {
  screens: Set<{ show(event: string): void; end(): void }>;
  watched: Promise<WatchedLine | null>;
  /** The board last shown, without the estimate's `asOf`. */
  shown: string;
  event: string;
  /** The first rendering, shared by all screens that wait for it. */
  first: Promise<void> | null;
  isRendering: boolean;
  isStale: boolean;
  renderedAt: number;
  timer: NodeJS.Timeout | null;
  refreshing: NodeJS.Timeout;
};

export const liveBoardOfQueue = (deps: LiveDeps) => {
  const { live } = deps;
  const audiences = new Map<string, Audience>();

  function audienceOf(queueId: string): Audience {
    const known = audiences.get(queueId);
    if (known !== undefined) return known;
    const audience: Audience = {
      screens: new Set(),
      watched: live.watch.watchLine(queueId, {
        onSeq: () => renderSoon(queueId, audience),
        onGone: () => end(queueId, audience),
      }),
      shown: '',
      event: '',
      first: null,
      isRendering: false,
      isStale: false,
      renderedAt: Number.NEGATIVE_INFINITY,
      timer: null,
      refreshing: setInterval(() => renderSoon(queueId, audience), refreshMs),
    };
    audience.refreshing.unref();
    audiences.set(queueId, audience);
    return audience;
  }

  function close(queueId: string, audience: Audience): void {
    if (audiences.get(queueId) === audience) audiences.delete(queueId);
    clearInterval(audience.refreshing);
    if (audience.timer !== null) clearTimeout(audience.timer);
    audience.watched.then(
      (watched) => watched?.stop(),
      () => undefined,
    );
  }

  function end(queueId: string, audience: Audience): void {
    close(queueId, audience);
    for (const screen of [...audience.screens]) screen.end();
  }

  /** Renders at once after a quiet time, else at the next interval. */
  function renderSoon(queueId: string, audience: Audience): void {
    audience.isStale = true;
    if (audience.timer !== null || audience.isRendering) return;
    const waitMs = Math.max(0, Math.ceil(audience.renderedAt + renderMs - performance.now()));
    audience.timer = setTimeout(() => {
      audience.timer = null;
      void runInContext({}, () => render(queueId, audience)).catch(() => {
        // Redis is unavailable; the next change or refresh renders again.
      });
    }, waitMs);
  }

  /** Renders once even if a thousand screens reconnect at once; also, an older board must not follow a newer one. */
  function renderFirst(queueId: string, audience: Audience): Promise<void> {
    audience.first ??= runInContext({}, () => render(queueId, audience)).finally(() => {
      audience.first = null;
    });
    return audience.first;
  }

  async function render(queueId: string, audience: Audience): Promise<void> {
    audience.isRendering = true;
    audience.isStale = false;
    let board: Board | null;
    try {
      board = await boardOf(deps, queueId);
    } finally {
      audience.isRendering = false;
      audience.renderedAt = performance.now();
    }
    if (board === null) return end(queueId, audience);
    const shown = JSON.stringify({
      ...board,
      estimate: board.estimate && { ...board.estimate, asOf: '' },
    });
    if (shown !== audience.shown) {
      audience.shown = shown;
      audience.event = eventOf('board', JSON.stringify(board));
      for (const screen of audience.screens) screen.show(audience.event);
    }
    if (audience.isStale) renderSoon(queueId, audience);
  }

  return route(liveBoard, async ({ params: { queueId } }, reply) => {
    const audience = audienceOf(queueId.toLowerCase());
    let stream: EventStream | undefined;
    let isSkipped = false;
    const screen = {
      show(event: string) {
        if (stream === undefined) return;
        isSkipped = !stream.isDrained;
        if (!isSkipped) stream.send(event);
      },
      end: () => stream?.end(),
    };
    const leave = () => {
      audience.screens.delete(screen);
      if (audience.screens.size === 0) close(queueId.toLowerCase(), audience);
    };
    audience.screens.add(screen);
    try {
      if ((await audience.watched) === null) throw problems.notFound();
      if (audience.event === '') await renderFirst(queueId, audience);
      if (audiences.get(queueId.toLowerCase()) !== audience) throw problems.notFound();
    } catch (error) {
      leave();
      throw error;
    }
    stream = live.streams.open(reply, {
      first: audience.event,
      onDrained() {
        if (isSkipped) screen.show(audience.event);
      },
      onClosed: leave,
    });
    return reply;
  });
};

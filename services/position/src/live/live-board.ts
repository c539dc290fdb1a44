import { liveBoard } from '@queue-manager/contracts/live';
import type { Board } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import { boardOf } from '../board-of.ts';
import type { Deps } from '../deps.ts';
import { type EventStream, eventOf } from './event-streams.ts';
import type { WatchedLine } from './line-watch.ts';

const tickMs = 100;
/** Names, and how long one would wait, change also when nobody moves. */
const refreshMs = 15_000;

/** What all screens of a queue share: whatever is shown is made once for all of them. */
type Room = {
  screens: Set<{ show(event: string): void; end(): void }>;
  watched: Promise<WatchedLine | null>;
  /** What is shown, but for the time of the estimate. */
  shown: string;
  event: string;
  /** Made by the first screen, for all that come with it. */
  first: Promise<void> | null;
  isRendering: boolean;
  isStale: boolean;
  renderedAt: number;
  timer: NodeJS.Timeout | null;
  refreshing: NodeJS.Timeout;
};

export const liveBoardOfQueue = (deps: Deps) => {
  const { live } = deps;
  const rooms = new Map<string, Room>();

  function roomOf(queueId: string): Room {
    const known = rooms.get(queueId);
    if (known !== undefined) return known;
    const room: Room = {
      screens: new Set(),
      watched: live.watch.watchLine(queueId, {
        onSeq: () => renderSoon(queueId, room),
        onGone: () => end(queueId, room),
      }),
      shown: '',
      event: '',
      first: null,
      isRendering: false,
      isStale: false,
      renderedAt: Number.NEGATIVE_INFINITY,
      timer: null,
      refreshing: setInterval(() => renderSoon(queueId, room), refreshMs),
    };
    room.refreshing.unref();
    rooms.set(queueId, room);
    return room;
  }

  function close(queueId: string, room: Room): void {
    if (rooms.get(queueId) === room) rooms.delete(queueId);
    clearInterval(room.refreshing);
    if (room.timer !== null) clearTimeout(room.timer);
    room.watched.then(
      (watched) => watched?.stop(),
      () => undefined,
    );
  }

  function end(queueId: string, room: Room): void {
    close(queueId, room);
    for (const screen of [...room.screens]) screen.end();
  }

  /** At once after a quiet time, then as often as screens are told of changes. */
  function renderSoon(queueId: string, room: Room): void {
    room.isStale = true;
    if (room.timer !== null || room.isRendering) return;
    const waitMs = Math.max(0, Math.ceil(room.renderedAt + tickMs - performance.now()));
    room.timer = setTimeout(() => {
      room.timer = null;
      void runInContext({}, () => render(queueId, room)).catch(() => {
        // Redis is away; the next change, or the next look, shows what there is then.
      });
    }, waitMs);
  }

  /** Once, also when a thousand screens come back at the same time: an older board must not follow a newer one. */
  function renderFirst(queueId: string, room: Room): Promise<void> {
    room.first ??= runInContext({}, () => render(queueId, room)).finally(() => {
      room.first = null;
    });
    return room.first;
  }

  async function render(queueId: string, room: Room): Promise<void> {
    room.isRendering = true;
    room.isStale = false;
    let board: Board | null;
    try {
      board = await boardOf(deps, queueId);
    } finally {
      room.isRendering = false;
      room.renderedAt = performance.now();
    }
    if (board === null) return end(queueId, room);
    const shown = JSON.stringify({
      ...board,
      estimate: board.estimate && { ...board.estimate, asOf: '' },
    });
    if (shown !== room.shown) {
      room.shown = shown;
      room.event = eventOf('board', JSON.stringify(board));
      for (const screen of room.screens) screen.show(room.event);
    }
    if (room.isStale) renderSoon(queueId, room);
  }

  return route(liveBoard, async ({ params: { queueId } }, reply) => {
    const room = roomOf(queueId.toLowerCase());
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
      room.screens.delete(screen);
      if (room.screens.size === 0) close(queueId.toLowerCase(), room);
    };
    room.screens.add(screen);
    try {
      if ((await room.watched) === null) throw problems.notFound();
      if (room.event === '') await renderFirst(queueId, room);
      if (rooms.get(queueId.toLowerCase()) !== room) throw problems.notFound();
    } catch (error) {
      leave();
      throw error;
    }
    stream = live.streams.open(reply, {
      first: room.event,
      onDrained() {
        if (isSkipped) screen.show(room.event);
      },
      onClosed: leave,
    });
    return reply;
  });
};

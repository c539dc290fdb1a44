import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import { getLineEvents } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isProblem } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import { eventOf } from './event-streams.ts';
import type { LineWatch, WatchedLine } from './line-watch.ts';

/** Page size of reads for all followers. */
const readMax = 1_000;
/** Page size of reads for one follower that is behind; about as much as one write. */
const pageMax = 50;
const writeCharsMax = 32 * 1024;
/** Recent events kept in memory for slow followers. */
const recentMax = 1_000;
const retryMsMin = 100;
const retryMsMax = 5_000;
const defaultPollMs = 5_000;

export type EventReader = {
  /** Whether the reader can take more now. If not, it must call `resume` when it can. */
  isReady(): boolean;
  write(text: string): void;
  /** The queue was deleted, and its last event was written. */
  end(): void;
};

export type Following = {
  /** What the stream begins with. */
  readonly first: string;
  begin(reader: EventReader): void;
  /** The reader is ready again. */
  resume(): void;
  stop(): void;
};

export type LineEvents = {
  /**
   * Follows the events of a queue after the event `after`, in order and without gaps; from now on if `after` is null
   * or in the future. Null if the queue does not exist.
   */
  follow(queueId: string, after: number | null): Promise<Following | null>;
  close(): void;
};

/** A serialised event. */
type EventText = { seq: number; text: string };

type Follower = {
  /** Null before it begins. */
  reader: EventReader | null;
  /** Last event written to it. */
  seq: number;
  /** Events older than those kept are being read for this follower alone. */
  isPaging: boolean;
  isStopped: boolean;
};

type Tail = {
  readonly queueId: string;
  readonly followers: Set<Follower>;
  watched: Promise<WatchedLine | null>;
  /** Last event read; `recent` holds it and those before it. */
  seq: number;
  recent: EventText[];
  /** Last event known to exist. */
  wanted: number;
  isReading: boolean;
  /** The queue was deleted: no further events will come. */
  isOver: boolean;
  polling: NodeJS.Timeout | undefined;
};

/**
 * Follows queues' events as stored by the queue service. Each process reads a queue once for all followers: on every
 * change that the watch reports, and every few seconds in case a report was lost. Followers that are behind, after a
 * reconnect or because they are slow, catch up at their own pace.
 */
export function createLineEvents(options: {
  watch: Pick<LineWatch, 'watchLine'>;
  queueService: InternalClient;
  logger: Logger;
  /** 5 s by default. */
  pollMs?: number;
}): LineEvents {
  const { watch, queueService, logger, pollMs = defaultPollMs } = options;
  const tails = new Map<string, Tail>();

  function tailOf(queueId: string): Tail {
    const known = tails.get(queueId);
    if (known !== undefined) return known;
    const tail: Tail = {
      queueId,
      followers: new Set(),
      watched: Promise.resolve(null),
      seq: 0,
      recent: [],
      wanted: 0,
      isReading: false,
      isOver: false,
      polling: undefined,
    };
    tails.set(queueId, tail);
    tail.watched = runInContext({}, () => begin(tail));
    // Callers handle the rejection, too.
    tail.watched.catch(() => forget(tail));
    return tail;
  }

  async function begin(tail: Tail): Promise<WatchedLine | null> {
    const watched = await watch.watchLine(tail.queueId, {
      onSeq(seq) {
        tail.wanted = Math.max(tail.wanted, seq);
        if (tail.seq > 0 && tail.wanted > tail.seq) void readNew(tail);
      },
      onGone() {
        tail.isOver = true;
        void readNew(tail);
      },
    });
    if (watched === null) {
      forget(tail);
      return null;
    }
    tail.seq = watched.seq;
    tail.polling = setInterval(() => runInContext({}, () => void readNew(tail)), pollMs);
    tail.polling.unref();
    return watched;
  }

  function forget(tail: Tail): void {
    if (tails.get(tail.queueId) === tail) tails.delete(tail.queueId);
    clearInterval(tail.polling);
  }

  function leave(tail: Tail, follower: Follower): void {
    follower.isStopped = true;
    if (!tail.followers.delete(follower) || tail.followers.size > 0) return;
    forget(tail);
    tail.watched.then(
      (watched) => watched?.stop(),
      () => undefined,
    );
  }

  function eventsAfter(queueId: string, after: number, limit: number): Promise<HistoryEvent[]> {
    return queueService
      .call(getLineEvents, { params: { queueId }, query: { after, limit } })
      .then(({ events }) => events);
  }

  /** Reads new events for all followers until there are no more. */
  async function readNew(tail: Tail): Promise<void> {
    if (tail.isReading) return;
    tail.isReading = true;
    try {
      for (let waitMs = retryMsMin; tails.get(tail.queueId) === tail; ) {
        try {
          const events = await eventsAfter(tail.queueId, tail.seq, readMax);
          waitMs = retryMsMin;
          for (const event of events) tail.recent.push(textOf(event));
          tail.seq = events.at(-1)?.seq ?? tail.seq;
          if (tail.recent.length > recentMax) tail.recent = tail.recent.slice(-recentMax);
          for (const follower of tail.followers) give(tail, follower);
          // Stop at an empty page even if more was reported: the next poll reads again.
          if (events.length === 0 || (events.length < readMax && tail.seq >= tail.wanted)) return;
        } catch (error) {
          if (isProblem(error, 'not-found')) {
            tail.isOver = true;
            return;
          }
          logger.warn({ err: error, queueId: tail.queueId }, 'cannot read events yet');
          await delay(waitMs, undefined, { ref: false });
          waitMs = Math.min(2 * waitMs, retryMsMax);
        }
      }
    } finally {
      tail.isReading = false;
      if (tail.isOver) for (const follower of tail.followers) give(tail, follower);
    }
  }

  /** Writes what a follower lacks, one chunk per tick, as long as it is ready. */
  function give(tail: Tail, follower: Follower): void {
    const { reader } = follower;
    if (reader === null || follower.isStopped || follower.isPaging || !reader.isReady()) return;
    const oldest = tail.recent[0]?.seq ?? tail.seq + 1;
    if (follower.seq + 1 < oldest && follower.seq < tail.seq) {
      void runInContext({}, () => givePage(tail, follower, reader));
      return;
    }
    let at = tail.recent.length;
    while (at > 0 && (tail.recent[at - 1] as EventText).seq > follower.seq) at -= 1;
    if (at < tail.recent.length) {
      writeSome(follower, reader, tail.recent, at);
      continueNextTick(tail, follower);
    } else if (tail.isOver && !tail.isReading) {
      reader.end();
    }
  }

  function continueNextTick(tail: Tail, follower: Follower): void {
    // By then the write has left, unless the reader is slow and calls `resume` later.
    setImmediate(() => give(tail, follower));
  }

  async function givePage(tail: Tail, follower: Follower, reader: EventReader): Promise<void> {
    follower.isPaging = true;
    try {
      const events = await eventsAfter(tail.queueId, follower.seq, pageMax);
      if (follower.isStopped) return;
      if (events.length > 0) writeSome(follower, reader, events.map(textOf), 0);
      // Later events are gone: skip to the newest.
      else follower.seq = tail.seq;
    } catch (error) {
      logger.warn({ err: error, queueId: tail.queueId }, 'cannot read past events yet');
      await delay(retryMsMin, undefined, { ref: false });
    } finally {
      follower.isPaging = false;
    }
    continueNextTick(tail, follower);
  }

  return {
    async follow(queueId, after) {
      const tail = tailOf(queueId);
      const follower: Follower = { reader: null, seq: 0, isPaging: false, isStopped: false };
      tail.followers.add(follower);
      try {
        if ((await tail.watched) === null) return null;
      } catch (error) {
        leave(tail, follower);
        throw error;
      }
      follower.seq = after === null || after > tail.seq ? tail.seq : after;
      return {
        // The first event will be the one after this.
        first: `id: ${follower.seq}\n\n`,
        begin(reader) {
          follower.reader = reader;
          give(tail, follower);
          if (tail.wanted > tail.seq) void runInContext({}, () => readNew(tail));
        },
        resume: () => give(tail, follower),
        stop: () => leave(tail, follower),
      };
    },
    close() {
      for (const tail of tails.values()) forget(tail);
    },
  };
}

/** Writes one chunk of events. */
function writeSome(
  follower: Follower,
  reader: EventReader,
  events: readonly EventText[],
  from: number,
): void {
  let text = '';
  for (let at = from; at < events.length && text.length < writeCharsMax; at++) {
    const next = events[at] as EventText;
    text += next.text;
    follower.seq = next.seq;
  }
  reader.write(text);
}

function textOf(event: HistoryEvent): EventText {
  const type = event.partyId === null ? 'queue' : 'party';
  const text = `id: ${event.seq}\n${eventOf(type, JSON.stringify(event))}`;
  return { seq: event.seq, text };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryEvent } from '@queue-manager/contracts/history';
import { getLineEvents } from '@queue-manager/contracts/internal';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isProblem } from '@queue-manager/service-kit/problems';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import { eventOf } from './event-streams.ts';
import type { LineWatch, WatchedLine } from './line-watch.ts';

/** Events read at once for everybody. */
const readMax = 1_000;
/** Events read at once for one who is behind, about as many as are written at once. */
const pageMax = 50;
const pieceCharsMax = 32 * 1024;
/** The last of them are kept, for those who did not take them at once. */
const recentMax = 1_000;
const retryMsMin = 100;
const retryMsMax = 5_000;
const usualPollMs = 5_000;

/** Where the events of a line go. */
export type EventReader = {
  /** Whether it takes more at the moment; who does not says `resume` later. */
  isReady(): boolean;
  write(text: string): void;
  /** There is no such queue any more; its last event was written. */
  end(): void;
};

export type Following = {
  /** What it goes on behind. */
  readonly seq: number;
  begin(reader: EventReader): void;
  /** The reader takes more again. */
  resume(): void;
  stop(): void;
};

export type LineEvents = {
  /**
   * Follows what happens in a queue behind the event `after`, in order and without a gap; from now on when that
   * is null, or has not happened yet. Null when there is no such queue.
   */
  follow(queueId: string, after: number | null): Promise<Following | null>;
  close(): void;
};

/** An event as it is written. */
type Told = { seq: number; text: string };

type Follower = {
  /** Null before it begins. */
  reader: EventReader | null;
  /** The last event it was given. */
  seq: number;
  /** Events that are older than those kept are read for it alone. */
  isPaging: boolean;
  isStopped: boolean;
};

type Tail = {
  readonly queueId: string;
  readonly followers: Set<Follower>;
  watched: Promise<WatchedLine | null>;
  /** The last event read, and those before it, each as it is written. */
  seq: number;
  recent: Told[];
  /** As far as the line is known to have come. */
  wanted: number;
  isReading: boolean;
  /** The queue is deleted: there will be no more. */
  isOver: boolean;
  polling: NodeJS.Timeout | undefined;
};

/**
 * Tells what happens in lines as the queue service wrote it down: read once a line and process, when the line
 * is heard to have moved, and every few seconds in case it was not heard. Whoever is behind, be it for having
 * come back or for being slow, is given the rest at its own pace.
 */
export function createLineEvents(given: {
  watch: Pick<LineWatch, 'watchLine'>;
  queueService: InternalClient;
  logger: Logger;
  /** 5 s by default. */
  pollMs?: number;
}): LineEvents {
  const { watch, queueService, logger, pollMs = usualPollMs } = given;
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
    // Who waits for it is told; here it must not count as nobody's error.
    tail.watched.catch(() => forget(tail));
    return tail;
  }

  async function begin(tail: Tail): Promise<WatchedLine | null> {
    const watched = await watch.watchLine(tail.queueId, {
      onSeq(seq) {
        tail.wanted = Math.max(tail.wanted, seq);
        if (tail.seq > 0 && tail.wanted > tail.seq) void readOn(tail);
      },
      onGone() {
        tail.isOver = true;
        void readOn(tail);
      },
    });
    if (watched === null) {
      forget(tail);
      return null;
    }
    tail.seq = watched.seq;
    tail.polling = setInterval(() => runInContext({}, () => void readOn(tail)), pollMs);
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

  /** Reads for everybody, until there is nothing more. */
  async function readOn(tail: Tail): Promise<void> {
    if (tail.isReading) return;
    tail.isReading = true;
    try {
      for (let waitMs = retryMsMin; tails.get(tail.queueId) === tail; ) {
        try {
          const events = await eventsAfter(tail.queueId, tail.seq, readMax);
          waitMs = retryMsMin;
          for (const event of events) tail.recent.push(toldOf(event));
          tail.seq = events.at(-1)?.seq ?? tail.seq;
          if (tail.recent.length > recentMax) tail.recent = tail.recent.slice(-recentMax);
          for (const follower of tail.followers) give(tail, follower);
          // An empty answer is the end, whatever was heard: the next poll asks again.
          if (events.length === 0 || (events.length < readMax && tail.seq >= tail.wanted)) return;
        } catch (error) {
          if (isNotFound(error)) {
            tail.isOver = true;
            return;
          }
          logger.warn({ err: error, queueId: tail.queueId }, 'events could not be read yet');
          await delay(waitMs, undefined, { ref: false });
          waitMs = Math.min(2 * waitMs, retryMsMax);
        }
      }
    } finally {
      tail.isReading = false;
      if (tail.isOver) for (const follower of tail.followers) give(tail, follower);
    }
  }

  /** Writes what a follower lacks, a piece at a time, as long as it takes it. */
  function give(tail: Tail, follower: Follower): void {
    const { reader } = follower;
    if (reader === null || follower.isStopped || follower.isPaging || !reader.isReady()) return;
    const oldest = tail.recent[0]?.seq ?? tail.seq + 1;
    if (follower.seq + 1 < oldest && follower.seq < tail.seq) {
      void runInContext({}, () => givePage(tail, follower, reader));
      return;
    }
    let at = tail.recent.length;
    while (at > 0 && (tail.recent[at - 1] as Told).seq > follower.seq) at -= 1;
    if (at < tail.recent.length) {
      writeSome(follower, reader, tail.recent, at);
      goOn(tail, follower);
    } else if (tail.isOver && !tail.isReading) {
      reader.end();
    }
  }

  function goOn(tail: Tail, follower: Follower): void {
    // What was written has left by then, unless its reader is slow: who says so when it is ready again.
    setImmediate(() => give(tail, follower));
  }

  async function givePage(tail: Tail, follower: Follower, reader: EventReader): Promise<void> {
    follower.isPaging = true;
    try {
      const events = await eventsAfter(tail.queueId, follower.seq, pageMax);
      if (follower.isStopped) return;
      if (events.length > 0) writeSome(follower, reader, events.map(toldOf), 0);
      // There is nothing behind it that could be told any more.
      else follower.seq = tail.seq;
    } catch (error) {
      logger.warn({ err: error, queueId: tail.queueId }, 'past events could not be read yet');
      await delay(retryMsMin, undefined, { ref: false });
    } finally {
      follower.isPaging = false;
    }
    goOn(tail, follower);
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
        seq: follower.seq,
        begin(reader) {
          follower.reader = reader;
          give(tail, follower);
          if (tail.wanted > tail.seq) void runInContext({}, () => readOn(tail));
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

/** As much as a reader takes at once. */
function writeSome(
  follower: Follower,
  reader: EventReader,
  told: readonly Told[],
  from: number,
): void {
  let text = '';
  for (let at = from; at < told.length && text.length < pieceCharsMax; at++) {
    const next = told[at] as Told;
    text += next.text;
    follower.seq = next.seq;
  }
  reader.write(text);
}

/** In lines of its own: JSON has no others. */
function toldOf(event: HistoryEvent): Told {
  const type = event.partyId === null ? 'queue' : 'party';
  const text = `id: ${event.seq}\n${eventOf(type, JSON.stringify(event))}`;
  return { seq: event.seq, text };
}

const isNotFound = (error: unknown) => isProblem(error, 'not-found');

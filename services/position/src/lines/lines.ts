import { setTimeout as delay } from 'node:timers/promises';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { UpstreamError } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import { LRUCache } from 'lru-cache';
import pTimeout from 'p-timeout';
import type {
  Applied,
  BoardView,
  Line,
  Neighbours,
  Places,
  PlaceWanted,
  Projection,
  UnknownLine,
  WatchedPlace,
} from '../projection/projection.ts';
import { batchPlaces } from './batch-places.ts';
import type { GapWatch } from './gap-watch.ts';
import type { Rebuild } from './rebuild.ts';

const attemptsMax = 5;
/** A reader waits no longer than this for a rebuild; then it gets 503 and retries. */
const readerWaitMsMax = 5_000;

/** Queues whose last answered `seq` is remembered. */
const answeredMax = 10_000;

/** How long a queue that does not exist is not looked for again; its first event makes it known before. */
const missingMs = 5_000;

/** First pause between reads while an event is in flight; doubles each time. */
const eventPollMs = 10;

export type Lines = {
  /** Reads places; null if the queue does not exist. Rebuilds the projection first if it is incomplete. */
  places(queueId: string, partyIds: readonly string[]): Promise<Places | null>;
  /** Like `places`, with what a watcher needs; ids are their bytes as Latin-1 text. */
  watched(
    queueId: string,
    partyIds: readonly string[],
  ): Promise<(Line & { parties: (WatchedPlace | null)[] }) | null>;
  /**
   * Reads the neighbours of a place once the projection has every event up to `seq`; null if the queue does not
   * exist.
   */
  neighbours(
    queueId: string,
    partyId: string,
    wanted: { seq: number } & PlaceWanted,
  ): Promise<(Line & { neighbours: Neighbours }) | null>;
  /** Reads a board; null if the queue does not exist. Rebuilds as `places` does. */
  board(queueId: string, calledMax: number): Promise<BoardView | null>;
  /**
   * Brings the projection to `seq`. False if the queue does not exist. Recent events are usually in flight, so the
   * projection is rebuilt (expensive for a long line) only if they have not arrived after a while.
   */
  catchUp(queueId: string, seq: number): Promise<boolean>;
  /** Caches that a party, unknown to the projection at `seq`, had left the line. */
  rememberEnded(queueId: string, party: PartySnapshot, seq: number): Promise<void>;
  /**
   * Applies events of one queue. An incomplete projection is rebuilt, which the answer awaits for at most `waitMs`;
   * until then the events are buffered and count as not applied.
   */
  apply(
    queueId: string,
    events: readonly LineEvent[],
    options: { waitMs: number },
  ): Promise<Applied>;
};

/** Reads and changes projections, rebuilding those that are incomplete or suspect. */
export function createLines(options: {
  projection: Projection;
  rebuild: Rebuild;
  gaps: GapWatch;
  logger: Logger;
  /** How long to wait for events in flight before rebuilding. */
  eventWaitMs: number;
  /** Called on every read and change of a queue. */
  onUse: (queueId: string) => void;
}): Lines {
  const { projection, rebuild, gaps, logger, eventWaitMs, onUse } = options;
  /** Highest `seq` that an answer was based on, by queue. */
  const answered = new LRUCache<string, number>({ max: answeredMax });
  const missing = new LRUCache<string, true>({ max: answeredMax, ttl: missingMs });

  async function catchUp(queueId: string, seq: number): Promise<boolean> {
    const waitEnd = performance.now() + eventWaitMs;
    for (let pauseMs = eventPollMs; performance.now() < waitEnd; pauseMs *= 2) {
      const line = await projection.readPlaces(queueId, []);
      if (!line.isKnown || line.isSuspect) break;
      if (line.seq >= seq) return true;
      await delay(Math.min(pauseMs, eventWaitMs));
    }
    return await rebuildTo(queueId, seq);
  }

  async function rebuildTo(queueId: string, seq: number): Promise<boolean> {
    const rebuilt = await within(readerWaitMsMax, rebuild(queueId, { seq }));
    if (rebuilt === undefined) throw beingRebuilt();
    return rebuilt;
  }

  /** Reads a projection that is whole and trusted, rebuilding it if it is not. */
  async function readWhole<L extends Line>(
    queueId: string,
    read: () => Promise<L | UnknownLine>,
  ): Promise<L | null> {
    onUse(queueId);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const line = await read();
      if (line.isKnown && line.pending > 0) gaps.watch(queueId, line.seq);
      if (line.isKnown && !line.isSuspect) {
        if (line.seq > (answered.get(queueId) ?? -1)) answered.set(queueId, line.seq);
        return line;
      }
      if (!line.isKnown && missing.has(queueId)) return null;
      try {
        if (!(await rebuildTo(queueId, 0))) {
          missing.set(queueId, true);
          return null;
        }
      } catch (error) {
        // A suspect projection may lack its last events, which beats no answer while the queue service is unavailable,
        // unless an earlier answer had them.
        const isQueueServiceOut = error instanceof UpstreamError;
        if (!isQueueServiceOut || !line.isKnown || line.seq < (answered.get(queueId) ?? 0))
          throw error;
        logger.warn({ err: error, queueId }, 'answering from a projection that may be behind');
        return line;
      }
    }
    throw beingRebuilt();
  }

  return {
    places: batchPlaces((queueId, partyIds) =>
      readWhole(queueId, () => projection.readPlaces(queueId, partyIds)),
    ),
    watched: (queueId, partyIds) =>
      readWhole(queueId, () => projection.readWatched(queueId, partyIds)),
    async neighbours(queueId, partyId, { seq, ...wanted }) {
      const read = () => projection.readNeighbours(queueId, partyId, wanted);
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const line = await readWhole(queueId, read);
        if (line === null || line.seq >= seq) return line;
        if (!(await catchUp(queueId, seq))) return null;
      }
      throw beingRebuilt();
    },
    board: (queueId, calledMax) =>
      readWhole(queueId, () => projection.readBoard(queueId, calledMax)),
    catchUp,
    async rememberEnded(queueId, party, seq) {
      try {
        await projection.rememberEnded(queueId, party, seq);
      } catch (error) {
        logger.warn({ err: error, queueId }, 'cannot cache the state of a party that left');
      }
    },
    async apply(queueId, events, { waitMs }) {
      onUse(queueId);
      const applied = await projection.apply(queueId, events);
      if (applied.pending > 0) gaps.watch(queueId, applied.seq);
      if (applied.isKnown) return applied;
      const rebuilding = rebuild(queueId).catch((error: unknown) => {
        logger.warn({ err: error, queueId }, 'cannot rebuild the projection yet');
        return undefined;
      });
      const rebuilt = await within(waitMs, rebuilding);
      if (rebuilt === undefined) return applied;
      if (rebuilt) return projection.apply(queueId, events);
      // The queue is gone, so these places will never be read.
      return {
        ...applied,
        answers: events.map(() => ({ isApplied: true, ahead: null, lane: null, size: null })),
      };
    },
  };
}

const beingRebuilt = () =>
  problems.unavailable({
    detail: 'The line is being loaded. Please try again.',
    retryAfterSeconds: 1,
  });

/** The result of the work, or undefined if it takes longer; the work continues. */
function within<T>(waitMs: number, work: Promise<T>): Promise<T | undefined> {
  return pTimeout<T, undefined>(work, {
    milliseconds: Math.max(1, waitMs),
    fallback: () => undefined,
  });
}

import { setTimeout as delay } from 'node:timers/promises';
import type { PartySnapshot } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { GapWatch } from './gap-watch.ts';
import { placesTogether } from './places-together.ts';
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
} from './projection.ts';
import type { Rebuild } from './rebuild.ts';

const attemptsMax = 5;
/** A guest is told to come again rather than kept waiting longer for a rebuild. */
const readerWaitMsMax = 5_000;

/** Lines of which it is remembered how far they were told. */
const toldMax = 10_000;

/** Between looks at a line for events that are on their way, at first; each time twice as long. */
const eventLookMs = 10;

export type Lines = {
  /** Reads places; null when there is no such queue. Rebuilds the line first when Redis has not all of it. */
  places(queueId: string, partyIds: readonly string[]): Promise<Places | null>;
  /** Reads parties with what following them takes; ids are their bytes as text. As `places` does otherwise. */
  watched(
    queueId: string,
    partyIds: readonly string[],
  ): Promise<(Line & { parties: (WatchedPlace | null)[] }) | null>;
  /**
   * Reads who stands around a place, of a line that knows of every event up to `seq`; null when there is no
   * such queue.
   */
  neighbours(
    queueId: string,
    partyId: string,
    wanted: { seq: number; to: PlaceWanted },
  ): Promise<(Line & { neighbours: Neighbours }) | null>;
  /** Reads a board; null when there is no such queue. Rebuilds as `places` does. */
  board(queueId: string, calledMax: number): Promise<BoardView | null>;
  /**
   * Makes the line know of all events up to `seq`. False when there is no such queue. Events of a moment ago are
   * on their way by themselves: a line, which may be a long one, is rebuilt for their sake only when they have
   * not come for a while.
   */
  catchUp(queueId: string, seq: number): Promise<boolean>;
  /** Notes that a party which the line did not know at `seq` had left it. */
  rememberEnded(queueId: string, party: PartySnapshot, seq: number): Promise<void>;
  /**
   * Applies events of one queue. A line that Redis has not all of is rebuilt, for which the answer waits no
   * longer than `waitMs`; until then the events are kept and count as not applied.
   */
  apply(
    queueId: string,
    events: readonly LineEvent[],
    options: { waitMs: number },
  ): Promise<Applied>;
};

/** The lines as they are to be read: whole, from Redis alone where it knows them. */
export function createLines(given: {
  projection: Projection;
  rebuild: Rebuild;
  gaps: GapWatch;
  logger: Logger;
  /** How long events that are on their way are waited for before a line is rebuilt. */
  eventWaitMs: number;
  /** Called whenever a line is read or changed. */
  onUse: (queueId: string) => void;
}): Lines {
  const { projection, rebuild, gaps, logger, eventWaitMs, onUse } = given;
  /** The last event that an answer knew of, by queue. */
  const told = new Map<string, number>();

  function noteTold(queueId: string, seq: number): void {
    const before = told.get(queueId);
    if (before !== undefined && before >= seq) return;
    if (before === undefined && told.size >= toldMax)
      told.delete(told.keys().next().value as string);
    told.set(queueId, seq);
  }

  async function catchUp(queueId: string, seq: number): Promise<boolean> {
    const waitEnds = performance.now() + eventWaitMs;
    for (let lookMs = eventLookMs; performance.now() < waitEnds; lookMs *= 2) {
      const line = await projection.readPlaces(queueId, []);
      if (!line.isKnown || line.isSuspect) break;
      if (line.seq >= seq) return true;
      await delay(Math.min(lookMs, eventWaitMs));
    }
    return await rebuildTo(queueId, seq);
  }

  async function rebuildTo(queueId: string, seq: number): Promise<boolean> {
    const rebuilt = await within(readerWaitMsMax, rebuild(queueId, { seq }));
    if (rebuilt === undefined) throw beingRebuilt();
    return rebuilt;
  }

  async function whole<L extends Line>(
    queueId: string,
    read: () => Promise<L | UnknownLine>,
  ): Promise<L | null> {
    onUse(queueId);
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const line = await read();
      if (line.isKnown && line.pending > 0) gaps.watch(queueId, line.seq);
      if (line.isKnown && !line.isSuspect) {
        noteTold(queueId, line.seq);
        return line;
      }
      try {
        if (!(await rebuildTo(queueId, 0))) return null;
      } catch (error) {
        if (!line.isKnown || line.seq < (told.get(queueId) ?? 0)) throw error;
        // What may lack its last events is better than nothing while the truth cannot be had, unless they were
        // told already.
        logger.warn({ err: error, queueId }, 'answering from a line that may be behind');
        return line;
      }
    }
    throw beingRebuilt();
  }

  return {
    places: placesTogether((queueId, partyIds) =>
      whole(queueId, () => projection.readPlaces(queueId, partyIds)),
    ),
    watched: (queueId, partyIds) => whole(queueId, () => projection.readWatched(queueId, partyIds)),
    async neighbours(queueId, partyId, { seq, to }) {
      const read = () => projection.readNeighbours(queueId, partyId, to);
      for (let attempt = 1; attempt <= attemptsMax; attempt++) {
        const line = await whole(queueId, read);
        if (line === null || line.seq >= seq) return line;
        if (!(await catchUp(queueId, seq))) return null;
      }
      throw beingRebuilt();
    },
    board: (queueId, calledMax) => whole(queueId, () => projection.readBoard(queueId, calledMax)),
    catchUp,
    async rememberEnded(queueId, party, seq) {
      try {
        await projection.rememberEnded(queueId, party, seq);
      } catch (error) {
        logger.warn({ err: error, queueId }, 'what became of a party is not remembered');
      }
    },
    async apply(queueId, events, { waitMs }) {
      onUse(queueId);
      const applied = await projection.apply(queueId, events);
      if (applied.pending > 0) gaps.watch(queueId, applied.seq);
      if (applied.isKnown) return applied;
      const rebuilding = rebuild(queueId).catch((error: unknown) => {
        logger.warn({ err: error, queueId }, 'the line could not be rebuilt yet');
        return undefined;
      });
      const rebuilt = await within(waitMs, rebuilding);
      if (rebuilt === undefined) return applied;
      if (rebuilt) return projection.apply(queueId, events);
      // Nobody will ever ask for a place in a queue that is gone.
      return {
        ...applied,
        answers: events.map(() => ({ isApplied: true, ahead: null, lane: null })),
      };
    },
  };
}

const beingRebuilt = () =>
  problems.unavailable({
    detail: 'The line is being loaded. Please try again.',
    retryAfterSeconds: 1,
  });

/** What the work gives, or undefined when it takes longer; it goes on all the same. */
async function within<T>(waitMs: number, work: Promise<T>): Promise<T | undefined> {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(waitMs, undefined, { signal: waiting.signal }).catch(() => undefined),
    ]);
  } finally {
    waiting.abort();
  }
}

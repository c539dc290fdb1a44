import { setTimeout as delay } from 'node:timers/promises';
import { getVenueChanges, getVenueQueues } from '@queue-manager/contracts/internal';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import { limits } from '@queue-manager/contracts/values';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isProblem } from '@queue-manager/service-kit/problems';
import type { Subscriptions } from '@queue-manager/service-kit/subscriptions';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import { venueChannel } from '../projection/line-keys.ts';
import { eventOf } from './event-streams.ts';
import type { EventReader, Following } from './line-events.ts';
import { queueInId, type ResumePoint, venueEventId } from './venue-event-id.ts';

/** Events per read for all followers. */
const readMax = 1_000;
/** Events per read for one follower that is behind; about as much as one write. */
const pageMax = 50;
const writeCharsMax = 32 * 1024;
/** Recent events of each queue kept in memory for slow followers. */
const recentMax = 200;
const retryMsMin = 100;
const retryMsMax = 5_000;
const defaultPollMs = 5_000;

export type VenueEvents = {
  /**
   * Follows a venue: the occupancy and the state of every queue, at first and whenever they change, and the events of
   * parties after `resume`, or from now on. Null if the venue does not exist.
   */
  follow(venueId: string, resume: ResumePoint | null): Promise<Following | null>;
  close(): void;
};

/** A serialised event; empty for an event of the queue itself, which its state stands for. */
type EventText = { seq: number; text: string };

/** A queue as read from the queue service. */
type QueueTail = {
  /** Last event read; `recent` holds it and those before it, without gaps. */
  seq: number;
  recent: EventText[];
  /** The queue as of the event `stateSeq`, serialised. */
  state: string;
  stateSeq: number;
  isDeleted: boolean;
};

/** What was written to a follower of a queue: its events up to `seq`, as in ids, and its state as of `stateSeq`. */
type Sent = { seq: number; stateSeq: number; inId: string };

type Follower = {
  /** Null before it begins. */
  reader: EventReader | null;
  /** By queue, in the order of the latest write. */
  sent: Map<string, Sent>;
  occupancy: string;
  /** Queues that were deleted before this process followed the venue. */
  gone: string[];
  /** Events older than those kept are being read for this follower alone. */
  isPaging: boolean;
  isStopped: boolean;
};

type Tail = {
  readonly venueId: string;
  readonly followers: Set<Follower>;
  /** False if the venue does not exist. */
  started: Promise<boolean>;
  readonly queues: Map<string, QueueTail>;
  /** Serialised. */
  occupancy: string;
  /** Whether all queues were read once. */
  hasBegun: boolean;
  /** Whether to read at all, which queues, and whether to look for others that have changed. */
  isDue: boolean;
  readonly changed: Set<string>;
  isAllDue: boolean;
  isReading: boolean;
  /** The venue was deleted, or its history was replaced: nothing further will come. */
  isOver: boolean;
  polling: NodeJS.Timeout | undefined;
};

/**
 * Follows venues as stored by the queue service. Each process reads a venue once for all followers: what a message on
 * the venue's channel names, and everything every few seconds in case a message was lost. Followers that are behind,
 * after a reconnect or because they are slow, catch up at their own pace.
 */
export function createVenueEvents(options: {
  subscriptions: Pick<Subscriptions, 'add' | 'remove'>;
  queueService: InternalClient;
  logger: Logger;
  /** 5 s by default. */
  pollMs?: number | undefined;
}): VenueEvents {
  const { subscriptions, queueService, logger, pollMs = defaultPollMs } = options;
  const tails = new Map<string, Tail>();

  function tailOf(venueId: string): Tail {
    const known = tails.get(venueId);
    if (known !== undefined) return known;
    const tail: Tail = {
      venueId,
      followers: new Set(),
      started: Promise.resolve(false),
      queues: new Map(),
      occupancy: '',
      hasBegun: false,
      isDue: true,
      changed: new Set(),
      isAllDue: true,
      // Until it has begun, which does not retry.
      isReading: true,
      isOver: false,
      polling: undefined,
    };
    tails.set(venueId, tail);
    tail.started = runInContext({}, () => begin(tail));
    // Callers handle the rejection, too.
    tail.started.catch(() => forget(tail));
    return tail;
  }

  async function begin(tail: Tail): Promise<boolean> {
    await subscriptions.add(venueChannel(tail.venueId), {
      onMessage(message) {
        if (message.length > 0) tail.changed.add(message.toString());
        tail.isDue = true;
        read(tail);
      },
      onRenewed: () => readAll(tail),
    });
    try {
      while (tail.isDue) await readOnce(tail);
    } catch (error) {
      if (!isProblem(error, 'not-found')) throw error;
      forget(tail);
      return false;
    }
    tail.hasBegun = true;
    tail.isReading = false;
    tail.polling = setInterval(() => readAll(tail), pollMs);
    tail.polling.unref();
    return true;
  }

  function forget(tail: Tail): void {
    if (tails.get(tail.venueId) !== tail) return;
    tails.delete(tail.venueId);
    clearInterval(tail.polling);
    subscriptions.remove(venueChannel(tail.venueId));
  }

  function leave(tail: Tail, follower: Follower): void {
    follower.isStopped = true;
    tail.followers.delete(follower);
    if (tail.followers.size === 0) forget(tail);
  }

  function changesAfter(
    venueId: string,
    after: { queueId: string; seq: number | null }[],
    limit: number,
  ) {
    return queueService.call(getVenueChanges, { params: { venueId }, body: { after, limit } });
  }

  function readAll(tail: Tail): void {
    tail.isDue = tail.isAllDue = true;
    read(tail);
  }

  function read(tail: Tail): void {
    if (tail.isReading || !tail.isDue || tails.get(tail.venueId) !== tail) return;
    tail.isReading = true;
    void runInContext({}, () => readUntilDone(tail)).finally(() => {
      tail.isReading = false;
      for (const follower of tail.followers) give(tail, follower);
      read(tail);
    });
  }

  /** Reads for all followers until there is nothing more. */
  async function readUntilDone(tail: Tail): Promise<void> {
    let waitMs = retryMsMin;
    while (tail.isDue && tails.get(tail.venueId) === tail) {
      try {
        await readOnce(tail);
        waitMs = retryMsMin;
        for (const follower of tail.followers) give(tail, follower);
      } catch (error) {
        if (isProblem(error, 'not-found')) {
          end(tail);
        } else {
          logger.warn({ err: error, venueId: tail.venueId }, 'cannot read a venue yet');
          await delay(waitMs, undefined, { ref: false });
          waitMs = Math.min(2 * waitMs, retryMsMax);
        }
      }
    }
  }

  /** Reads what is due, or a part of it. What is reported meanwhile is due again. */
  async function readOnce(tail: Tail): Promise<void> {
    if (tail.isAllDue) {
      const params = { venueId: tail.venueId };
      tail.isAllDue = false;
      try {
        const { queues } = await queueService.call(getVenueQueues, { params });
        noteQueues(tail, queues);
      } catch (error) {
        tail.isAllDue = true;
        throw error;
      }
    }
    const asked = [...tail.changed].slice(0, limits.queuesPerReadMax);
    for (const queueId of asked) tail.changed.delete(queueId);
    tail.isDue = tail.changed.size > 0;
    try {
      // A queue that is new later on is new for all followers: they get all its events.
      const seqIfNew = tail.hasBegun ? 0 : null;
      const after = asked.map((queueId) => ({
        queueId,
        seq: tail.queues.get(queueId)?.seq ?? seqIfNew,
      }));
      const { occupancy, queues, events } = await changesAfter(tail.venueId, after, readMax);
      for (const event of events) noteEvent(tail, event);
      for (const queue of queues) noteState(tail, queue);
      tail.occupancy = eventOf('occupancy', JSON.stringify(occupancy));
      // Perhaps not all events fitted.
      if (events.length === readMax) makeDue(tail, asked);
    } catch (error) {
      makeDue(tail, asked);
      throw error;
    }
  }

  function makeDue(tail: Tail, queueIds: readonly string[]): void {
    tail.isDue = true;
    for (const queueId of queueIds) tail.changed.add(queueId);
  }

  /** Marks the queues that differ from what was read of them as changed. */
  function noteQueues(tail: Tail, queues: readonly { queueId: string; seq: number }[]): void {
    const seqs = new Map(queues.map(({ queueId, seq }) => [queueId, seq]));
    for (const [queueId, seq] of seqs) {
      if (tail.queues.get(queueId)?.seq !== seq) tail.changed.add(queueId);
    }
    for (const [queueId, { isDeleted }] of tail.queues) {
      if (seqs.has(queueId)) continue;
      if (!isDeleted) tail.changed.add(queueId);
      else if (![...tail.followers].some(({ sent }) => sent.has(queueId)))
        tail.queues.delete(queueId);
    }
  }

  function noteEvent(tail: Tail, event: VenueEvent): void {
    const queue = tail.queues.get(event.queueId) ?? newQueue();
    tail.queues.set(event.queueId, queue);
    queue.seq = event.seq;
    queue.recent.push(textOf(event));
    if (queue.recent.length > recentMax) queue.recent = queue.recent.slice(-recentMax / 2);
  }

  function noteState(tail: Tail, state: VenueQueue): void {
    const queue = tail.queues.get(state.id) ?? newQueue();
    if (state.seq < queue.seq) {
      // As after a restore from a backup. New events reuse the numbers of those sent, so clients start over.
      logger.warn({ queueId: state.id, read: queue.seq }, "a queue's history was replaced");
      end(tail);
      return;
    }
    tail.queues.set(state.id, queue);
    queue.seq = queue.stateSeq = state.seq;
    queue.isDeleted = state.deleted;
    queue.state = eventOf('queue', JSON.stringify(state));
  }

  /** Nothing further will come. The next follower starts anew. */
  function end(tail: Tail): void {
    tail.isOver = true;
    forget(tail);
  }

  /** Writes what a follower lacks, one chunk per tick, as long as it is ready. */
  function give(tail: Tail, follower: Follower): void {
    const { reader } = follower;
    if (reader === null || follower.isStopped || follower.isPaging || !reader.isReady()) return;
    let text = '';
    const add = (event: string) => {
      text += withId(tail, follower, event);
    };
    if (follower.occupancy !== tail.occupancy) {
      follower.occupancy = tail.occupancy;
      add(tail.occupancy);
    }
    for (const event of follower.gone.splice(0)) add(event);
    for (const [queueId, queue] of tail.queues) {
      if (text.length >= writeCharsMax) break;
      const sent = sentOf(follower, queueId, queue);
      if (sent === null) continue;
      if (sent.seq < oldestOf(queue) - 1) {
        if (text !== '') break;
        void runInContext({}, () => givePage(tail, follower, reader, queueId));
        return;
      }
      text += eventsFor(tail, follower, queueId, queue.recent, text.length);
      if (sent.seq !== queue.stateSeq || sent.stateSeq === queue.stateSeq) continue;
      sent.stateSeq = queue.stateSeq;
      moveLast(follower.sent, queueId);
      if (queue.isDeleted) follower.sent.delete(queueId);
      add(queue.state);
    }
    if (text !== '') {
      reader.write(text);
      continueNextTick(tail, follower);
    } else if (tail.isOver && !tail.isReading) {
      reader.end();
    }
  }

  function continueNextTick(tail: Tail, follower: Follower): void {
    // By then the write has left, unless the reader is slow and calls `resume` later.
    setImmediate(() => give(tail, follower));
  }

  async function givePage(
    tail: Tail,
    follower: Follower,
    reader: EventReader,
    queueId: string,
  ): Promise<void> {
    const queue = tail.queues.get(queueId) as QueueTail;
    const sent = follower.sent.get(queueId) as Sent;
    follower.isPaging = true;
    try {
      const after = [{ queueId, seq: sent.seq }];
      const { events } = await changesAfter(tail.venueId, after, pageMax);
      if (follower.isStopped) return;
      const text = eventsFor(tail, follower, queueId, events.map(textOf), 0);
      if (text !== '') reader.write(text);
      // These events are gone: skip to those kept.
      if (events.length === 0) setSeq(sent, queueId, oldestOf(queue) - 1);
    } catch (error) {
      logger.warn({ err: error, queueId }, 'cannot read past events yet');
      await delay(retryMsMin, undefined, { ref: false });
    } finally {
      follower.isPaging = false;
    }
    continueNextTick(tail, follower);
  }

  /** Where a follower starts: in each queue at the event it has, at the first of a new queue, or now. */
  async function start(tail: Tail, follower: Follower, resume: ResumePoint | null): Promise<void> {
    const isUnknown = (queueId: string) => !tail.queues.has(queueId);
    const unknown = [...(resume?.seqs.keys() ?? [])].filter(isUnknown);
    if (unknown.length > 0) {
      const after = unknown.map((queueId) => ({ queueId, seq: null }));
      const { queues } = await changesAfter(tail.venueId, after, 1);
      follower.gone = queues
        .filter(({ deleted }) => deleted)
        .map((queue) => eventOf('queue', JSON.stringify(queue)));
    }
    const seqIfNew = resume === null || resume.isFull ? Number.POSITIVE_INFINITY : 0;
    for (const [queueId, queue] of tail.queues) {
      const resumed = resume?.seqs.get(queueId);
      if (queue.isDeleted && resumed === undefined) continue;
      follower.sent.set(queueId, newSent(queueId, Math.min(resumed ?? seqIfNew, queue.seq)));
    }
  }

  return {
    async follow(venueId, resume) {
      const tail = tailOf(venueId);
      const follower: Follower = {
        reader: null,
        sent: new Map(),
        occupancy: '',
        gone: [],
        isPaging: false,
        isStopped: false,
      };
      tail.followers.add(follower);
      try {
        if (!(await tail.started)) return null;
        await start(tail, follower, resume);
      } catch (error) {
        leave(tail, follower);
        throw error;
      }
      return {
        first: '',
        begin(reader) {
          follower.reader = reader;
          give(tail, follower);
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

function newQueue(): QueueTail {
  return { seq: 0, recent: [], state: '', stateSeq: -1, isDeleted: false };
}

function newSent(queueId: string, seq: number): Sent {
  return { seq, stateSeq: -1, inId: queueInId(queueId, seq) };
}

function setSeq(sent: Sent, queueId: string, seq: number): void {
  sent.seq = seq;
  sent.inId = queueInId(queueId, seq);
}

/** What a follower has of a queue, which may be new; null if it has the end of a deleted one. */
function sentOf(follower: Follower, queueId: string, queue: QueueTail): Sent | null {
  const known = follower.sent.get(queueId);
  if (known !== undefined || queue.isDeleted) return known ?? null;
  const sent = newSent(queueId, 0);
  follower.sent.set(queueId, sent);
  return sent;
}

/** The event before which a queue's events must be read again. */
function oldestOf(queue: QueueTail): number {
  return queue.recent[0]?.seq ?? queue.seq + 1;
}

/** One chunk of the events that a follower lacks, which counts as sent. */
function eventsFor(
  tail: Tail,
  follower: Follower,
  queueId: string,
  events: readonly EventText[],
  charsBefore: number,
): string {
  const sent = follower.sent.get(queueId) as Sent;
  let text = '';
  let at = events.length;
  while (at > 0 && (events[at - 1] as EventText).seq > sent.seq) at -= 1;
  if (at < events.length) moveLast(follower.sent, queueId);
  for (; at < events.length && charsBefore + text.length < writeCharsMax; at++) {
    const event = events[at] as EventText;
    setSeq(sent, queueId, event.seq);
    if (event.text !== '') text += withId(tail, follower, event.text);
  }
  return text;
}

function withId(tail: Tail, follower: Follower, event: string): string {
  const queues = Array.from(follower.sent.values(), ({ inId }) => inId);
  return `id: ${venueEventId(tail.venueId, queues)}\n${event}`;
}

function moveLast<V>(map: Map<string, V>, key: string): void {
  const value = map.get(key) as V;
  map.delete(key);
  map.set(key, value);
}

function textOf(event: VenueEvent): EventText {
  const text = event.partyId === null ? '' : eventOf('party', JSON.stringify(event));
  return { seq: event.seq, text };
}

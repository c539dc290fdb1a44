import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { batched } from '@queue-manager/service-kit/limits/batched';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage, isProblem, Problem } from '@queue-manager/service-kit/problems';
import type { Subscriptions } from '@queue-manager/service-kit/subscriptions';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { FoundPlace } from '../lines/find-place.ts';
import type { Lines } from '../lines/lines.ts';
import { changesChannel } from '../projection/line-keys.ts';
import type { Line } from '../projection/projection.ts';
import {
  advance,
  applyOwn,
  type Change,
  type Changes,
  readMessage,
  type Standing,
  shiftsOf,
} from './changes.ts';

/** Minimum interval between notifications about the places of a queue. */
const flushMs = 100;
/** Notifications per tick, so that a party being called does not wait for a crowd. */
const notifyMax = 200;
/** Parties per read. */
const readMax = 1_000;
/** How long an unwatched queue is still followed, because phones reconnect. */
const lingerMs = 5_000;
const retryMsMin = 100;
const retryMsMax = 5_000;
/** How often a queue's `seq` is compared with Redis, in case a subscription has silently stopped working. */
const defaultCheckMs = 10_000;
const concurrentFindsMax = 8;

type PartyListener = {
  /** The party's state or position, or the number waiting, has changed. */
  onPosition(standing: Readonly<Standing>): void;
  /**
   * The watch has ended: the party does not exist any more, or the queue's history was replaced. Parties of a deleted
   * queue still exist, in their last state.
   */
  onGone(): void;
};

type LineListener = {
  /** The queue has advanced to `seq`. Called on every change, but may skip numbers. */
  onSeq(seq: number): void;
  /** The watch has ended: the queue does not exist any more, or its history was replaced. */
  onGone(): void;
};

export type WatchedParty = {
  /** Kept up to date. */
  standing: Readonly<Standing>;
  stop(): void;
};

export type WatchedLine = {
  /** As of the start of the watch. */
  seq: number;
  stop(): void;
};

export type LineWatch = {
  /** Null if the party does not exist. */
  watchParty(subject: TicketSubject, listener: PartyListener): Promise<WatchedParty | null>;
  /** Null if the queue does not exist. */
  watchLine(queueId: string, listener: LineListener): Promise<WatchedLine | null>;
  close(): void;
};

type Watched = Standing & {
  listeners: PartyListener[];
  /** What its listeners were notified of. */
  sentState: string;
  sentAhead: number;
  sentWaiting: number;
  /** The first read, while it runs. */
  reading: Promise<boolean> | null;
};

type Hub = {
  readonly queueId: string;
  readonly channel: string;
  subscribed: Promise<void>;
  readonly parties: Map<string, Watched>;
  readonly listeners: Set<LineListener>;
  /** The first read of a party, batched; false if the projection does not know the party. */
  readonly readFirst: (party: Watched) => Promise<boolean>;
  /** Number of watches; the hub closes after the last. */
  users: number;
  /** Last change received. */
  seq: number;
  isGone: boolean;
  /** Changes after `base`, not yet applied to all parties. A party whose `seq` is before `base` must be read again. */
  log: Changes[];
  base: number;
  /** Changes since the start of the oldest running read, to apply to its result. */
  kept: Changes[];
  /** Number of running reads. */
  reads: number;
  flushing: NodeJS.Timeout | null;
  isNotifying: boolean;
  notifiedAt: number;
  isSyncing: boolean;
  needsAll: boolean;
  lingering: NodeJS.Timeout | null;
  /** `seq` in Redis at the last check, if that was ahead of the changes received; else 0. */
  checkedSeq: number;
  /** `seq` of the last read. */
  readSeq: number;
};

/**
 * Watches queues with one subscription per queue and process, however many watchers there are. A hub holds only the
 * watched parties, each as of some `seq`. Changes of other parties shift them by comparing places, without a read of
 * Redis. If changes were missed, the parties are read again.
 */
export function createLineWatch(options: {
  subscriptions: Subscriptions;
  lines: Lines;
  /** Finds a party that the projection does not know; throws `not-found`. */
  findPlace: (subject: TicketSubject) => Promise<FoundPlace>;
  onStreamEvicted: (streamId: string) => void;
  /** A process asks which processes hold streams of a queue. */
  onHoldersAsked: (queueId: string, question: string) => void;
  logger: Logger;
  /** 10 s by default. */
  checkMs?: number | undefined;
}): LineWatch {
  const { subscriptions, lines, findPlace, onStreamEvicted, onHoldersAsked, logger } = options;
  const hubs = new Map<string, Hub>();
  let isClosed = false;

  const { checkMs = defaultCheckMs } = options;
  const checking = setInterval(() => runInContext({}, checkAll), checkMs);
  checking.unref();

  function hubOf(queueId: string): Hub {
    const known = hubs.get(queueId);
    if (known !== undefined) return known;
    const hub: Hub = {
      queueId,
      channel: changesChannel(queueId),
      subscribed: Promise.resolve(),
      parties: new Map(),
      listeners: new Set(),
      readFirst: batched((parties) => keepingChanges(hub, () => read(hub, parties)), {
        max: readMax,
      }),
      users: 0,
      seq: 0,
      isGone: false,
      log: [],
      base: 0,
      kept: [],
      reads: 0,
      flushing: null,
      isNotifying: false,
      notifiedAt: Number.NEGATIVE_INFINITY,
      isSyncing: false,
      needsAll: false,
      lingering: null,
      checkedSeq: 0,
      readSeq: 0,
    };
    hubs.set(queueId, hub);
    hub.subscribed = runInContext({}, () =>
      subscriptions.add(hub.channel, {
        onMessage: (message) => onMessage(hub, message),
        onRenewed: () => resync(hub),
      }),
    );
    // Callers handle the rejection, too.
    hub.subscribed.catch(() => forget(hub));
    return hub;
  }

  function enter(queueId: string): Hub {
    // Ids are case-insensitive, and a channel has one subscriber.
    const hub = hubOf(queueId.toLowerCase());
    hub.users += 1;
    if (hub.lingering !== null) clearTimeout(hub.lingering);
    hub.lingering = null;
    return hub;
  }

  function leave(hub: Hub): void {
    hub.users -= 1;
    if (hub.users > 0 || hubs.get(hub.queueId) !== hub) return;
    hub.lingering = setTimeout(() => forget(hub), lingerMs);
    hub.lingering.unref();
  }

  function forget(hub: Hub): void {
    if (hubs.get(hub.queueId) !== hub) return;
    hubs.delete(hub.queueId);
    if (hub.flushing !== null) clearTimeout(hub.flushing);
    if (hub.lingering !== null) clearTimeout(hub.lingering);
    subscriptions.remove(hub.channel);
  }

  function begin(hub: Hub, id: string): Watched {
    const party: Watched = {
      id,
      state: 'waiting',
      place: '',
      size: null,
      ahead: -1,
      waiting: 0,
      seq: -1,
      listeners: [],
      sentState: '',
      sentAhead: -1,
      sentWaiting: 0,
      reading: null,
    };
    hub.parties.set(id, party);
    const readIt = async () => {
      try {
        const isFound =
          (await hub.readFirst(party)) ||
          (await keepingChanges(hub, () => findElsewhere(hub, party)));
        party.reading = null;
        if (!isFound) hub.parties.delete(id);
        else if (party.seq < hub.base) readAgain(hub);
        noteSent(party);
        return isFound;
      } catch (error) {
        hub.parties.delete(id);
        throw error;
      }
    };
    party.reading = readIt();
    return party;
  }

  function onMessage(hub: Hub, bytes: Buffer): void {
    if (hubs.get(hub.queueId) !== hub) return;
    const message = readMessage(bytes);
    if ('ended' in message) onStreamEvicted(message.ended);
    else if ('holders' in message) onHoldersAsked(hub.queueId, message.holders);
    else if ('reset' in message) onReset(hub, message.seq);
    else if (message.seq > hub.seq) onChanges(hub, message);
  }

  function onReset(hub: Hub, seq: number): void {
    hub.base = hub.seq = Math.max(hub.seq, seq);
    hub.log = [];
    notifySeq(hub);
    resync(hub);
  }

  function onChanges(hub: Hub, message: Changes): void {
    if (message.after > hub.seq) {
      // Changes were missed: parties before them must be read again.
      hub.base = message.after;
      hub.log = [];
    }
    hub.seq = message.seq;
    hub.log.push(message);
    if (hub.reads > 0) hub.kept.push(message);
    message.changes.forEach((change, index) => {
      onOwnChange(hub, message, change, index);
    });
    notifySeq(hub);
    scheduleFlush(hub);
  }

  /** Notifies the party that was called, seated, moved, … at once, before the flush. */
  function onOwnChange(hub: Hub, message: Changes, change: Change, index: number): void {
    if (change.deleted !== undefined) hub.isGone = change.deleted;
    // Whoever is still in the line counts as removed now.
    if (change.deleted === true) resync(hub);
    const party = change.id === undefined ? undefined : hub.parties.get(change.id);
    if (party === undefined || change.seq <= party.seq) return;
    if (applyOwn(party, message, index) || advance(party, hub.log)) notify(party);
  }

  function notifySeq(hub: Hub): void {
    for (const listener of hub.listeners) listener.onSeq(hub.seq);
  }

  /** Flushes at once after a quiet time, else at the next interval. */
  function scheduleFlush(hub: Hub): void {
    if (hub.flushing !== null || hub.isNotifying || isClosed) return;
    const waitMs = Math.ceil(hub.notifiedAt + flushMs - performance.now());
    hub.flushing = setTimeout(
      () => {
        hub.flushing = null;
        runInContext({}, () => flush(hub)).catch((error: unknown) =>
          logger.error({ err: error, queueId: hub.queueId }, 'cannot notify watchers'),
        );
      },
      Math.max(0, waitMs),
    );
  }

  /** Applies the log to all parties, and notifies those that it affects. */
  async function flush(hub: Hub): Promise<void> {
    hub.isNotifying = true;
    try {
      const isBehind = applyLog(hub);
      if (isBehind) readAgain(hub);
      let notified = 0;
      for (const party of [...hub.parties.values()]) {
        if (party.seq < hub.base || !hasNews(party)) continue;
        notify(party);
        notified += 1;
        if (notified % notifyMax === 0) await nextTick();
      }
    } finally {
      hub.isNotifying = false;
      hub.notifiedAt = performance.now();
    }
    if (hub.log.length > 0) scheduleFlush(hub);
    // Watches of the queue's parties stay open, and show their final state as polling does.
    else if (hub.isGone) for (const listener of [...hub.listeners]) listener.onGone();
  }

  /** Applies the log to all parties. True if some are too far behind for that. */
  function applyLog(hub: Hub): boolean {
    const { log, base, seq } = hub;
    const shiftOf = shiftsOf(log);
    const waiting = log.at(-1)?.waiting ?? 0;
    let isBehind = false;
    for (const party of hub.parties.values()) {
      if (party.seq === base && log.length > 0) {
        if (party.ahead >= 0) party.ahead += shiftOf(party.place);
        party.seq = seq;
        party.waiting = waiting;
      } else if (party.seq > base) {
        advance(party, log);
      } else if (party.seq < base && party.reading === null) {
        isBehind = true;
      }
    }
    hub.base = seq;
    hub.log = [];
    return isBehind;
  }

  function hasNews(party: Watched): boolean {
    return (
      party.ahead !== party.sentAhead ||
      party.waiting !== party.sentWaiting ||
      party.state !== party.sentState
    );
  }

  function noteSent(party: Watched): void {
    party.sentState = party.state;
    party.sentAhead = party.ahead;
    party.sentWaiting = party.waiting;
  }

  function notify(party: Watched): void {
    noteSent(party);
    for (const listener of party.listeners) listener.onPosition(party);
  }

  /** Reads all parties again: the projection was rebuilt, or changes may have been missed. */
  function resync(hub: Hub): void {
    hub.needsAll = true;
    readAgain(hub);
  }

  /** Reads the parties before `base`, or all, until none is behind. */
  function readAgain(hub: Hub): void {
    if (hub.isSyncing) return;
    hub.isSyncing = true;
    void runInContext({}, () => readUntilDone(hub)).finally(() => {
      hub.isSyncing = false;
    });
  }

  async function readUntilDone(hub: Hub): Promise<void> {
    for (let waitMs = retryMsMin; ; waitMs = Math.min(2 * waitMs, retryMsMax)) {
      const { needsAll } = hub;
      hub.needsAll = false;
      const behind = [...hub.parties.values()].filter(
        (party) => party.reading === null && (needsAll || party.seq < hub.base),
      );
      if (!needsAll && behind.length === 0) return;
      try {
        const receivedSeq = hub.seq;
        let seq = Number.POSITIVE_INFINITY;
        // At least once, even without parties, to learn the queue's `seq`.
        for (let at = 0; at === 0 || at < behind.length; at += readMax) {
          await readAndFind(hub, behind.slice(at, at + readMax));
          seq = Math.min(seq, hub.readSeq);
        }
        if (needsAll && seq < receivedSeq) return restart(hub);
        // The missed changes are in what was read; continue from there.
        if (needsAll && hub.log.length === 0 && seq > hub.seq) hub.base = hub.seq = seq;
        if (behind.every((party) => party.seq >= hub.base) && !hub.needsAll) {
          scheduleFlush(hub);
          return;
        }
      } catch (error) {
        hub.needsAll ||= needsAll;
        const level = isOutage(error) || error instanceof Problem ? 'warn' : 'error';
        logger[level]({ err: error, queueId: hub.queueId }, 'cannot read a watched queue yet');
      }
      scheduleFlush(hub);
      await delay(waitMs, undefined, { ref: false });
      if (hubs.get(hub.queueId) !== hub || isClosed) return;
    }
  }

  /** Reads parties from the projection, or from the queue service if it does not know them. */
  function readAndFind(hub: Hub, parties: readonly Watched[]): Promise<void> {
    return keepingChanges(hub, async () => {
      const isKnown = await read(hub, parties);
      const unknown = parties.filter((_, index) => !isKnown[index]);
      for (let at = 0; at < unknown.length; at += concurrentFindsMax) {
        await Promise.all(
          unknown.slice(at, at + concurrentFindsMax).map(async (party) => {
            if (!(await findElsewhere(hub, party))) drop(hub, party);
          }),
        );
      }
    });
  }

  function drop(hub: Hub, party: Watched): void {
    if (hub.parties.get(party.id) === party) hub.parties.delete(party.id);
    for (const listener of [...party.listeners]) listener.onGone();
  }

  /** Keeps the changes that arrive during a read. */
  async function keepingChanges<T>(hub: Hub, work: () => Promise<T>): Promise<T> {
    hub.reads += 1;
    try {
      return await work();
    } finally {
      hub.reads -= 1;
      if (hub.reads === 0) hub.kept = [];
    }
  }

  /** For each party, whether the projection knows it. */
  async function read(hub: Hub, parties: readonly Watched[]): Promise<boolean[]> {
    const line = await lines.watched(
      hub.queueId,
      parties.map(({ id }) => id),
    );
    if (line === null || line.isDeleted) {
      hub.isGone = true;
      scheduleFlush(hub);
    }
    if (line === null) {
      hub.readSeq = hub.seq;
      return parties.map(() => false);
    }
    noteLine(hub, line);
    return parties.map((party, index) => {
      const place = line.parties[index] ?? null;
      if (place === null) return false;
      settle(hub, party, {
        state: place.state,
        place: place.place ?? '',
        size: place.size,
        ahead: place.ahead ?? -1,
        waiting: line.waiting,
        seq: line.seq,
      });
      return true;
    });
  }

  function noteLine(hub: Hub, line: Line): void {
    hub.readSeq = line.seq;
    if (line.seq < hub.seq) return;
    // The first read: changes continue from here.
    if (hub.seq === 0) hub.base = hub.seq = line.seq;
    for (const listener of hub.listeners) listener.onSeq(line.seq);
  }

  /** Finds a party that the projection does not know, usually one that left. False if it does not exist. */
  async function findElsewhere(hub: Hub, party: Watched): Promise<boolean> {
    try {
      const partyId = bytesToUuid(Buffer.from(party.id, 'latin1'));
      const { state, ahead, waiting, seq } = await findPlace({ queueId: hub.queueId, partyId });
      // It is in the line after all: read it with its place.
      if (ahead !== null) {
        await read(hub, [party]);
      } else {
        settle(hub, party, { state, place: '', size: null, ahead: -1, waiting, seq });
      }
      return true;
    } catch (error) {
      if (isProblem(error, 'not-found')) return false;
      throw error;
    }
  }

  /**
   * The projection is behind the changes received, so these never happened according to MySQL (restored from a backup,
   * say), and new events reuse their numbers. Everything sent may be wrong: end all watches, so that clients start
   * over.
   */
  function restart(hub: Hub): void {
    logger.warn({ queueId: hub.queueId, received: hub.seq }, "a queue's history was replaced");
    forget(hub);
    const parties = [...hub.parties.values()];
    hub.parties.clear();
    for (const party of parties) drop(hub, party);
    for (const listener of [...hub.listeners]) listener.onGone();
  }

  /** Applies what was read, and the changes since. Does nothing if the party is newer. */
  function settle(hub: Hub, party: Watched, read: Omit<Standing, 'id'>): void {
    if (read.seq < party.seq) return;
    Object.assign(party, read);
    advance(party, hub.kept);
  }

  /** Reconnects if Redis is ahead of the changes received in two checks in a row: the subscription is broken. */
  async function checkAll(): Promise<void> {
    for (const hub of [...hubs.values()]) {
      try {
        const line = await lines.watched(hub.queueId, []);
        const isAhead = line !== null && line.seq > hub.seq;
        if (isAhead && hub.checkedSeq > hub.seq) {
          logger.warn({ queueId: hub.queueId }, 'changes did not arrive: reconnecting');
          hub.checkedSeq = 0;
          subscriptions.reconnect();
          return;
        }
        hub.checkedSeq = isAhead ? line.seq : 0;
      } catch {
        // Redis is unavailable; its connections recover by themselves.
      }
    }
  }

  return {
    async watchParty({ queueId, partyId }, listener) {
      const hub = enter(queueId);
      try {
        await hub.subscribed;
        const id = uuidToBytes(partyId).toString('latin1');
        let party: Watched;
        do {
          party = hub.parties.get(id) ?? begin(hub, id);
          if (party.reading !== null && !(await party.reading)) {
            leave(hub);
            return null;
          }
          // Its other watchers may have stopped meanwhile, which removed it from the hub.
        } while (hub.parties.get(id) !== party);
        party.listeners.push(listener);
        return {
          standing: party,
          stop() {
            const index = party.listeners.indexOf(listener);
            if (index === -1) return;
            party.listeners.splice(index, 1);
            if (party.listeners.length === 0 && hub.parties.get(id) === party) {
              hub.parties.delete(id);
            }
            leave(hub);
          },
        };
      } catch (error) {
        leave(hub);
        throw error;
      }
    },
    async watchLine(queueId, listener) {
      const hub = enter(queueId);
      try {
        await hub.subscribed;
        const line = await lines.watched(queueId, []);
        if (line === null || line.isDeleted) {
          leave(hub);
          return null;
        }
        noteLine(hub, line);
        hub.listeners.add(listener);
        return {
          seq: Math.max(line.seq, hub.seq),
          stop() {
            if (hub.listeners.delete(listener)) leave(hub);
          },
        };
      } catch (error) {
        leave(hub);
        throw error;
      }
    },
    close() {
      isClosed = true;
      clearInterval(checking);
      for (const hub of [...hubs.values()]) forget(hub);
    },
  };
}

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { batched } from '@queue-manager/service-kit/batched';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage, isProblem, Problem } from '@queue-manager/service-kit/problems';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import { runInContext } from '@queue-manager/service-kit/trace-context';
import type { Found } from '../get-position.ts';
import { changesChannel } from '../line-keys.ts';
import type { Lines } from '../lines.ts';
import type { Line } from '../projection.ts';
import {
  advance,
  applyOwn,
  type Change,
  type Changes,
  readMessage,
  type Standing,
  shiftsOf,
} from './changes.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Changes of place are told at most this often. */
const tickMs = 100;
/** After so many are told, whatever else has come is looked at: a party that is called does not wait for a crowd. */
const turnMax = 200;
/** As many parties are read at once. */
const readMax = 1_000;
/** A line that nobody watches any more is still followed for a while: phones come back. */
const lingerMs = 5_000;
const retryMsMin = 100;
const retryMsMax = 5_000;
/** How often a line is compared with Redis, in case that a subscription is silent without being lost. */
const usualCheckMs = 10_000;
const findTogetherMax = 8;

export type PartyListener = {
  /** The party's state, place or line is another than it was told. */
  onPosition(standing: Readonly<Standing>): void;
  /**
   * What was told is not to go on: there is no such party any more, or its line has another past than was heard.
   * One of a deleted queue is there: it keeps its last state.
   */
  onGone(): void;
};

export type LineListener = {
  /** The line has come to `seq`; told for every change, as it happens. Some numbers may be left out. */
  onSeq(seq: number): void;
  /** There is no such queue any more, or its line has another past than was heard. */
  onGone(): void;
};

export type WatchedParty = {
  /** As it stands now. */
  standing: Readonly<Standing>;
  stop(): void;
};

export type WatchedLine = {
  /** The line as it was when it began to be watched. */
  seq: number;
  stop(): void;
};

export type LineWatch = {
  /** Follows a party; null when there is no such party. */
  watchParty(subject: TicketSubject, listener: PartyListener): Promise<WatchedParty | null>;
  /** Follows a line; null when there is no such queue. */
  watchLine(queueId: string, listener: LineListener): Promise<WatchedLine | null>;
  close(): void;
};

type Watched = Standing & {
  listeners: PartyListener[];
  /** What its listeners know. */
  toldState: string;
  toldAhead: number;
  toldWaiting: number;
  /** While it is read for the first time. */
  reading: Promise<boolean> | null;
};

type Hub = {
  readonly queueId: string;
  readonly channel: string;
  subscribed: Promise<void>;
  readonly parties: Map<string, Watched>;
  readonly listeners: Set<LineListener>;
  /** Reads a party that begins to be watched; false when the line does not know it. */
  readonly readFirst: (party: Watched) => Promise<boolean>;
  /** Who asked for the hub: while there is one, it stays. */
  users: number;
  /** The line as far as its changes have come. */
  seq: number;
  isGone: boolean;
  /** Changes that were not told yet; those watched stand at least where they begin. */
  log: Changes[];
  base: number;
  /** Changes since the oldest read that is under way, for what it brings. */
  kept: Changes[];
  reads: number;
  tick: NodeJS.Timeout | null;
  isTelling: boolean;
  toldAt: number;
  isSyncing: boolean;
  needsAll: boolean;
  lingering: NodeJS.Timeout | null;
  /** The line as the last comparison found it, when it was ahead of its changes. */
  checkedSeq: number;
  /** What the last read said. */
  readSeq: number;
};

/**
 * Follows lines for whoever watches: one subscription a line and process, however many watch. Only the parties
 * watched are known here, each as it stood at some `seq`; what is done to others moves them by comparing places,
 * so that nobody asks Redis. Where changes are missing, the parties are read again.
 */
export function createLineWatch(given: {
  subscriptions: Subscriptions;
  lines: Lines;
  /** What Redis does not know of a party; throws `not-found`. */
  find: (subject: TicketSubject) => Promise<Found>;
  /** A stream gave way to another one of its ticket. */
  onStreamEnded: (streamId: string) => void;
  /** Who holds streams of a line is asked for. */
  onHoldersAsked: (queueId: string, question: string) => void;
  logger: Logger;
  /** 10 s by default. */
  checkMs?: number | undefined;
}): LineWatch {
  const { subscriptions, lines, find, onStreamEnded, onHoldersAsked, logger } = given;
  const hubs = new Map<string, Hub>();
  let isClosed = false;

  const { checkMs = usualCheckMs } = given;
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
      readFirst: batched((parties) => held(hub, () => read(hub, parties)), { max: readMax }),
      users: 0,
      seq: 0,
      isGone: false,
      log: [],
      base: 0,
      kept: [],
      reads: 0,
      tick: null,
      isTelling: false,
      toldAt: Number.NEGATIVE_INFINITY,
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
    // Who waits for it is told; here it must not count as nobody's error.
    hub.subscribed.catch(() => forget(hub));
    return hub;
  }

  function enter(queueId: string): Hub {
    // However it is written: a channel has one subscriber.
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
    if (hub.tick !== null) clearTimeout(hub.tick);
    if (hub.lingering !== null) clearTimeout(hub.lingering);
    subscriptions.remove(hub.channel);
  }

  function begin(hub: Hub, id: string): Watched {
    const party: Watched = {
      id,
      state: 'waiting',
      place: '',
      ahead: -1,
      waiting: 0,
      seq: -1,
      listeners: [],
      toldState: '',
      toldAhead: -1,
      toldWaiting: 0,
      reading: null,
    };
    hub.parties.set(id, party);
    const readIt = async () => {
      try {
        const isFound =
          (await hub.readFirst(party)) || (await held(hub, () => findOutside(hub, party)));
        party.reading = null;
        if (!isFound) hub.parties.delete(id);
        else if (party.seq < hub.base) readAgain(hub);
        noteTold(party);
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
    if ('ended' in message) onStreamEnded(message.ended);
    else if ('holders' in message) onHoldersAsked(hub.queueId, message.holders);
    else if ('reset' in message) onReset(hub, message.seq);
    else if (message.seq > hub.seq) onChanges(hub, message);
  }

  function onReset(hub: Hub, seq: number): void {
    hub.base = hub.seq = Math.max(hub.seq, seq);
    hub.log = [];
    tellSeq(hub);
    resync(hub);
  }

  function onChanges(hub: Hub, message: Changes): void {
    if (message.after > hub.seq) {
      // Something was not heard of. Whoever stands before it is read again.
      hub.base = message.after;
      hub.log = [];
    }
    hub.seq = message.seq;
    hub.log.push(message);
    if (hub.reads > 0) hub.kept.push(message);
    message.changes.forEach((change, index) => {
      onOwnChange(hub, message, change, index);
    });
    tellSeq(hub);
    scheduleTick(hub);
  }

  /** Whoever is called, seated, moved, … is told at once, before anybody else. */
  function onOwnChange(hub: Hub, message: Changes, change: Change, index: number): void {
    if (change.deleted !== undefined) hub.isGone = change.deleted;
    const party = change.id === undefined ? undefined : hub.parties.get(change.id);
    if (party === undefined || change.seq <= party.seq) return;
    if (applyOwn(party, message, index) || advance(party, hub.log)) tell(party);
  }

  function tellSeq(hub: Hub): void {
    for (const listener of hub.listeners) listener.onSeq(hub.seq);
  }

  /** The first change after a quiet time is told at once: with whatever else is there already. */
  function scheduleTick(hub: Hub): void {
    if (hub.tick !== null || hub.isTelling || isClosed) return;
    const waitMs = Math.ceil(hub.toldAt + tickMs - performance.now());
    hub.tick = setTimeout(
      () => {
        hub.tick = null;
        runInContext({}, () => tickOf(hub)).catch((error: unknown) =>
          logger.error({ err: error, queueId: hub.queueId }, 'watchers could not be told'),
        );
      },
      Math.max(0, waitMs),
    );
  }

  async function tickOf(hub: Hub): Promise<void> {
    hub.isTelling = true;
    try {
      const isBehind = applyLog(hub);
      if (isBehind) readAgain(hub);
      let told = 0;
      for (const party of [...hub.parties.values()]) {
        if (party.seq < hub.base || !differs(party)) continue;
        tell(party);
        told += 1;
        if (told % turnMax === 0) await nextTurn();
      }
    } finally {
      hub.isTelling = false;
      hub.toldAt = performance.now();
    }
    if (hub.log.length > 0) scheduleTick(hub);
    // Final states were told. A guest of the queue stays and keeps its own, as whoever asks is told it.
    else if (hub.isGone) for (const listener of [...hub.listeners]) listener.onGone();
  }

  /** Brings everybody to where the changes have come. True when there are some whom that could not bring there. */
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

  function differs(party: Watched): boolean {
    return (
      party.ahead !== party.toldAhead ||
      party.waiting !== party.toldWaiting ||
      party.state !== party.toldState
    );
  }

  function noteTold(party: Watched): void {
    party.toldState = party.state;
    party.toldAhead = party.ahead;
    party.toldWaiting = party.waiting;
  }

  function tell(party: Watched): void {
    noteTold(party);
    for (const listener of party.listeners) listener.onPosition(party);
  }

  /** All of them read anew: the line was put in place again, or changes may have been missed. */
  function resync(hub: Hub): void {
    hub.needsAll = true;
    readAgain(hub);
  }

  /** Reads those who stand before where the changes begin, or all, until everybody was brought there. */
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
        const heardSeq = hub.seq;
        let seq = Number.POSITIVE_INFINITY;
        // Also when nobody is to be read: the line itself tells how far it has come.
        for (let at = 0; at === 0 || at < behind.length; at += readMax) {
          await readAndFind(hub, behind.slice(at, at + readMax));
          seq = Math.min(seq, hub.readSeq);
        }
        if (needsAll && seq < heardSeq) return beginAnew(hub);
        // What was missed for good is known now, and changes go on from there.
        if (needsAll && hub.log.length === 0 && seq > hub.seq) hub.base = hub.seq = seq;
        if (behind.every((party) => party.seq >= hub.base) && !hub.needsAll) {
          scheduleTick(hub);
          return;
        }
      } catch (error) {
        hub.needsAll ||= needsAll;
        const level = isOutage(error) || error instanceof Problem ? 'warn' : 'error';
        logger[level]({ err: error, queueId: hub.queueId }, 'a watched line could not be read yet');
      }
      scheduleTick(hub);
      await delay(waitMs, undefined, { ref: false });
      if (hubs.get(hub.queueId) !== hub || isClosed) return;
    }
  }

  /** Brings parties to where the line stands now. */
  function readAndFind(hub: Hub, parties: readonly Watched[]): Promise<void> {
    return held(hub, async () => {
      const isKnown = await read(hub, parties);
      const unknown = parties.filter((_, index) => !isKnown[index]);
      for (let at = 0; at < unknown.length; at += findTogetherMax) {
        await Promise.all(
          unknown.slice(at, at + findTogetherMax).map(async (party) => {
            if (!(await findOutside(hub, party))) drop(hub, party);
          }),
        );
      }
    });
  }

  function drop(hub: Hub, party: Watched): void {
    if (hub.parties.get(party.id) === party) hub.parties.delete(party.id);
    for (const listener of [...party.listeners]) listener.onGone();
  }

  /** Keeps the changes that happen during a read. */
  async function held<T>(hub: Hub, work: () => Promise<T>): Promise<T> {
    hub.reads += 1;
    try {
      return await work();
    } finally {
      hub.reads -= 1;
      if (hub.reads === 0) hub.kept = [];
    }
  }

  /** One answer a party: false when the line does not know it. */
  async function read(hub: Hub, parties: readonly Watched[]): Promise<boolean[]> {
    const line = await lines.watched(
      hub.queueId,
      parties.map(({ id }) => id),
    );
    if (line === null || line.isDeleted) {
      hub.isGone = true;
      scheduleTick(hub);
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
    // Nothing was heard yet: what comes is to go on from here.
    if (hub.seq === 0) hub.base = hub.seq = line.seq;
    for (const listener of hub.listeners) listener.onSeq(line.seq);
  }

  /** Of a party that left the line, and that Redis has forgotten. False when there is no such party. */
  async function findOutside(hub: Hub, party: Watched): Promise<boolean> {
    try {
      const partyId = bytesToUuid(Buffer.from(party.id, 'latin1'));
      const { state, ahead, waiting, seq } = await find({ queueId: hub.queueId, partyId });
      // In the line, where it is read with its place.
      if (ahead !== null) {
        await read(hub, [party]);
      } else {
        settle(hub, party, { state, place: '', ahead: -1, waiting, seq });
      }
      return true;
    } catch (error) {
      if (isProblem(error, 'not-found')) return false;
      throw error;
    }
  }

  /**
   * The line is behind what was heard of it: that never happened, as the truth has it now (a database that came
   * back from a copy, say), and what happens instead has numbers that were heard already. All that was told
   * may be wrong, so that everybody is to come anew.
   */
  function beginAnew(hub: Hub): void {
    logger.warn({ queueId: hub.queueId, heard: hub.seq }, 'a line has another past than was heard');
    forget(hub);
    const parties = [...hub.parties.values()];
    hub.parties.clear();
    for (const party of parties) drop(hub, party);
    for (const listener of [...hub.listeners]) listener.onGone();
  }

  /** Takes what was read, and what has happened since; what is older than what is known changes nothing. */
  function settle(hub: Hub, party: Watched, read: Omit<Standing, 'id'>): void {
    if (read.seq < party.seq) return;
    Object.assign(party, read);
    advance(party, hub.kept);
  }

  /** A line that is ahead of its changes twice in a row has a subscription that does not work. */
  async function checkAll(): Promise<void> {
    for (const hub of [...hubs.values()]) {
      try {
        const line = await lines.watched(hub.queueId, []);
        const isAhead = line !== null && line.seq > hub.seq;
        if (isAhead && hub.checkedSeq > hub.seq) {
          logger.warn({ queueId: hub.queueId }, 'changes of a line did not come: connecting anew');
          hub.checkedSeq = 0;
          subscriptions.reconnect();
          return;
        }
        hub.checkedSeq = isAhead ? line.seq : 0;
      } catch {
        // Redis is away, which its connections notice by themselves.
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
          // Others who watched it may have left in the meantime, and it with them.
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

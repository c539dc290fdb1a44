import { bodyOf, type CallOptions, everyItem, type Success } from '@queue-manager/client/client';
import type { OperationId } from '@queue-manager/client/operations';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import type { Occupancy } from '@queue-manager/contracts/occupancy';
import type { Lane, Party } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import type { Host } from './host.ts';
import type { LineModel } from './line-model.ts';
import type { LineApi } from './outbox.ts';
import { readEventStream } from './venue-stream.ts';

/** `loading`: not all read yet. `offline`: the server cannot be reached. `gone`: there is no such venue any more. */
export type Connection = 'loading' | 'live' | 'offline' | 'gone';

/** Opens the stream of the venue, with the access token of the account. Rejects if there is no answer. */
export type OpenStream = (lastEventId: string | null, signal: AbortSignal) => Promise<Response>;

export type LineSync = {
  connection(): Connection;
  /** When the server was last heard, by the clock of the device; null if never. */
  heardAt(): number | null;
  /** Connects again, unless the stream is alive. */
  check(): void;
  /** The page was shown or the network is back; or it was lost. */
  wake(isOffline: boolean): void;
  /** Takes what the server has answered to a press. */
  answered(answer: { party: Party | null; occupancy: Occupancy | null; people: number }): void;
  /** A press that counts people is no longer under way. */
  released(): void;
  stop(): void;
};

const retryMs = 1_000;
const retryMsMax = 20_000;
/** A stream ends now and then, and is opened again; that is no loss of the network. */
const offlineAfterMs = 3_000;
/** A stream that was heard as recently needs no check: the server sends something every 15 s. */
const freshMs = 16_000;
const pageSize = 100;
/** Parties that joined earlier are not part of tonight. */
const tonightMs = 16 * 60 * 60_000;
const tonightPagesMax = 5;
/** With as many unknown parties, or as many per page of the line, their queue is read as a whole. */
const singleReadsMax = 20;
const singleReadsPerPage = 10;
/** How often estimates and what events do not tell are read, for a line of one page and for longer ones. */
const refreshMs = 60_000;
const refreshMsLong = 5 * 60_000;
const shortLine = 300;
/** When the occupancy is read after a press that counted people. */
const confirmMs = 1_000;
/** When the messages to a guest are looked at again, after a change. */
const messageMs = [3_000, 15_000, 60_000];

export function createLineSync(options: {
  venueId: string;
  api: LineApi;
  openStream: OpenStream;
  model: LineModel;
  host: Host;
  /** Whether a press that counts people is under way. */
  isCounting(): boolean;
  onChange(): void;
  /** The stream was opened, or the server answered after a pause. */
  onReached(): void;
}): LineSync {
  const { venueId, api, openStream, model, host, onChange } = options;
  let connection: Connection = 'loading';
  let heardAt: number | null = null;
  let lastEventId: string | null = null;
  let current: AbortController | null = null;
  let attempts = 0;
  let hasBegun = false;
  let cancelRetry = () => {};
  let cancelOffline = () => {};
  let isStopped = false;
  /** The last known event of each queue. */
  const seqs = new Map<string, number>();
  const loaded = new Map<string, number>();
  /** The queues that the venue had when the line was opened; null until they are known. */
  let listed: Set<string> | null = null;
  /** Reads of a queue under way, with the parties that changed meanwhile. */
  const loads = new Map<string, { isOutdated: boolean; changed: Set<string> }>();
  const unread = new Set<string>();
  let isReadingParties = false;
  /** An occupancy that came while a press was under way: it may or may not include it. */
  let held: Occupancy | null = null;
  let occupanciesHeard = 0;
  let cancelConfirm = () => {};
  let confirms = 0;
  const timers = new Set<() => void>();

  function later(callback: () => void, ms: number): void {
    const cancel = host.later(() => {
      timers.delete(cancel);
      if (!isStopped) callback();
    }, ms);
    timers.add(cancel);
  }

  function set(next: Connection): void {
    if (connection === next || connection === 'gone') return;
    connection = next;
    onChange();
  }

  // The stream

  function connect(): void {
    cancelRetry();
    if (isStopped || connection === 'gone') return;
    const controller = new AbortController();
    current = controller;
    hasBegun = false;
    void follow(controller.signal).then(() => {
      if (current !== controller || isStopped) return;
      cancelOffline();
      const isShort = attempts === 0 && heardAt !== null;
      cancelOffline = host.later(() => set('offline'), isShort ? offlineAfterMs : 0);
      connectLater();
    });
  }

  function connectLater(): void {
    current = null;
    const ms = Math.min(retryMs * 2 ** attempts, retryMsMax);
    attempts += 1;
    cancelRetry();
    cancelRetry = host.later(connect, ms * (0.5 + host.random() / 2));
  }

  /** Resolves when the stream has ended or could not be opened. */
  async function follow(signal: AbortSignal): Promise<void> {
    try {
      await readEventStream({
        async open(id, ofStream) {
          const response = await openStream(id, ofStream);
          if (response.status === 404) set('gone');
          if (response.status !== 200)
            throw new Error(`The stream was refused: ${response.status}`);
          return response;
        },
        lastEventId,
        onHeard() {
          heardAt = host.now();
        },
        onEvent({ name, data }, id) {
          if (signal.aborted) return;
          if (id !== null) lastEventId = id;
          take(name, JSON.parse(data));
        },
        signal,
      });
    } catch {
      // It is opened again.
    }
  }

  function take(name: string, data: unknown): void {
    if (!hasBegun) {
      hasBegun = true;
      attempts = 0;
      cancelOffline();
      readAllUnread();
      if (listed === null) void listQueues();
      setIfLive();
      options.onReached();
    }
    if (name === 'party') takeParty(data as VenueEvent);
    else if (name === 'queue') takeQueue(data as VenueQueue);
    else if (name === 'occupancy') takeOccupancy(data as Occupancy);
    onChange();
  }

  function takeParty(event: VenueEvent): void {
    const { queueId, partyId, seq } = event;
    seqs.set(queueId, Math.max(seq, seqs.get(queueId) ?? 0));
    const isNews = model.applyEvent(event);
    if (partyId === null) return;
    loads.get(queueId)?.changed.add(partyId);
    if (isNews && model.known(partyId)?.isRead === false) read(partyId);
  }

  function takeQueue(queue: VenueQueue): void {
    model.setQueue(queue);
    const known = seqs.get(queue.id) ?? 0;
    seqs.set(queue.id, Math.max(queue.seq, known));
    if (queue.deleted) {
      for (const { id } of [...model.partiesOf(queue.id)]) model.forgetParty(id);
      loaded.delete(queue.id);
      listed?.delete(queue.id);
    } else if (queue.seq > known || !loaded.has(queue.id)) {
      void load(queue.id);
    }
    setIfLive();
  }

  function takeOccupancy(occupancy: Occupancy): void {
    occupanciesHeard += 1;
    if (options.isCounting()) held = occupancy;
    else model.setOccupancy(occupancy);
  }

  function setIfLive(): void {
    if (!hasBegun || current === null) return;
    const queueIds = [...(listed ?? []), ...model.queues().map(({ queue }) => queue.id)];
    const isRead = listed !== null && queueIds.every((id) => loaded.has(id));
    if (isRead) set('live');
    else if (connection === 'offline') set('loading');
  }

  // Reads

  /** Finds out which of the queues that the device knows are gone, and which are still to come with the stream. */
  async function listQueues(): Promise<void> {
    try {
      const ids = new Set<string>();
      const queues = everyItem((page) =>
        succeed('listQueues', { params: { venueId }, query: page }),
      );
      for await (const { id } of queues) ids.add(id);
      for (const { queue } of model.queues()) {
        if (!ids.has(queue.id)) takeQueue({ ...queue, deleted: true });
      }
      listed = ids;
      setIfLive();
    } catch {
      if (hasBegun) later(() => void listQueues(), retryMs * 3);
    }
  }

  async function succeed<const R extends OperationId>(
    route: R,
    given: CallOptions<R>,
  ): Promise<Success<R>> {
    return bodyOf(route, await api.call(route, { ...given, signal: AbortSignal.timeout(15_000) }));
  }

  async function load(queueId: string): Promise<void> {
    const running = loads.get(queueId);
    if (running !== undefined) {
      running.isOutdated = true;
      return;
    }
    const reading = { isOutdated: false, changed: new Set<string>() };
    loads.set(queueId, reading);
    try {
      do {
        reading.isOutdated = false;
        reading.changed.clear();
        await loadLine(queueId, reading.changed);
      } while (reading.isOutdated && !isStopped);
      loaded.set(queueId, host.now());
      setIfLive();
      onChange();
    } catch {
      later(() => {
        if (model.queue(queueId)?.deleted === false) void load(queueId);
      }, retryMs * 3);
    } finally {
      loads.delete(queueId);
    }
    readUnread(queueId);
  }

  const listParties = (queueId: string, query: Record<string, string | number>) =>
    everyItem<Party>(async ({ cursor }) => {
      const page = { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) };
      const body = await succeed('listParties', {
        params: { queueId },
        query: { ...query, ...page },
      });
      onChange();
      return body;
    });

  /** Reads the line, and then those of tonight who have left it. */
  async function loadLine(queueId: string, changed: ReadonlySet<string>): Promise<void> {
    const seen = new Set<string>();
    for await (const party of listParties(queueId, {})) {
      if (isStopped) return;
      seen.add(party.id);
      model.setParty(party);
    }
    const since = new Date(host.now() - tonightMs).toISOString();
    for (const lane of ['priority', 'regular'] satisfies Lane[]) {
      const state = 'seated,departed,no_show,left,removed';
      let parties = 0;
      for await (const party of listParties(queueId, { lane, state, order: 'desc' })) {
        if (isStopped) return;
        parties += 1;
        if (party.joinedAt < since || parties > tonightPagesMax * pageSize) break;
        seen.add(party.id);
        model.setParty(party);
      }
    }
    for (const { id, state, joinedAt } of [...model.partiesOf(queueId)]) {
      if (seen.has(id) || changed.has(id)) continue;
      if (isInLine(state) || joinedAt < since) model.forgetParty(id);
    }
  }

  function readUnread(queueId: string): void {
    for (const { id, isRead } of model.partiesOf(queueId)) if (!isRead) read(id);
  }

  function readAllUnread(): void {
    for (const [queueId] of loaded) readUnread(queueId);
  }

  /** Reads what events do not tell of a party. */
  function read(partyId: string): void {
    unread.add(partyId);
    if (!isReadingParties) void readParties();
  }

  async function readParties(): Promise<void> {
    isReadingParties = true;
    // A burst is complete by then.
    await Promise.resolve();
    for (const partyId of unread) {
      if (isStopped) break;
      const queueId = model.known(partyId)?.queueId;
      const ofQueue = [...unread].filter((id) => model.known(id)?.queueId === queueId);
      if (queueId !== undefined && ofQueue.length > singleReadsMaxOf(queueId)) {
        for (const id of ofQueue) unread.delete(id);
        await load(queueId);
        continue;
      }
      unread.delete(partyId);
      try {
        const signal = AbortSignal.timeout(15_000);
        const answer = await api.call('getParty', { params: { partyId }, signal });
        if (answer.status === 404) continue;
        const party = bodyOf('getParty', answer);
        model.setParty(party);
        watchMessages(party, 0);
        onChange();
      } catch {
        unread.clear();
        // Without a stream, they are read when it is back; it may be back before this call has failed.
        later(() => {
          if (current !== null && hasBegun) readAllUnread();
        }, retryMs * 3);
      }
    }
    isReadingParties = false;
  }

  /** A page costs a browser as much as many parties do. */
  function singleReadsMaxOf(queueId: string): number {
    const pages = (model.queue(queueId)?.waiting ?? 0) / pageSize;
    return Math.max(singleReadsMax, pages * singleReadsPerPage);
  }

  /** No event tells that a message was sent. */
  function watchMessages({ id, notifications }: Party, round: number): void {
    const isUnderWay = notifications.some(
      ({ state }) => state === 'scheduled' || state === 'running',
    );
    const ms = messageMs[round];
    if (!isUnderWay || ms === undefined) return;
    later(async () => {
      const answer = await api.call('getParty', { params: { partyId: id } }).catch(() => null);
      if (!answer?.ok) return;
      model.setParty(answer.body);
      watchMessages(answer.body, round + 1);
      onChange();
    }, ms);
  }

  /**
   * Reads the occupancy after a press. Its answer may be older than what the stream has sent, and the stream leaves out a
   * change that another has reversed by then.
   */
  function confirmOccupancy(ms: number): void {
    cancelConfirm();
    confirms += 1;
    const own = confirms;
    cancelConfirm = host.later(async () => {
      const before = occupanciesHeard;
      const answer = await api.call('getOccupancy', { params: { venueId } }).catch(() => null);
      // Each stream begins with it.
      if (own !== confirms || current === null || isStopped) return;
      if (!answer?.ok || options.isCounting() || occupanciesHeard !== before) {
        return confirmOccupancy(confirmMs);
      }
      model.setOccupancy(answer.body);
      onChange();
    }, ms);
  }

  function refresh(): void {
    if (connection === 'live') {
      for (const { queue, waiting } of model.queues()) {
        const everyMs = waiting.length > shortLine ? refreshMsLong : refreshMs;
        if (host.now() - (loaded.get(queue.id) ?? 0) >= everyMs) void load(queue.id);
      }
    }
    later(refresh, refreshMs / 4);
  }

  function reconnect(): void {
    current?.abort();
    attempts = 0;
    connect();
  }

  later(refresh, refreshMs / 4);
  connect();

  return {
    connection: () => connection,
    heardAt: () => heardAt,
    check() {
      if (current !== null && !hasBegun) return;
      reconnect();
    },
    wake(isOffline) {
      if (isOffline) {
        // What still arrives was on its way; only a new stream says that the network is back.
        current?.abort();
        cancelOffline();
        connectLater();
        return set('offline');
      }
      const isFresh = heardAt !== null && host.now() - heardAt < freshMs;
      if (connection !== 'live' || current === null || !isFresh) reconnect();
    },
    answered({ party, occupancy, people }) {
      if (party !== null) {
        model.setParty(party);
        loads.get(party.queueId)?.changed.add(party.id);
        watchMessages(party, 0);
      }
      if (occupancy !== null) model.setOccupancy(occupancy);
      else if (held !== null) model.setOccupancy(held);
      else model.addPeople(people);
      occupanciesHeard += 1;
      if (people !== 0) confirmOccupancy(held === null ? confirmMs : 0);
      held = null;
    },
    released() {
      if (held === null) return;
      model.setOccupancy(held);
      held = null;
    },
    stop() {
      isStopped = true;
      current?.abort();
      cancelRetry();
      cancelOffline();
      cancelConfirm();
      for (const cancel of timers) cancel();
    },
  };
}

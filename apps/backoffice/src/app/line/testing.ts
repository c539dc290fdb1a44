import 'fake-indexeddb/auto';
import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import type { Lane, Party, PartyState } from '@queue-manager/contracts/parties';
import { type PartyMove, partyMoves } from '@queue-manager/contracts/party-moves';
import { keyBetween } from '../../../../../services/queue/src/line/order-key.ts';
import type { Host } from './host.ts';
import type { LineApi } from './outbox.ts';

/*
 * A venue's queue service in memory, as far as a stand can tell: the moves with their preconditions, idempotency keys,
 * lists and the live stream.
 */

type StoredParty = Party & { before: Party | null };
type Call = {
  params: Record<string, string>;
  body?: unknown;
  query?: unknown;
  idempotencyKey?: string;
};
type Reply = { status: number; body?: unknown; code?: string };

const venueId = 'venue';

export class FakeVenue {
  readonly venueId = venueId;
  readonly queues = new Map<string, VenueQueue>();
  readonly parties = new Map<string, StoredParty>();
  readonly events: VenueEvent[] = [];
  /** Each change, by the idempotency key that caused it. */
  readonly done: { key: string; operation: string; partyId: string | null }[] = [];
  occupancy = 0;
  capacity: number | null = null;
  now = Date.parse('2026-05-29T20:00:00.000Z');
  readonly #answers = new Map<string, { reply: Reply; body: string }>();
  readonly #streams = new Set<(name: string, data: unknown, id: number) => void>();
  #ids = 0;

  constructor(queues = ['tables']) {
    for (const id of queues) {
      this.queues.set(id, { ...queueOf(id), seq: 1, deleted: false });
    }
  }

  /** The ids of the parties that wait, in order. */
  order(queueId = 'tables'): string[] {
    return this.#inLine(queueId, ['waiting']).map(({ id }) => id);
  }

  #inLine(queueId: string, states: readonly PartyState[]): StoredParty[] {
    const place = ({ lane, orderKey, id }: Party) => `${lane} ${orderKey} ${id}`;
    return [...this.parties.values()]
      .filter((party) => party.queueId === queueId && states.includes(party.state))
      .sort((a, b) => (place(a) < place(b) ? -1 : 1));
  }

  view({ before: _, ...party }: StoredParty): Party {
    const index = this.order(party.queueId).indexOf(party.id);
    return { ...party, position: index === -1 ? null : index + 1 };
  }

  // Changes

  /** A guest, or a host at another stand, does something. */
  act(kind: string, partyId: string, as: VenueEvent['actor'] = { kind: 'guest' }): Reply {
    return this.#change(kind, partyId, {}, as);
  }

  add(
    { queueId = 'tables', name = 'Guest', size = 1, lane = 'regular' as Lane, joinedAt = this.now },
    as: VenueEvent['actor'] = { kind: 'guest' },
  ): Party {
    const queue = this.#queue(queueId);
    this.#ids += 1;
    const id = `party-${String(this.#ids).padStart(5, '0')}`;
    const party: StoredParty = {
      id,
      queueId,
      number: this.#ids,
      ticket: `ticket-${id}`,
      ticketUrl: `https://venue.test/t/${id}`,
      name,
      size,
      lane,
      orderKey: '',
      state: 'waiting',
      email: null,
      phone: null,
      notes: null,
      source: as.kind === 'staff' ? 'staff' : 'guest',
      seq: 0,
      position: null,
      estimate: null,
      quoted: null,
      joinedAt: new Date(joinedAt).toISOString(),
      calledAt: null,
      callExpiresAt: null,
      confirmedAt: null,
      seatedAt: null,
      departedAt: null,
      endedAt: null,
      calls: 0,
      possibleDuplicate: false,
      notifications: [],
      before: null,
    };
    const later = this.#inLine(queueId, ['waiting']).find(
      (other) => other.lane === lane && other.joinedAt > party.joinedAt,
    );
    party.orderKey = this.#keyBefore(party, later?.orderKey ?? null);
    this.#write(queue, party, 'party.joined', null, as);
    return this.view(party);
  }

  #change(
    kind: string,
    partyId: string,
    body: { seq?: number; position?: number; override?: boolean } & Partial<Party>,
    as: VenueEvent['actor'],
  ): Reply {
    const party = this.parties.get(partyId);
    if (party === undefined) return { status: 404, code: 'not-found' };
    if (body.seq !== undefined && body.seq !== party.seq) {
      return { status: 409, code: 'party-changed' };
    }
    const queue = this.#queue(party.queueId);
    const previous = party.state;
    const now = new Date(this.now).toISOString();
    const before = { ...party, before: null };
    if (kind === 'undo') {
      if (party.before === null && party.calls === -1) return { status: 409, code: 'cannot-undo' };
      const last = this.events.findLast((event) => event.partyId === partyId);
      if (last?.actor.kind !== 'staff' || last.type === 'party.undone') {
        return { status: 409, code: 'cannot-undo' };
      }
      const restored =
        last.type === 'party.joined'
          ? { ...party, state: 'removed' as const, endedAt: now }
          : { ...(party.before as Party) };
      if (!this.#count(party, restored)) return { status: 409, code: 'venue-full' };
      Object.assign(party, restored, { before: null });
      this.#write(queue, party, 'party.undone', previous, as);
      return { status: 200, body: this.view(party) };
    }
    if (kind === 'update') {
      const { seq: _, override: __, ...changes } = body;
      Object.assign(party, changes);
      this.#write(queue, Object.assign(party, { before }), 'party.changed', previous, as);
      return { status: 200, body: this.view(party) };
    }
    const move = partyMoves[kind as PartyMove];
    if (!(move.from as readonly PartyState[]).includes(party.state)) {
      return { status: 409, code: 'invalid-transition' };
    }
    const after: Party = { ...party, state: move.to };
    if (kind === 'call') {
      Object.assign(after, { calledAt: now, confirmedAt: null, calls: party.calls + 1 });
    } else if (kind === 'confirm') {
      after.confirmedAt = now;
    } else if (kind === 'seat') {
      after.seatedAt = now;
    } else if (kind === 'restore') {
      Object.assign(after, {
        calledAt: null,
        confirmedAt: null,
        seatedAt: null,
        departedAt: null,
        endedAt: null,
      });
    } else if (kind === 'move') {
      this.#place(after, body.position ?? 1);
    } else {
      after.endedAt = now;
    }
    if (!this.#count(party, after, body.override)) return { status: 409, code: 'venue-full' };
    Object.assign(party, after, { before });
    this.#write(queue, party, move.event, previous, as);
    return { status: 200, body: this.view(party) };
  }

  #place(party: Party, position: number): void {
    const others = this.#inLine(party.queueId, ['waiting']).filter(({ id }) => id !== party.id);
    const index = Math.min(position, others.length + 1) - 1;
    const [behind, ahead] = [others[index - 1], others[index]];
    const fits =
      (behind === undefined || behind.lane === party.lane || behind.lane === 'priority') &&
      (ahead === undefined || ahead.lane === party.lane || ahead.lane === 'regular');
    if (!fits) party.lane = (behind ?? ahead)?.lane ?? party.lane;
    party.orderKey =
      ahead?.lane === party.lane
        ? this.#keyBefore(party, ahead.orderKey)
        : this.#keyBefore(party, null);
  }

  /** A key directly in front of this one, among parties in every state. */
  #keyBefore({ queueId, lane, id }: Party, key: string | null): string {
    const keys = [...this.parties.values()]
      .filter((party) => party.queueId === queueId && party.lane === lane && party.id !== id)
      .map(({ orderKey }) => orderKey)
      .filter((orderKey) => key === null || orderKey < key)
      .sort();
    const bytes = (hex: string | null | undefined) => (hex ? Buffer.from(hex, 'hex') : null);
    return keyBetween(bytes(keys.at(-1)), bytes(key)).toString('hex');
  }

  #count(before: Party, after: Party, override = false): boolean {
    const seated = ({ state, size }: Party) => (state === 'seated' ? size : 0);
    return this.#addPeople(seated(after) - seated(before), override);
  }

  #addPeople(delta: number, override = false): boolean {
    const occupancy = Math.max(0, this.occupancy + delta);
    if (delta > 0 && !override && this.capacity !== null && occupancy > this.capacity) return false;
    if (delta === 0) return true;
    this.occupancy = occupancy;
    return true;
  }

  deleteQueue(queueId: string): void {
    const queue = { ...this.#queue(queueId), deleted: true };
    queue.seq += 1;
    this.queues.set(queueId, queue);
    this.#send('queue', queue);
  }

  count(delta: number): void {
    this.#addPeople(delta, true);
    this.#send('occupancy', this.occupancyView());
  }

  occupancyView() {
    const { occupancy, capacity } = this;
    const available = capacity === null ? null : Math.max(0, capacity - occupancy);
    return { occupancy, capacity, available };
  }

  #queue(queueId: string): VenueQueue {
    return this.queues.get(queueId) as VenueQueue;
  }

  #write(
    queue: VenueQueue,
    party: StoredParty,
    type: string,
    previousState: PartyState | null,
    actor: VenueEvent['actor'],
  ): void {
    const seq = queue.seq + 1;
    party.seq = seq;
    this.parties.set(party.id, party);
    const counts = (state: PartyState) => this.#inLine(queue.id, [state]).length;
    const changed = { ...queue, seq, waiting: counts('waiting'), called: counts('called') };
    this.queues.set(queue.id, changed);
    const event: VenueEvent = {
      id: `event-${this.events.length}`,
      queueId: queue.id,
      seq,
      type,
      time: new Date(this.now).toISOString(),
      actor,
      reason: null,
      partyId: party.id,
      previousState,
      position: null,
      override: false,
      party: snapshotOf(party),
      queue: null,
    };
    this.events.push(event);
    this.now += 1;
    this.#send('party', event);
    this.#send('queue', changed);
    this.#send('occupancy', this.occupancyView());
  }

  #send(name: string, data: unknown): void {
    for (const send of this.#streams) send(name, data, this.events.length);
  }

  // The API

  handle(operation: string, call: Call, userId: string): Reply {
    const { params, body = {}, idempotencyKey } = call;
    const key = `${operation} ${idempotencyKey}`;
    const known = idempotencyKey === undefined ? undefined : this.#answers.get(key);
    if (known !== undefined) {
      if (known.body !== JSON.stringify(body))
        return { status: 422, code: 'idempotency-key-reused' };
      return known.reply;
    }
    const reply = this.#run(operation, params, body as Record<string, unknown>, call.query, userId);
    if (idempotencyKey !== undefined && reply.status < 300) {
      this.#answers.set(key, { reply, body: JSON.stringify(body) });
      const partyId = (reply.body as { id?: string }).id ?? null;
      this.done.push({ key: idempotencyKey, operation, partyId });
    }
    return reply;
  }

  /** As if the keys were too old. */
  forgetKeys(): void {
    this.#answers.clear();
  }

  #run(
    operation: string,
    params: Record<string, string>,
    body: Record<string, unknown>,
    query: unknown,
    userId: string,
  ): Reply {
    const as = { kind: 'staff', userId } as const;
    const partyId = params.partyId ?? '';
    switch (operation) {
      case 'listQueues': {
        const data = [...this.queues.values()].filter(({ deleted }) => !deleted);
        return { status: 200, body: { data, nextCursor: null } };
      }
      case 'listParties':
        return this.#list(params.queueId as string, query as Record<string, string>);
      case 'getParty': {
        const party = this.parties.get(partyId);
        if (party === undefined) return { status: 404, code: 'not-found' };
        return { status: 200, body: this.view(party) };
      }
      case 'listPartyEvents': {
        const data = this.events.filter((event) => event.partyId === partyId);
        return { status: 200, body: { data, nextCursor: null } };
      }
      case 'getOccupancy':
        return { status: 200, body: this.occupancyView() };
      case 'changeOccupancy': {
        if (!this.#addPeople(body.delta as number, body.override as boolean)) {
          return { status: 409, code: 'venue-full' };
        }
        this.#send('occupancy', this.occupancyView());
        return { status: 200, body: this.occupancyView() };
      }
      case 'addParty': {
        const queue = this.#queue(params.queueId as string);
        if (queue.state !== 'open') return { status: 409, code: `queue-${queue.state}` };
        const joinedAt = Date.parse(body.joinedAt as string);
        const { name, size, lane } = body as { name: string; size: number; lane: Lane };
        const added = this.add({ queueId: queue.id, name, size, lane, joinedAt }, as);
        return { status: 201, body: added };
      }
      default:
        return this.#change(operation.replace(/Party$/, ''), partyId, body, as);
    }
  }

  #list(queueId: string, query: Record<string, string> = {}): Reply {
    const { state = 'waiting,called', lane, order = 'asc', limit = 50, cursor } = query;
    let parties = this.#inLine(queueId, state.split(',') as PartyState[]);
    if (lane !== undefined) parties = parties.filter((party) => party.lane === lane);
    if (order === 'desc') parties.reverse();
    const from = cursor === undefined ? 0 : parties.findIndex(({ id }) => id === cursor) + 1;
    const shown = parties.slice(from, from + Number(limit));
    const nextCursor = from + shown.length < parties.length ? (shown.at(-1)?.id ?? null) : null;
    return { status: 200, body: { data: shown.map((party) => this.view(party)), nextCursor } };
  }

  /** The live stream, from the events after `lastEventId`. */
  stream(lastEventId: string | null, signal: AbortSignal): Response {
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (name: string, data: unknown, id: number) => {
          const text = `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
          controller.enqueue(encoder.encode(text));
        };
        send('occupancy', this.occupancyView(), this.events.length);
        const missed = lastEventId === null ? [] : this.events.slice(Number(lastEventId));
        for (const event of missed) send('party', event, this.events.indexOf(event) + 1);
        for (const queue of this.queues.values()) {
          if (!queue.deleted) send('queue', queue, this.events.length);
        }
        this.#streams.add(send);
        signal.addEventListener('abort', () => {
          this.#streams.delete(send);
          controller.error(new Error('aborted'));
        });
      },
    });
    return new Response(body, { status: 200 });
  }
}

function queueOf(id: string) {
  return {
    id,
    venueId,
    name: id,
    text: null,
    endMessage: null,
    state: 'open' as const,
    joinCode: id,
    joinUrl: `https://venue.test/j/${id}`,
    waiting: 0,
    called: 0,
    maxWaiting: null,
    maxPartySize: 20,
    callGraceSeconds: 300,
    selfJoin: true,
    boardLabels: 'number' as const,
  };
}

function snapshotOf(party: Party): NonNullable<VenueEvent['party']> {
  const { seq, state, lane, orderKey, number, size, source, calls } = party;
  const { joinedAt, calledAt, confirmedAt, seatedAt, departedAt, endedAt } = party;
  const times = { joinedAt, calledAt, confirmedAt, seatedAt, departedAt, endedAt };
  return { seq, state, lane, orderKey, number, size, source, calls, ...times };
}

/** An answer of the API as the client returns it. */
function answerOf({ status, body, code }: Reply): unknown {
  const headers = new Headers();
  if (status < 300) return { ok: true, status, headers, body: structuredClone(body) };
  const type = `https://queue-manager.dev/problems/${code}`;
  const problem = { type, title: '', status, detail: `${code}.`, requestId: '' };
  return { ok: false, status, headers, problem };
}

/** A device's connection to the venue. Calls and the stream fail while it is cut. */
export class Network {
  readonly #venue: FakeVenue;
  readonly #userId: string;
  #cut = new AbortController();
  isCut = false;
  /** Called before each call; may throw before it reaches the server, or return what to do with the answer. */
  onCall: (operation: string) => Promise<'deliver' | 'lose-answer' | 'double'> = async () =>
    'deliver';

  constructor(venue: FakeVenue, userId: string) {
    this.#venue = venue;
    this.#userId = userId;
  }

  cut(): void {
    this.isCut = true;
    this.#cut.abort();
  }

  restore(): void {
    this.isCut = false;
    this.#cut = new AbortController();
  }

  readonly api: LineApi = {
    call: (async (operation: string, call: Call) => {
      const fate = await this.onCall(operation);
      if (this.isCut) throw new TypeError('Failed to fetch');
      const reply = this.#venue.handle(operation, call, this.#userId);
      if (fate === 'double') this.#venue.handle(operation, call, this.#userId);
      await Promise.resolve();
      if (fate === 'lose-answer' || this.isCut) throw new TypeError('Failed to fetch');
      return answerOf(reply);
    }) as unknown as LineApi['call'],
  };

  readonly openStream = async (lastEventId: string | null, signal: AbortSignal) => {
    await Promise.resolve();
    if (this.isCut) throw new TypeError('Failed to fetch');
    return this.#venue.stream(lastEventId, AbortSignal.any([signal, this.#cut.signal]));
  };
}

let ids = 0;

/** Several tabs of one device. Time passes as fast as the event loop; a tab can be closed without a word. */
export class Device {
  readonly #channels = new Map<string, Set<(message: unknown) => void>>();
  readonly #locks = new Map<string, Promise<unknown>>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** As when the tab that holds them has died. */
  releaseLocks(): void {
    this.#locks.clear();
  }

  host(): Host {
    return {
      now: this.#now,
      newId: () => `id-${++ids}`,
      random: () => 0.5,
      later(callback, ms) {
        // Retries come at once, and what is done for good order does not hold up a test.
        if (ms > 20_000) return () => {};
        const timer = setTimeout(callback, 1);
        return () => clearTimeout(timer);
      },
      exclusively: (name, work) => {
        const run = (this.#locks.get(name) ?? Promise.resolve()).then(work, work);
        this.#locks.set(
          name,
          run.catch(() => {}),
        );
        return run as Promise<never>;
      },
      channel: (name) => {
        const all = this.#channels.get(name) ?? new Set();
        this.#channels.set(name, all);
        let own: ((message: unknown) => void) | null = null;
        return {
          send(message) {
            for (const listener of all) if (listener !== own) listener(structuredClone(message));
          },
          listen(listener) {
            own = listener;
            all.add(listener);
          },
          close() {
            if (own !== null) all.delete(own);
          },
        };
      },
      onWake: () => () => {},
    };
  }
}

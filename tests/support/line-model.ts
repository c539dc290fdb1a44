import type { PartySnapshot } from '@queue-manager/contracts/events';
import type { Lane, PartyState } from '@queue-manager/contracts/parties';
import type { ProblemCode } from '@queue-manager/contracts/problems';

/*
 * The specification of a queue as a small in-memory model that can be verified by reading. It is written from the product
 * description and shares no code with the services, so that an error there is not repeated here.
 */

/** A request by a host or a guest. */
export type Command =
  | {
      kind: 'join';
      by: 'guest' | 'staff';
      size: number;
      lane: Lane;
      phone: string | null;
      /** Of one that staff add later than it joined. */
      joinedAt?: string;
    }
  | { kind: 'callNext'; minSize?: number; maxSize?: number; lane?: Lane }
  | { kind: PlainMove; partyId: string; override?: boolean }
  | { kind: 'move'; partyId: string; position: number }
  | { kind: 'snooze'; partyId: string; places: number; giveUpCall: boolean }
  | { kind: 'resize'; partyId: string; size: number; override?: boolean }
  /** `seq` is that of the party when its host decided. */
  | { kind: 'undo'; partyId: string; seq: number }
  | { kind: 'click'; delta: number; override?: boolean }
  | { kind: 'open' | 'pause' }
  | { kind: 'close'; expireWaiting: boolean }
  | { kind: 'limit'; maxWaiting: number | null };

/** The transitions of a party, as in the product description. */
const transitions = {
  call: { from: ['waiting', 'called'], to: 'called', event: 'party.called' },
  confirm: { from: ['called'], to: 'called', event: 'party.confirmed' },
  seat: { from: ['waiting', 'called'], to: 'seated', event: 'party.seated' },
  depart: { from: ['seated'], to: 'departed', event: 'party.departed' },
  noShow: { from: ['called'], to: 'no_show', event: 'party.no-show' },
  leave: { from: ['waiting', 'called'], to: 'left', event: 'party.left' },
  remove: { from: ['waiting', 'called'], to: 'removed', event: 'party.removed' },
  restore: {
    from: ['called', 'seated', 'departed', 'no_show', 'left', 'removed'],
    to: 'waiting',
    event: 'party.restored',
  },
} as const satisfies Record<string, { from: PartyState[]; to: PartyState; event: string }>;

export type PlainMove = keyof typeof transitions;
export const plainMoves = Object.keys(transitions) as PlainMove[];

/** Whether the move is allowed in this state. */
export const allows = (move: PlainMove, state: PartyState): boolean =>
  (transitions[move].from as readonly PartyState[]).includes(state);

const snoozesMax = 3;
const lanes: readonly Lane[] = ['priority', 'regular'];

/** A recorded event. */
export type Recorded = {
  seq: number;
  type: string;
  partyId: string | null;
  previousState: PartyState | null;
  /** The party after the event. */
  party: PartySnapshot | null;
};

/** The place of a party; immutable. */
type Coordinates = { readonly lane: Lane; readonly key: string; readonly id: string };

/** The waiting parties at one moment, in the order of the line. */
export type WaitingLine = readonly Coordinates[];

/** The line at one moment; `called` has the places that parties were called from. */
export type Moment = { waiting: WaitingLine; called: readonly Coordinates[] };

export type ModelParty = {
  at: Coordinates;
  /** When and where it joined. */
  joinedAt: string;
  joinedKey: string;
  state: PartyState;
  size: number;
  phone: string | null;
  calls: number;
  confirmed: boolean;
  snoozes: number;
  possibleDuplicate: boolean;
  seq: number;
  /** What undoing its last change puts back; null if the guest made it, or it was an undo. */
  undo: Undo | null;
};

/** The party before a change by staff, null for one that they added, and how many people came in with the change. */
type Undo = { was: ModelParty | null; people: number; kind: Command['kind'] };

/** Whether a command is one of staff that can be taken back. */
const isUndoable = (command: Command) =>
  !['confirm', 'leave', 'snooze', 'undo'].includes(command.kind) &&
  !(command.kind === 'join' && command.by === 'guest');

/**
 * The outcome of a command: `refused` with one of these problems, or done with `answer`, the fields that the answer must
 * have. `wrong` tells why the recorded events cannot belong to the command.
 */
export type Outcome =
  | { kind: 'refused'; as: ProblemCode[] }
  | { kind: 'done'; events: number; answer: Record<string, unknown> }
  | { kind: 'wrong'; why: string };

const refused = (...as: ProblemCode[]): Outcome => ({ kind: 'refused', as });
const wrong = (why: string): Outcome => ({ kind: 'wrong', why });

export class LineModel {
  readonly parties = new Map<string, ModelParty>();
  readonly capacity: number | null;
  readonly maxPartySize: number;
  state: 'open' | 'paused' | 'closed' = 'open';
  maxWaiting: number | null = null;
  occupancy = 0;
  seq = 0;
  /** Every party that ever joined, in any state: a restored party returns to its place. */
  #lanes: Record<Lane, readonly string[]> = { priority: [], regular: [] };

  constructor(settings: { capacity: number | null; maxPartySize: number; seq: number }) {
    this.capacity = settings.capacity;
    this.maxPartySize = settings.maxPartySize;
    this.seq = settings.seq;
  }

  clone(): LineModel {
    const copy = new LineModel(this);
    for (const [id, party] of this.parties) copy.parties.set(id, { ...party });
    copy.state = this.state;
    copy.maxWaiting = this.maxWaiting;
    copy.occupancy = this.occupancy;
    copy.#lanes = { ...this.#lanes };
    return copy;
  }

  /** Equal for two models with equal content. */
  fingerprint(): string {
    const { state, maxWaiting, occupancy, seq } = this;
    return JSON.stringify([state, maxWaiting, occupancy, seq, this.#lanes, [...this.parties]]);
  }

  /** Every party that ever joined, in the order of the line. */
  order(): string[] {
    return lanes.flatMap((lane) => this.#lanes[lane]);
  }

  waiting(): WaitingLine {
    return this.order()
      .map((id) => this.party(id))
      .filter(({ state }) => state === 'waiting')
      .map(({ at }) => at);
  }

  moment(): Moment {
    const called = [...this.parties.values()].filter(({ state }) => state === 'called');
    return { waiting: this.waiting(), called: called.map(({ at }) => at) };
  }

  count(state: PartyState): number {
    return [...this.parties.values()].filter((party) => party.state === state).length;
  }

  party(id: string): ModelParty {
    const party = this.parties.get(id);
    if (party === undefined) throw new Error(`Nobody here is ${id}`);
    return party;
  }

  /**
   * Executes a command, or returns the problem. `events` are the next recorded ones: they provide the id of a joining
   * party and the order key of a place, which is checked. `moments` are the orders of the line that the caller of a move
   * may have seen.
   */
  apply(command: Command, events: readonly Recorded[], moments?: readonly Moment[]): Outcome {
    const { occupancy } = this;
    const before = new Map([...this.parties].map(([id, party]) => [id, { ...party, undo: null }]));
    const outcome = this.#execute(command, events, moments);
    for (const [id, party] of this.parties) {
      const was = before.get(id) ?? null;
      if (was?.seq === party.seq) continue;
      const people = this.occupancy - occupancy;
      party.undo = isUndoable(command) ? { was, people, kind: command.kind } : null;
    }
    return outcome;
  }

  #execute(
    command: Command,
    events: readonly Recorded[],
    moments: readonly Moment[] | undefined,
  ): Outcome {
    const [event] = events;
    switch (command.kind) {
      case 'join':
        return this.#join(command, event);
      case 'callNext': {
        const { minSize = 1, maxSize = Number.POSITIVE_INFINITY, lane } = command;
        const first = this.waiting().find(
          ({ id, lane: stands }) =>
            this.party(id).size >= minSize &&
            this.party(id).size <= maxSize &&
            (lane === undefined || stands === lane),
        );
        if (first === undefined) return refused('nobody-waiting');
        return this.#transition('call', first.id, false, event);
      }
      case 'move': {
        const party = this.party(command.partyId);
        if (party.state !== 'waiting') return refused('invalid-transition');
        const to = { position: command.position };
        return this.#place(party, to, event, moments ?? [this.moment()], false);
      }
      case 'snooze': {
        const party = this.party(command.partyId);
        const { giveUpCall } = command;
        const isAble = party.state === 'waiting' || (giveUpCall && party.state === 'called');
        if (!isAble) return refused('invalid-transition');
        if (party.snoozes >= snoozesMax) return refused('snooze-limit-reached');
        const to = { places: command.places };
        const outcome = this.#place(party, to, event, moments ?? [this.moment()], giveUpCall);
        if (outcome.kind === 'done') party.snoozes += 1;
        return outcome;
      }
      case 'resize':
        return this.#resize(command, event);
      case 'undo':
        return this.#takeBack(command, event);
      case 'click': {
        const why = this.#admit(command.delta, command.override === true);
        if (why !== null) return refused(why);
        const { occupancy, capacity } = this;
        const available = capacity === null ? null : Math.max(0, capacity - occupancy);
        return { kind: 'done', events: 0, answer: { occupancy, capacity, available } };
      }
      case 'open':
        return this.#queueChange(this.state !== 'open', () => (this.state = 'open'), event);
      case 'pause':
        return this.#queueChange(this.state !== 'paused', () => (this.state = 'paused'), event);
      case 'close':
        return this.#close(command.expireWaiting, events);
      case 'limit': {
        const { maxWaiting } = command;
        const isChange = maxWaiting !== this.maxWaiting;
        return this.#queueChange(isChange, () => (this.maxWaiting = maxWaiting), event);
      }
      default:
        return this.#transition(command.kind, command.partyId, command.override === true, event);
    }
  }

  #join(command: Extract<Command, { kind: 'join' }>, event: Recorded | undefined): Outcome {
    const { by, size, lane, phone, joinedAt } = command;
    const reasons: ProblemCode[] = [];
    if (this.state === 'closed') reasons.push('queue-closed');
    if (size > this.maxPartySize) reasons.push('party-too-large');
    // One that joined earlier was let in then.
    if (joinedAt === undefined) {
      if (this.state === 'paused') reasons.push('queue-paused');
      if (this.maxWaiting !== null && this.count('waiting') >= this.maxWaiting) {
        reasons.push('queue-full');
      }
    }
    if (reasons.length > 0) return refused(...reasons);
    if (event?.type !== 'party.joined' || event.party === null) {
      return wrong(`a party joined and ${describe(event)} is recorded`);
    }
    const { partyId: id, orderKey: key } = event.party;
    if (this.parties.has(id)) return wrong(`${id} joined twice`);
    if (joinedAt !== undefined && event.party.joinedAt !== joinedAt) {
      return wrong(`${id} joined at ${joinedAt}, and ${event.party.joinedAt} is recorded`);
    }
    const inLane = this.#lanes[lane];
    const index = joinedAt === undefined ? inLane.length : this.#indexOfJoin(lane, joinedAt);
    const [ahead, behind] = [inLane[index - 1], inLane[index]];
    const at = { lane, key, id };
    if (ahead !== undefined && compare(this.party(ahead).at, at) >= 0) {
      return wrong(`${id} did not join behind ${ahead}`);
    }
    if (behind !== undefined && compare(at, this.party(behind).at) >= 0) {
      return wrong(`${id} did not join in front of ${behind}`);
    }
    this.parties.set(id, {
      at,
      joinedAt: event.party.joinedAt,
      joinedKey: key,
      state: 'waiting',
      size,
      phone,
      calls: 0,
      confirmed: false,
      snoozes: 0,
      possibleDuplicate: false,
      seq: event.seq,
      undo: null,
    });
    // Hosts are trusted not to add a party twice; a guest who joins again cannot be recognised.
    if (by === 'guest') this.#markDoubles(id, phone);
    this.#lanes[lane] = inLane.toSpliced(index, 0, id);
    return this.#record('party.joined', id, null, event) ?? this.#told(id);
  }

  /**
   * Where a party belongs that joined earlier: in front of the first that waits, joined later and still stands where it
   * joined.
   */
  #indexOfJoin(lane: Lane, joinedAt: string): number {
    const index = this.#lanes[lane].findIndex((id) => {
      const party = this.party(id);
      const standsStill = party.at.key === party.joinedKey;
      return party.state === 'waiting' && party.joinedAt > joinedAt && standsStill;
    });
    return index === -1 ? this.#lanes[lane].length : index;
  }

  #transition(
    move: PlainMove,
    id: string,
    override: boolean,
    event: Recorded | undefined,
  ): Outcome {
    const party = this.party(id);
    const { state: before } = party;
    if (!allows(move, before)) return refused('invalid-transition');
    // A call is confirmed once; repeating it changes nothing.
    if (move === 'confirm' && party.confirmed) return this.#told(id, 0);
    const { to, event: type } = transitions[move];
    if (to === 'seated' || before === 'seated') {
      const why = this.#admit(to === 'seated' ? party.size : -party.size, override);
      if (why !== null) return refused(why);
    }
    party.state = to;
    if (move === 'call') {
      party.calls += 1;
      party.confirmed = false;
    }
    if (move === 'confirm') party.confirmed = true;
    if (move === 'restore') this.#markDoubles(id, party.phone);
    return this.#record(type, id, before, event) ?? this.#told(id);
  }

  /** Marks a party and those in the line with its phone, if there are any. */
  #markDoubles(id: string, phone: string | null): void {
    const same = [...this.parties].filter(
      ([otherId, party]) =>
        phone !== null &&
        party.phone === phone &&
        (otherId === id || ['waiting', 'called'].includes(party.state)),
    );
    if (same.length < 2) return;
    for (const [, party] of same) party.possibleDuplicate = true;
  }

  /** Changes the occupancy, or returns the problem when it exceeds the capacity. Leaving is always possible. */
  #admit(delta: number, override: boolean): ProblemCode | null {
    const occupancy = Math.max(0, this.occupancy + delta);
    const isFull = this.capacity !== null && delta > 0 && occupancy > this.capacity;
    if (isFull && !override) return 'venue-full';
    this.occupancy = occupancy;
    return null;
  }

  #resize(command: Extract<Command, { kind: 'resize' }>, event: Recorded | undefined): Outcome {
    const party = this.party(command.partyId);
    const { size, override = false } = command;
    if (size === party.size) return this.#told(command.partyId, 0);
    if (size > this.maxPartySize) return refused('party-too-large');
    if (party.state === 'seated') {
      const why = this.#admit(size - party.size, override);
      if (why !== null) return refused(why);
    }
    party.size = size;
    return (
      this.#record('party.changed', command.partyId, party.state, event) ??
      this.#told(command.partyId)
    );
  }

  /** Puts a party back to what it was. One that was added is removed. */
  #takeBack(command: Extract<Command, { kind: 'undo' }>, event: Recorded | undefined): Outcome {
    const { partyId: id, seq } = command;
    const party = this.party(id);
    const { undo, state: before } = party;
    if (party.seq !== seq) return refused('party-changed');
    if (undo === null) return refused('cannot-undo');
    this.occupancy = Math.max(0, this.occupancy - undo.people);
    if (undo.was === null) party.state = 'removed';
    else {
      const { at, possibleDuplicate, ...facts } = undo.was;
      Object.assign(party, facts);
      if (undo.kind === 'restore') party.possibleDuplicate = possibleDuplicate;
      const why = compareKeys(at, party.at) === 0 ? null : this.#returnTo(at, party, event);
      if (why !== null) return wrong(why);
      const isIn = (state: PartyState) => state === 'waiting' || state === 'called';
      if (isIn(party.state) && !isIn(before)) this.#markDoubles(id, party.phone);
    }
    return this.#record('party.undone', id, before, event) ?? this.#told(id);
  }

  /** Returns a moved party to its place, or directly in front of the party that has taken it. */
  #returnTo(at: Coordinates, party: ModelParty, event: Recorded | undefined): string | null {
    const { id } = at;
    const { lane } = party.at;
    this.#lanes[lane] = this.#lanes[lane].filter((other) => other !== id);
    const others = this.#lanes[at.lane].map((other) => this.party(other).at);
    const index = others.filter((other) => compareKeys(other, at) < 0).length;
    const isTaken = others[index] !== undefined && compareKeys(others[index], at) === 0;
    const key = isTaken ? (event?.party?.orderKey ?? '') : at.key;
    const place = { ...at, key };
    if (isTaken) {
      const [ahead, behind] = [others[index - 1], others[index] as Coordinates];
      const fits = compareKeys(place, behind) < 0 && (!ahead || compareKeys(ahead, place) < 0);
      if (!fits) return `${id} is not back in front of the one that took its place`;
    }
    this.#lanes[at.lane] = this.#lanes[at.lane].toSpliced(index, 0, id);
    party.at = place;
    return null;
  }

  /** Moves a waiting party, or a called one, to the place intended at one of these moments. */
  #place(
    party: ModelParty,
    to: { position: number } | { places: number },
    event: Recorded | undefined,
    moments: readonly Moment[],
    mayBeCalled: boolean,
  ): Outcome {
    const { state: before } = party;
    const { id } = party.at;
    if (event?.type !== 'party.moved' || event.partyId !== id || event.party === null) {
      return wrong(`${id} was moved and ${describe(event)} is recorded`);
    }
    const at = { lane: event.party.lane, key: event.party.orderKey, id };
    const othersOf = (lane: Lane) =>
      this.#lanes[lane].filter((other) => other !== id).map((other) => this.party(other).at);
    const others = { priority: othersOf('priority'), regular: othersOf('regular') };
    const index = others[at.lane].filter((other) => compare(other, at) < 0).length;
    const isMeant = moments.some(({ waiting, called }) => {
      const from = [...waiting, ...(mayBeCalled ? called : [])].find((other) => other.id === id);
      const meant = from && placeIn(waiting, from, party.at, to, others);
      return meant?.lane === at.lane && meant.index === index;
    });
    if (!isMeant) return wrong(`${id} moved to ${JSON.stringify(to)}, and stands elsewhere`);
    const old = party.at.lane;
    this.#lanes[old] = this.#lanes[old].filter((other) => other !== id);
    this.#lanes[at.lane] = this.#lanes[at.lane].toSpliced(index, 0, id);
    party.at = at;
    party.state = 'waiting';
    return this.#record('party.moved', id, before, event) ?? this.#told(id);
  }

  #close(expireWaiting: boolean, events: readonly Recorded[]): Outcome {
    const isChange = this.state !== 'closed';
    const closed = this.#queueChange(isChange, () => (this.state = 'closed'), events[0]);
    if (closed.kind !== 'done' || !expireWaiting) return closed;
    const gone = this.waiting();
    for (const [index, { id }] of gone.entries()) {
      const removed = this.#transition('remove', id, false, events[closed.events + index]);
      if (removed.kind !== 'done') return removed;
    }
    return { ...this.#queueTold(), events: closed.events + gone.length };
  }

  #queueChange(isChange: boolean, change: () => void, event: Recorded | undefined): Outcome {
    if (!isChange) return { ...this.#queueTold(), events: 0 };
    change();
    if (event?.type !== 'queue.changed') {
      return wrong(`the queue changed and ${describe(event)} is recorded`);
    }
    this.seq = event.seq;
    return { ...this.#queueTold(), events: 1 };
  }

  #queueTold() {
    const { state, maxWaiting } = this;
    const answer = {
      state,
      maxWaiting,
      waiting: this.count('waiting'),
      called: this.count('called'),
    };
    return { kind: 'done' as const, answer };
  }

  #told(id: string, events = 1): Outcome {
    const { at, state, size, calls, seq } = this.party(id);
    return { kind: 'done', events, answer: { id, lane: at.lane, state, size, calls, seq } };
  }

  /** Why this is not the event of a party's change; null when it is. */
  #record(
    type: string,
    id: string,
    previousState: PartyState | null,
    event: Recorded | undefined,
  ): Outcome | null {
    if (event === undefined || event.type !== type || event.partyId !== id) {
      return wrong(`${type} of ${id} is expected and ${describe(event)} is recorded`);
    }
    const party = this.party(id);
    party.seq = event.seq;
    this.seq = event.seq;
    const expected = {
      previousState,
      state: party.state,
      lane: party.at.lane,
      orderKey: party.at.key,
      size: party.size,
      calls: party.calls,
      confirmed: party.state === 'called' && party.confirmed,
    };
    const snapshot = event.party;
    const recorded = snapshot && {
      previousState: event.previousState,
      state: snapshot.state,
      lane: snapshot.lane,
      orderKey: snapshot.orderKey,
      size: snapshot.size,
      calls: snapshot.calls,
      confirmed: snapshot.state === 'called' && snapshot.confirmedAt !== null,
    };
    const [told, said] = [JSON.stringify(recorded), JSON.stringify(expected)];
    return told === said ? null : wrong(`${describe(event)} says ${told}, not ${said}`);
  }
}

/** The order of the line: by lane, then by key, then by id. */
function compare(a: Coordinates, b: Coordinates): number {
  return compareKeys(a, b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function compareKeys(a: Coordinates, b: Coordinates): number {
  const byLane = lanes.indexOf(a.lane) - lanes.indexOf(b.lane);
  if (byLane !== 0) return byLane;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/**
 * The place that a caller who saw this order intended, when the party was at `from`, as an index among `others` of a lane,
 * including parties that are not waiting. A move towards the front goes directly before the waiting party behind it, a move towards the end directly
 * after the waiting party before it, and a move to the end after all: parties that are not waiting are overtaken only
 * when necessary. The neighbours may have left or moved since; their old places count. Where another party has taken such a
 * place since, it counts as that neighbour.
 */
function placeIn(
  line: WaitingLine,
  from: Coordinates,
  own: Coordinates,
  to: { position: number } | { places: number },
  others: Record<Lane, readonly Coordinates[]>,
): { lane: Lane; index: number } {
  const rest = line.filter(({ id }) => id !== own.id);
  const aheadNow = rest.filter((other) => compare(other, from) < 0).length;
  const ahead = Math.min('places' in to ? aheadNow + to.places : to.position - 1, rest.length);
  const before = rest[ahead - 1];
  const behind = rest[ahead];
  const inFrontOf = (at: Coordinates) =>
    others[at.lane].filter((other) => compareKeys(other, at) < 0).length;
  if (behind !== undefined && compareKeys(own, behind) >= 0) {
    return { lane: behind.lane, index: inFrontOf(behind) };
  }
  // It is there already.
  if (before === undefined || compareKeys(before, own) < 0) {
    return { lane: own.lane, index: others[own.lane].filter((at) => compare(at, own) < 0).length };
  }
  const { lane } = before;
  const inLane = others[lane];
  const upTo = inLane.filter((other) => compareKeys(other, before) <= 0).length;
  return { lane, index: behind === undefined ? inLane.length : upTo };
}

function describe(event: Recorded | undefined): string {
  return event === undefined ? 'nothing' : `${event.seq} ${event.type} of ${event.partyId}`;
}

/** A command with its answer. */
export type Answered = {
  command: Command;
  answer: { ok: true; body: Record<string, unknown> } | { ok: false; code: string };
};

/**
 * Finds every order in which these concurrent commands give exactly these answers and events, with the events in the order
 * of their sequence numbers. Returns the possible resulting models, mostly one: the order of two occupancy changes, for
 * example, cannot be observed, and it matters when the venue is empty.
 *
 * @throws Error that describes the best attempt.
 */
export function explain(
  possible: readonly LineModel[],
  answered: readonly Answered[],
  events: readonly Recorded[],
): LineModel[] {
  const found = new Map<string, LineModel>();
  let furthest = { events: -1, reasons: [] as string[] };

  function search(
    model: LineModel,
    at: number,
    open: readonly Answered[],
    moments: readonly Moment[],
  ): void {
    const rest = events.slice(at);
    // A refusal changes nothing, so every command that can be refused now is.
    const left = open.filter(({ command, answer }) => {
      if (answer.ok) return true;
      const outcome = model.clone().apply(command, rest, moments);
      return !(outcome.kind === 'refused' && (outcome.as as string[]).includes(answer.code));
    });
    if (left.length === 0 && rest.length === 0) {
      found.set(model.fingerprint(), model);
      return;
    }
    const reasons: string[] = [];
    for (const one of left) {
      const next = model.clone();
      const outcome = next.apply(one.command, rest, moments);
      const why = differenceOf(one, outcome);
      if (why !== null) {
        reasons.push(`${JSON.stringify(one.command)}: ${why}`);
        continue;
      }
      const taken = outcome.kind === 'done' ? outcome.events : 0;
      search(
        next,
        at + taken,
        left.filter((other) => other !== one),
        [...moments, next.moment()],
      );
    }
    if (left.length === 0) reasons.push(`nobody asked for ${rest.map(describe).join(', ')}`);
    if (at > furthest.events) furthest = { events: at, reasons };
  }

  for (const model of possible) search(model, 0, answered, [model.moment()]);
  if (found.size > 0) return [...found.values()];
  throw new Error(
    [
      'no order of these commands explains what was answered and recorded:',
      ...answered.map((one) => `  ${JSON.stringify(one)}`),
      `recorded: ${events.map(describe).join(', ') || 'nothing'}`,
      `after ${furthest.events} of these events:`,
      ...furthest.reasons.map((reason) => `  ${reason}`),
    ].join('\n'),
  );
}

/** How an answer differs from the expected one; null when it does not. */
export function differenceOf({ answer }: Answered, outcome: Outcome): string | null {
  if (outcome.kind === 'wrong') return outcome.why;
  if (outcome.kind === 'refused') {
    return `was ${answer.ok ? 'done' : answer.code}, and is refused as ${outcome.as.join(' or ')}`;
  }
  if (!answer.ok) return `was refused as ${answer.code}, and is possible`;
  for (const [name, expected] of Object.entries(outcome.answer)) {
    // Guests' answers have fewer fields.
    if (!(name in answer.body)) continue;
    const told = answer.body[name];
    if (told !== expected) return `answered ${name} ${told}, not ${expected}`;
  }
  return null;
}

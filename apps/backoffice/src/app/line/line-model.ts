import type { VenueEvent, VenueQueue } from '@queue-manager/contracts/live';
import type { Occupancy } from '@queue-manager/contracts/occupancy';
import type { Party } from '@queue-manager/contracts/parties';
import { addedRow, eventOf, type Press, peopleIn, rowAfter } from './press.ts';
import {
  byCall,
  byEnd,
  byPlace,
  bySeat,
  type Change,
  type KnownParty,
  knownParty,
  type Part,
  partOf,
  partyAfter,
  type Row,
} from './row.ts';
import { type SortedRows, sortedRows } from './sorted-rows.ts';

/** A queue and its line. The position of a party is its index in `waiting` plus 1. */
export type QueueView = {
  readonly queue: VenueQueue;
  readonly waiting: readonly Row[];
  /** First the one that was called first. */
  readonly called: readonly Row[];
  readonly seated: readonly Row[];
  /** Parties of tonight whose visit has ended; first the last one. */
  readonly ended: readonly Row[];
};

/** A press that the server has refused, with those on the same party that wait for the decision. */
export type Conflict = { readonly press: Press; readonly behind: readonly Press[] };

/** What is kept of a line on the device. */
export type SavedLine = {
  queues: VenueQueue[];
  parties: KnownParty[];
  occupancy: Occupancy | null;
};

/** What has changed of it since it was last kept. */
export type LineChanges = SavedLine & {
  /** Whether `parties` are all that are known, not only those that have changed. */
  isWhole: boolean;
  /** Ids of parties that are not known any more. */
  forgotten: string[];
};

type QueueLine = { [P in Part]: SortedRows<Row> } & {
  queue: VenueQueue;
  /** What was last handed out; null after a change. */
  view: QueueView | null;
};

/** So many parties of a queue whose visit has ended are known: a device on which a stand is always open gets no slower. */
const endedMax = 1_000;
/** The server takes a time of joining that is about now for now. */
const joinedAtSkewMs = 15_000;

/** The line of a venue: what the server has said, and the presses that it has not acknowledged yet on top. */
export class LineModel {
  readonly #userId: string;
  readonly #now: () => number;
  readonly #parties = new Map<string, KnownParty>();
  /** Parties that have changed or gone since the line was last kept; null if it was not kept as a whole. */
  #unsaved: Set<string> | null = null;
  readonly #lines = new Map<string, QueueLine>();
  /** What is shown, by key. */
  readonly #rows = new Map<string, Row>();
  #occupancy: Occupancy | null = null;
  #presses: readonly Press[] = [];
  /** Of each party, in order. */
  #pressesOf = new Map<string, Press[]>();
  /** Parties that were added here: the press by the id that the server gave, and the other way round. */
  readonly #keyOf = new Map<string, string>();
  readonly #idOf = new Map<string, string>();

  constructor(userId: string, now: () => number) {
    this.#userId = userId;
    this.#now = now;
  }

  // What is shown

  queues(): readonly QueueView[] {
    return [...this.#lines.values()]
      .filter(({ queue }) => !queue.deleted)
      .map((line) => {
        const { queue, waiting, called, seated, ended } = line;
        line.view ??= {
          queue,
          waiting: waiting.rows(),
          called: called.rows(),
          seated: seated.rows(),
          ended: ended.rows(),
        };
        return line.view;
      });
  }

  row(key: string): Row | undefined {
    return this.#rows.get(this.#keyOf.get(key) ?? key);
  }

  /** With the people that unacknowledged presses count in and out. */
  occupancy(): Occupancy | null {
    if (this.#occupancy === null) return null;
    let people = 0;
    for (const { action, refusal } of this.#presses) {
      if (action.kind === 'count' && refusal === null) people += action.delta;
    }
    for (const key of this.#pressesOf.keys()) people += this.#peopleOf(key);
    return withPeople(this.#occupancy, people);
  }

  conflicts(): readonly Conflict[] {
    return this.#presses.flatMap((press) =>
      press.refusal === null
        ? []
        : [{ press, behind: this.pressesBehind(press).filter(({ refusal }) => refusal === null) }],
    );
  }

  get presses(): readonly Press[] {
    return this.#presses;
  }

  /** The presses on the same party that were made after this one. */
  pressesBehind(press: Press): Press[] {
    const all = this.#pressesOn(press);
    return all.slice(all.findIndex(({ id }) => id === press.id) + 1);
  }

  /** The last press on a party that is still to be acknowledged. */
  lastPressOn(key: string): Press | undefined {
    return this.#pressesOf.get(this.#keyOf.get(key) ?? key)?.at(-1);
  }

  /** The server's id of a party; null while it has none. */
  idOf(key: string): string | null {
    return this.#idOf.get(key) ?? (this.#parties.has(key) ? key : null);
  }

  known(partyId: string): KnownParty | undefined {
    return this.#parties.get(partyId);
  }

  /** The ids of the parties that wait, in the order that the server has. */
  waitingOf(queueId: string): string[] {
    return [...this.partiesOf(queueId)]
      .filter(({ state }) => state === 'waiting')
      .sort(byPlace)
      .map(({ id }) => id);
  }

  /** By how many people a press changes the occupancy. */
  peopleOfPress(press: Press): number {
    if (press.action.kind === 'count') return press.action.delta;
    return this.#peopleOf(this.keyOfPress(press), press);
  }

  queue(queueId: string): VenueQueue | undefined {
    return this.#lines.get(queueId)?.queue;
  }

  /** The parties of a queue, by the server's id. */
  *partiesOf(queueId: string): Iterable<KnownParty> {
    for (const party of this.#parties.values()) if (party.queueId === queueId) yield party;
  }

  // What the server says

  setQueue(queue: VenueQueue): void {
    const line = this.#lines.get(queue.id);
    if (line === undefined) {
      this.#lines.set(queue.id, {
        queue,
        waiting: sortedRows(byPlace),
        called: sortedRows(byCall),
        seated: sortedRows(bySeat),
        ended: sortedRows(byEnd),
        view: null,
      });
      for (const { id } of this.partiesOf(queue.id)) this.#show(this.#keyOf.get(id) ?? id);
      for (const { id, action } of this.#presses) if (action.kind === 'add') this.#show(id);
    } else if (queue.seq >= line.queue.seq) {
      line.queue = queue;
      line.view = null;
    }
  }

  setOccupancy(occupancy: Occupancy): void {
    this.#occupancy = occupancy;
  }

  addPeople(people: number): void {
    if (this.#occupancy !== null) this.#occupancy = withPeople(this.#occupancy, people);
  }

  /** Takes a party from a response, unless a later event is known. */
  setParty(party: Party): void {
    const known = this.#parties.get(party.id);
    if (known !== undefined && known.seq > party.seq) {
      const { name, email, phone, notes, ticket, ticketUrl } = party;
      this.#setKnown({ ...known, name, email, phone, notes, ticket, ticketUrl });
    } else {
      this.#setKnown(knownParty(party, known?.last ?? null));
    }
  }

  /** Whether the event was news. */
  applyEvent(event: VenueEvent): boolean {
    const { partyId, party } = event;
    if (partyId === null || party === null) return false;
    const known = this.#parties.get(partyId);
    if (known !== undefined && known.seq >= event.seq) {
      // An answer has come first; it did not say who and what.
      if (known.seq === event.seq && known.last?.type !== event.type) {
        this.#setKnown({ ...known, last: this.#changeOf(event) });
      }
      return false;
    }
    this.#nameAdded(event);
    this.#setKnown(partyAfter({ ...event, partyId, party }, known, this.#changeOf(event)));
    return true;
  }

  forgetParty(partyId: string): void {
    this.#parties.delete(partyId);
    this.#unsaved?.add(partyId);
    this.#show(this.#keyOf.get(partyId) ?? partyId);
  }

  #changeOf({ type, actor }: VenueEvent): Change {
    return { type, actor, isMine: actor.userId === this.#userId, heardAt: this.#now() };
  }

  #setKnown(party: KnownParty): void {
    this.#parties.set(party.id, party);
    this.#unsaved?.add(party.id);
    this.#show(this.#keyOf.get(party.id) ?? party.id);
    this.#forgetOldest(party.queueId);
  }

  #forgetOldest(queueId: string): void {
    const ended = this.#lines.get(queueId)?.ended.rows() ?? [];
    const oldest = ended.length > endedMax ? ended.at(-1) : undefined;
    if (oldest?.id && !this.#pressesOf.has(oldest.key)) this.forgetParty(oldest.id);
  }

  /** An event may be faster than the answer to the press that added the party. */
  #nameAdded({ type, actor, partyId, party, queueId }: VenueEvent): void {
    if (type !== 'party.joined' || actor.userId !== this.#userId || party === null) return;
    const joinedAt = Date.parse(party.joinedAt);
    const added = this.#presses.find(
      ({ action, at, sentAt, id }) =>
        action.kind === 'add' &&
        action.queueId === queueId &&
        action.size === party.size &&
        action.lane === party.lane &&
        Math.abs(at - joinedAt) <= joinedAtSkewMs &&
        sentAt !== null &&
        !this.#idOf.has(id),
    );
    if (added !== undefined) this.nameParty(added.id, partyId as string);
  }

  // Presses

  /** Says which id the server gave to a party that was added here. */
  nameParty(key: string, partyId: string): void {
    const former = this.#idOf.get(key);
    if (former === partyId) return;
    if (former !== undefined) {
      // Another device of the account has added a party like it at the same time.
      this.#hide(key);
      this.#keyOf.delete(former);
      this.#show(former);
    }
    this.#idOf.set(key, partyId);
    this.#keyOf.set(partyId, key);
    this.#hide(partyId);
    const presses = this.#pressesOf.get(partyId);
    if (presses !== undefined) this.setPresses(this.#presses);
    else this.#show(key);
  }

  /** All presses that the server has not acknowledged, in order. */
  setPresses(presses: readonly Press[]): void {
    const affected = new Set(this.#pressesOf.keys());
    this.#presses = presses;
    this.#pressesOf = Map.groupBy(
      presses.filter(({ action }) => action.kind !== 'count'),
      (press) => this.keyOfPress(press),
    );
    for (const key of this.#pressesOf.keys()) affected.add(key);
    for (const key of affected) this.#show(key);
  }

  /** The key of the row that a press is about; the press itself for a count at the door. */
  keyOfPress({ id, party }: Press): string {
    return party === null ? id : (this.#keyOf.get(party) ?? party);
  }

  #pressesOn(press: Press): readonly Press[] {
    if (press.action.kind === 'count') return [press];
    return this.#pressesOf.get(this.keyOfPress(press)) ?? [];
  }

  /** Presses that are shown as done: those before a refused one. */
  #applied(key: string): readonly Press[] {
    const presses = this.#pressesOf.get(key) ?? [];
    const refused = presses.findIndex(({ refusal }) => refusal !== null);
    return refused === -1 ? presses : presses.slice(0, refused);
  }

  /** The party as the server has it, or as it was added here. */
  #base(key: string): { row: Row | null; presses: readonly Press[] } {
    const presses = this.#applied(key);
    const party = this.#parties.get(this.#idOf.get(key) ?? key);
    const [first] = presses;
    if (party === undefined) {
      if (first === undefined || first.action.kind !== 'add') return { row: null, presses };
      return { row: addedRow(first, first.action), presses: presses.slice(1) };
    }
    const row: Row = { ...party, key, isPending: presses.length > 0, conflictId: null };
    const hasHappened =
      first !== undefined &&
      (first.action.kind === 'add' ||
        (first.sentAt !== null &&
          party.seq > (first.request?.body.seq as number) &&
          party.last?.isMine === true &&
          party.last.type === eventOf(first.action.kind)));
    return { row, presses: hasHappened ? presses.slice(1) : presses };
  }

  #rowOf(key: string): Row | null {
    const { row: base, presses } = this.#base(key);
    let row = base;
    for (const { action, at } of presses) {
      if (row === null) break;
      row = rowAfter(action, row, new Date(at).toISOString());
    }
    if (row === null) return null;
    const refused = this.#pressesOf.get(key)?.find(({ refusal }) => refusal !== null);
    const isPending = presses.length > 0 || row.id === null;
    return { ...row, key, isPending, conflictId: refused?.id ?? null };
  }

  #peopleOf(key: string, onlyOf: Press | null = null): number {
    const { row: base, presses } = this.#base(key);
    let [row, people] = [base, 0];
    for (const press of presses) {
      if (row === null) break;
      if (onlyOf === null || onlyOf.id === press.id) people += peopleIn(press.action, row);
      row = rowAfter(press.action, row, new Date(press.at).toISOString());
    }
    return people;
  }

  #show(key: string): void {
    const shown = this.#rows.get(key);
    const row = this.#rowOf(key);
    if (shown !== undefined && row !== null && isSame(shown, row)) return;
    this.#hide(key);
    const line = row === null ? undefined : this.#lines.get(row.queueId);
    if (row === null || line === undefined) return;
    line[partOf(row.state)].insert(row);
    line.view = null;
    this.#rows.set(key, row);
  }

  #hide(key: string): void {
    const shown = this.#rows.get(key);
    if (shown === undefined) return;
    const line = this.#lines.get(shown.queueId) as QueueLine;
    line[partOf(shown.state)].remove(shown);
    line.view = null;
    this.#rows.delete(key);
  }

  // What is kept on the device

  /** What has changed since the last call, or all of it if it could not be kept then. */
  takeChanges(): LineChanges {
    const changed = this.#unsaved === null ? null : [...this.#unsaved];
    this.#unsaved = new Set();
    return {
      queues: [...this.#lines.values()].map(({ queue }) => queue).filter(({ deleted }) => !deleted),
      occupancy: this.#occupancy,
      isWhole: changed === null,
      parties: (changed ?? [...this.#parties.keys()]).flatMap((id) => this.#parties.get(id) ?? []),
      forgotten: changed?.filter((id) => !this.#parties.has(id)) ?? [],
    };
  }

  /** The changes that were taken last could not be kept. */
  returnChanges(): void {
    this.#unsaved = null;
  }

  restore({ queues, parties, occupancy }: SavedLine): void {
    for (const queue of queues) this.setQueue(queue);
    for (const party of parties) this.#setKnown({ ...party, last: null });
    this.#unsaved = new Set();
    this.#occupancy = occupancy;
  }
}

function withPeople(known: Occupancy, people: number): Occupancy {
  if (people === 0) return known;
  const { capacity } = known;
  const occupancy = Math.max(0, known.occupancy + people);
  const available = capacity === null ? null : Math.max(0, capacity - occupancy);
  return { occupancy, capacity, available };
}

/** Whether two rows show the same. */
function isSame(a: Row, b: Row): boolean {
  return (Object.keys(b) as (keyof Row)[]).every((field) => {
    const [one, other] = [a[field], b[field]];
    if (one === other) return true;
    if (typeof one !== 'object' || typeof other !== 'object') return false;
    return JSON.stringify(one) === JSON.stringify(other);
  });
}

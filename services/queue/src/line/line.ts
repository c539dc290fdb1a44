import {
  type Actor,
  type EventOf,
  makeEvent,
  type PartyEventData,
  type PartyEventType,
} from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { PartyState } from '@queue-manager/contracts/parties';
import {
  changesOccupancy,
  isInLine,
  type PartyMove,
  partyMoves,
} from '@queue-manager/contracts/party-moves';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, newId } from '@queue-manager/service-kit/ids';
import { createKeyedGate, type KeyedGate } from '@queue-manager/service-kit/limits/gate';
import { problems } from '@queue-manager/service-kit/problems';
import { type Selectable, sql, type Updateable } from 'kysely';
import type { DatabaseTransaction } from '../db/database.ts';
import { preparedQuery } from '../db/prepared-query.ts';
import type {
  LockedParty,
  PartyRow,
  PartyTable,
  PersonalTable,
  QueueRow,
  QueueTable,
} from '../db/tables.ts';
import { insertRows, updateRow } from '../db/write-rows.ts';
import { planAlmostThere, planFollowUp } from './follow-up.ts';
import { insertEvents } from './line-event.ts';
import { Occupancy } from './occupancy.ts';
import { numberOfReturning } from './party-numbers.ts';
import { freePlace } from './place-between.ts';
import { planCorrection } from './plan-correction.ts';
import { partySnapshot, queueSnapshot } from './snapshots.ts';
import { TaskPlan } from './task-plan.ts';
import { overwritten, type Undo, undoOf } from './undo.ts';

const source = '/queue';
const selectParty = `
  SELECT p.*, c.email IS NOT NULL AS has_email
  FROM parties AS p LEFT JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
  WHERE p.queue_id = ? AND p.id = ?`;
const selectForUpdate = 'SELECT * FROM queues WHERE id = ? AND deleted_at IS NULL FOR UPDATE';
const selectDeletedForUpdate =
  'SELECT * FROM queues WHERE id = ? AND deleted_at IS NOT NULL FOR UPDATE';
/** Each row evaluates the whole CASE, so the cost grows with the square of this number. */
const partiesPerStatement = 100;

type Counter =
  | 'seq'
  | 'waiting'
  | 'called'
  | 'tail_key'
  | 'number_day'
  | 'last_number'
  | 'held_number';
type UndoneEvent = NonNullable<PartyEventData['undone']>;
type QueueSettings = Omit<Updateable<QueueTable>, Counter>;

type MoveOptions = {
  /** Free text. */
  reason?: string | undefined;
  /** Whether a manager exceeds the venue's capacity; recorded only if that was needed. */
  override?: boolean | undefined;
  /** The new place in the line. */
  place?: Pick<PartyRow, 'lane' | 'order_key'>;
  /** The position that the caller requested. */
  position?: number | undefined;
  /** The front of the line after the move, if known. */
  next?: readonly LockedParty[];
};

type ChangeDetails = Omit<MoveOptions, 'place' | 'next'> & {
  /** How many people the change has counted in. */
  counted?: number | undefined;
  /** Columns besides those of the change that undoing it puts back. */
  putBack?: readonly (keyof PartyTable)[] | undefined;
  /** The event that the change takes back. */
  undone?: UndoneEvent | undefined;
};

/** An event of a party that can be taken back. */
export type Undoable = UndoneEvent & { undo: Undo };

/**
 * A line under its lock, within one transaction. All changes are made through it, so that none lacks its sequence number,
 * its event, the counters or the tasks that follow.
 */
export class Line {
  readonly trx: DatabaseTransaction;
  readonly now: Date;
  /** The queue's row as it will be committed. */
  readonly queue: QueueRow;
  readonly events: LineEvent[] = [];
  readonly tasks: TaskPlan;
  readonly #clock: Clock;
  readonly #settings: QueueSettings = {};
  readonly #reasons: { queue_id: Buffer; seq: number; text: string }[] = [];
  readonly #undos = new Map<LineEvent, Undo>();
  readonly #occupancy: Occupancy | null;
  #hasMovedUp = false;
  /** A party that was put elsewhere in the line. */
  #moved: PartyRow | undefined;
  #next: readonly LockedParty[] | undefined;

  constructor(
    clock: Clock,
    trx: DatabaseTransaction,
    queue: QueueRow,
    occupancy: Occupancy | null,
  ) {
    this.#clock = clock;
    this.trx = trx;
    this.queue = queue;
    this.#occupancy = occupancy;
    this.now = clock.now();
    this.tasks = new TaskPlan(clock, this.now);
  }

  /** Changes settings of the queue; `write` writes them. */
  set(settings: QueueSettings): void {
    Object.assign(this.#settings, settings);
    Object.assign(this.queue, settings);
  }

  /** Records a change of the queue itself. */
  queueChanged(actor: Actor): void {
    const seq = this.#takeSeq();
    this.events.push(
      makeEvent({
        ...this.#envelope(bytesToUuid(this.queue.id)),
        type: 'queue.changed',
        data: { ...this.#ids(), queue: { ...queueSnapshot(this.queue), seq }, actor },
      }),
    );
  }

  /**
   * Reads the party's row under the lock; another request may have changed it since it was loaded. Throws
   * `party-changed` unless it is at `seq`, which a decision was based on.
   */
  async party(partyId: Buffer, seq?: number): Promise<LockedParty> {
    const { rows } = await this.trx.executeQuery(
      preparedQuery(selectParty, [this.queue.id, partyId]),
    );
    const party = rows[0] as LockedParty | undefined;
    if (party === undefined) throw new Error('The line has no such party');
    assertSeq(party, seq);
    return party;
  }

  /** Like `party`, for a move that needs preparation. Throws as `move` does. */
  async partyFor(partyId: Buffer, move: PartyMove, seq?: number): Promise<LockedParty> {
    const party = await this.party(partyId, seq);
    assertMove(party, move);
    return party;
  }

  /**
   * Moves a party by the table of moves, and to another `place` if there is one. Throws `invalid-transition` when the table
   * has no such move, and `venue-full` when the capacity does not allow to seat it.
   */
  async move(
    party: LockedParty,
    move: PartyMove,
    actor: Actor,
    { reason, override, place, position, next }: MoveOptions = {},
  ): Promise<PartyRow> {
    const { to, event } = partyMoves[move];
    assertMove(party, move);
    let people: { counted: number; isOverridden: boolean } | undefined;
    if (changesOccupancy(move) && (party.state === 'seated' || to === 'seated')) {
      const delta = to === 'seated' ? party.size : -party.size;
      people = await this.occupancy.change({ delta, actor, party, override, reason });
    }
    const number = move === 'restore' ? { number: await numberOfReturning(this, party) } : {};
    const moved = await this.changeParty(
      party,
      event,
      { state: to, ...changesOf(move, party, this.now), ...number, ...place },
      actor,
      {
        reason,
        override: people?.isOverridden,
        counted: people?.counted,
        position,
        putBack: flagsOf(move),
      },
    );
    if (party.state === 'waiting') this.#hasMovedUp = true;
    if (to === 'waiting') this.#moved = moved;
    this.#next = next;
    await planFollowUp(this, move, party, moved);
    return moved;
  }

  /**
   * Takes a party's last event back, which must be this one: the party is as it was before. Whom a seat let in leaves, and
   * who departed is inside again, even beyond the capacity: they never left. A party that was added is removed.
   */
  async takeBack(
    party: LockedParty,
    { undo, ...undone }: Undoable,
    actor: Actor,
  ): Promise<PartyRow> {
    let isOverridden = false;
    if (undo.people !== undefined) {
      const change = { delta: -undo.people, actor, party, override: true };
      ({ isOverridden } = await this.occupancy.change(change));
    }
    const isNew = undone.type === 'party.joined';
    const before = {
      ...party,
      ...(isNew ? { state: 'removed' as const, ended_at: this.now } : overwritten(undo)),
    } as LockedParty;
    if (isInLine(before.state) && !isInLine(party.state)) {
      before.number = await numberOfReturning(this, before);
    }
    if (!before.order_key.equals(party.order_key)) {
      before.order_key = await freePlace(this, before);
    }
    const changes = Object.fromEntries(
      Object.entries(before).filter(([column, value]) => value !== party[column as keyof PartyRow]),
    );
    const changed = await this.changeParty(party, 'party.undone', changes, actor, {
      override: isOverridden,
      undone,
    });
    if (undone.type !== 'party.changed') {
      if (party.state === 'waiting') this.#hasMovedUp = true;
      if (changed.state === 'waiting') this.#moved = changed;
    }
    await planCorrection(this, undone, changed, party.has_email === 1);
    return changed;
  }

  /** The occupancy of the venue; only for a change that has locked the venue. */
  get occupancy(): Occupancy {
    if (this.#occupancy === null) throw new Error('This change has not locked the venue');
    return this.#occupancy;
  }

  /** Changes columns of a party's row, and records the event and its reason. */
  async changeParty(
    party: PartyRow,
    type: PartyEventType,
    changes: Updateable<PartyTable>,
    actor: Actor,
    details: ChangeDetails = {},
  ): Promise<PartyRow> {
    const changed = this.#recordChange(party, type, changes, actor, details);
    const { queue_id, id } = party;
    await updateRow(this.trx, 'parties', { ...changes, seq: changed.seq }, { queue_id, id });
    return changed;
  }

  /**
   * `move` with `remove` for parties at the end of the line, where nobody moves up: in few statements, since the line is
   * locked meanwhile.
   */
  async removeAll(parties: readonly LockedParty[], actor: Actor, reason?: string): Promise<void> {
    const [first] = parties;
    if (first === undefined) return;
    const { to, event } = partyMoves.remove;
    // The same for every party, so that one statement can write them.
    const changes = { state: to, ...changesOf('remove', first, this.now) };
    const assigned = Object.entries(changes).map(
      ([column, value]) => sql`${sql.ref(column)} = ${value}`,
    );
    for (let from = 0; from < parties.length; from += partiesPerStatement) {
      const removed: PartyRow[] = [];
      for (const party of parties.slice(from, from + partiesPerStatement)) {
        assertMove(party, 'remove');
        const changed = this.#recordChange(party, event, changes, actor, { reason });
        await planFollowUp(this, 'remove', party, changed);
        removed.push(changed);
      }
      const seqs = removed.map(({ id, seq }) => sql`WHEN ${id} THEN ${seq}`);
      await sql`
        UPDATE parties
        SET ${sql.join(assigned)}, seq = CASE id ${sql.join(seqs, sql` `)} END
        WHERE queue_id = ${this.queue.id} AND id IN (${sql.join(removed.map(({ id }) => id))})`.execute(
        this.trx,
      );
    }
  }

  /** Updates the counters and adds the event of a change of a party; returns the row to write. */
  #recordChange(
    party: PartyRow,
    type: PartyEventType,
    changes: Updateable<PartyTable>,
    actor: Actor,
    { reason, override, position, counted, putBack = [], undone }: ChangeDetails,
  ): PartyRow {
    const seq = this.#takeSeq();
    const changed = { ...party, ...changes, seq } as PartyRow;
    this.#count(party.state, -1);
    this.#count(changed.state, +1);
    const event = this.#partyEvent(type, changed, party.state, actor, {
      ...(position === undefined ? {} : { position }),
      ...(override === true ? { override } : {}),
      ...(changed.size === party.size ? {} : { previousSize: party.size }),
      ...(undone === undefined ? {} : { undone }),
    });
    if (actor.kind === 'staff' && undone === undefined) {
      this.#undos.set(event, undoOf(party, [...Object.keys(changes), ...putBack], counted));
    }
    if (reason !== undefined) this.#reasons.push({ queue_id: this.queue.id, seq, text: reason });
    return changed;
  }

  /** Adds a new party and records the event. The caller keeps `tail_key`, the greatest order key. */
  async addParty(
    party: Omit<PartyRow, 'seq'>,
    personal: Selectable<PersonalTable>,
    actor: Actor,
  ): Promise<PartyRow> {
    const added: PartyRow = { ...party, seq: this.#takeSeq() };
    this.#count(added.state, +1);
    const event = this.#partyEvent('party.joined', added, null, actor);
    if (actor.kind === 'staff') this.#undos.set(event, { row: {} });
    await insertRows(this.trx, 'personal', [personal]);
    await insertRows(this.trx, 'parties', [added]);
    return added;
  }

  /** Writes the queue's row, the events and the tasks. Returns the events, for the feed after the commit. */
  async write(): Promise<LineEvent[]> {
    const { trx, queue } = this;
    if (this.events.length === 0) return [];
    if ((this.#hasMovedUp || this.#moved !== undefined) && queue.waiting > 0) {
      await planAlmostThere(this, { front: this.#next, moved: this.#moved });
    }
    await this.#writeQueue();
    await insertEvents(trx, this.events, this.#undos);
    await insertRows(trx, 'reasons', this.#reasons);
    await this.tasks.write(trx, queue);
    return this.events;
  }

  /** Always writes all counters, so that one prepared statement serves most changes. */
  async #writeQueue(): Promise<void> {
    const { venue_id, id, seq, waiting, called, tail_key } = this.queue;
    const { number_day, last_number, held_number } = this.queue;
    const counters = { seq, waiting, called, tail_key, number_day, last_number, held_number };
    if (Object.keys(this.#settings).length === 0) {
      return updateRow(this.trx, 'queues', counters, { venue_id, id });
    }
    await this.trx
      .updateTable('queues')
      .set({ ...counters, ...this.#settings })
      .where('venue_id', '=', venue_id)
      .where('id', '=', id)
      .execute();
  }

  #takeSeq(): number {
    this.queue.seq += 1;
    return this.queue.seq;
  }

  #count(state: PartyState, by: 1 | -1): void {
    if (state === 'waiting' || state === 'called') this.queue[state] += by;
  }

  #partyEvent(
    type: PartyEventType,
    party: PartyRow,
    previousState: PartyState | null,
    actor: Actor,
    details: {
      position?: number;
      override?: true;
      previousSize?: number;
      undone?: UndoneEvent;
    } = {},
  ): LineEvent {
    const data = {
      ...this.#ids(),
      previousState,
      party: partySnapshot(party),
      actor,
      ...details,
    };
    const event = makeEvent({
      ...this.#envelope(bytesToUuid(party.id)),
      type,
      data,
    }) as EventOf<PartyEventType>;
    this.events.push(event);
    return event;
  }

  #ids() {
    return { venueId: bytesToUuid(this.queue.venue_id), queueId: bytesToUuid(this.queue.id) };
  }

  #envelope(subject: string) {
    return { id: newId(this.#clock), source, subject, time: this.now.toISOString() };
  }
}

/** Throws `invalid-transition` unless the party's state allows the move. */
export function assertMove({ state }: PartyRow, move: PartyMove): void {
  const { from } = partyMoves[move];
  if ((from as readonly PartyState[]).includes(state)) return;
  throw problems.invalidTransition({ detail: `The party is ${state}, not ${from.join(' or ')}.` });
}

/** Throws `party-changed` unless the party is as it was when a decision about it was made. */
export function assertSeq(party: PartyRow, seq: number | undefined): void {
  if (seq === undefined || seq === party.seq) return;
  throw problems.partyChanged({
    detail: `Somebody else changed the party in the meantime. It is ${nameOf(party.state)} now.`,
  });
}

function nameOf(state: PartyState): string {
  return state === 'no_show' ? 'a no-show' : state;
}

/** The marks that a move, or what follows it, may change besides its own columns. */
function flagsOf(move: PartyMove): (keyof PartyTable)[] {
  if (move === 'move') return ['almost_there'];
  return move === 'restore' ? ['possible_duplicate'] : [];
}

/** The columns that a move changes besides the state. */
function changesOf(move: PartyMove, party: PartyRow, now: Date): Updateable<PartyTable> {
  const served = party.state === 'waiting' ? { served_at: now } : {};
  switch (move) {
    case 'call':
      return { called_at: now, confirmed_at: null, calls: party.calls + 1, ...served };
    case 'confirm':
      return { confirmed_at: now };
    case 'seat':
      return { seated_at: now, ...served };
    case 'depart':
      return { departed_at: now, ended_at: now };
    case 'restore':
      return {
        served_at: null,
        called_at: null,
        confirmed_at: null,
        seated_at: null,
        departed_at: null,
        ended_at: null,
      };
    case 'move':
      return {};
    case 'snooze':
      return { snoozes: party.snoozes + 1 };
    case 'giveUpCall':
      return {
        snoozes: party.snoozes + 1,
        served_at: null,
        called_at: null,
        confirmed_at: null,
        // Its guest knows the place from the response; this is reset unless that is near the front.
        almost_there: 1,
      };
    case 'noShow':
    case 'leave':
    case 'remove':
      return { ended_at: now };
  }
}

/**
 * The gate of changes of a line, `deps.lines`: call `run(queueId, …)` around a transaction that calls `lockLine`. Only one
 * transaction at a time holds the lock; more connections would only wait for it, and other queues need them.
 */
export function createLineGate(): KeyedGate {
  return createKeyedGate({ atOnce: 8, waitingMax: 256 });
}

/**
 * Locks a line for one change. The steps of a change are: lock, check, change, `write`, commit. After that
 * `feed.committed` delivers the events, and resolves when the position service has applied them (or its budget is over),
 * so that the caller's next read sees the change.
 *
 * The lock is a plain `SELECT … FOR UPDATE` on the queue's row, taken before any other row of the line. The venue's row
 * is locked before it: pass `occupancyOf` for a change that may change the occupancy. So changes of one line run one
 * after the other, and never deadlock.
 * Throws `not-found` when the queue was deleted meanwhile; with `isDeleted`, unless it was.
 */
export async function lockLine(
  { clock }: { clock: Clock },
  trx: DatabaseTransaction,
  queueId: Buffer,
  { occupancyOf, isDeleted }: { occupancyOf?: Buffer | undefined; isDeleted?: true } = {},
): Promise<Line> {
  const occupancy =
    occupancyOf === undefined ? null : await Occupancy.lock(clock, trx, occupancyOf);
  const select = isDeleted ? selectDeletedForUpdate : selectForUpdate;
  const { rows } = await trx.executeQuery(preparedQuery(select, [queueId]));
  const queue = rows[0] as QueueRow | undefined;
  if (queue === undefined) throw problems.notFound();
  return new Line(clock, trx, queue, occupancy);
}

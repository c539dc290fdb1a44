import {
  type Actor,
  type EventOf,
  makeEvent,
  type PartyEventType,
} from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { PartyState } from '@queue-manager/contracts/parties';
import { type PartyMove, partyMoves } from '@queue-manager/contracts/party-moves';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { Updateable } from 'kysely';
import { type DatabaseTransaction, inTransaction } from './database.ts';
import type { Deps } from './deps.ts';
import type { PartyRow, QueueRow } from './membership.ts';
import { originColumns } from './origin.ts';
import { partySnapshot, queueSnapshot } from './snapshots.ts';
import type { PartyTable, QueueTable } from './tables.ts';
import { planAlmostThere, planFollowUp } from './tasks/follow-up.ts';
import { TaskPlan } from './tasks/plan.ts';

const source = '/queue';
/** Keeps a statement far below any server's limit of a packet when a whole line is removed. */
const eventsPerStatement = 500;

/**
 * A line under its lock, within one transaction. Changes are made through it so that none can forget its
 * sequence number, its event, its outbox pointer, the counters or the work that follows.
 */
export class Line {
  readonly trx: DatabaseTransaction;
  readonly now: Date;
  /** The queue's row as it will be committed. */
  readonly queue: QueueRow;
  readonly events: LineEvent[] = [];
  readonly tasks: TaskPlan;
  readonly #deps: Deps;
  readonly #changes: Updateable<QueueTable> = {};
  readonly #reasons: { queue_id: Buffer; seq: number; text: string }[] = [];
  #hasMovedUp = false;

  constructor(deps: Deps, trx: DatabaseTransaction, queue: QueueRow) {
    this.#deps = deps;
    this.trx = trx;
    this.queue = queue;
    this.now = deps.clock.now();
    this.tasks = new TaskPlan(deps.clock, this.now);
  }

  /** Changes columns of the queue's row; written once, with the new `seq`, when the change is done. */
  set(changes: Updateable<QueueTable>): void {
    Object.assign(this.#changes, changes);
    Object.assign(this.queue, changes);
  }

  /** Records that the queue itself changed. */
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

  /** The party's row under the lock; another request may have moved it since it was loaded. */
  async party(partyId: Buffer): Promise<PartyRow> {
    return this.trx
      .selectFrom('parties')
      .selectAll()
      .where('queue_id', '=', this.queue.id)
      .where('id', '=', partyId)
      .executeTakeFirstOrThrow();
  }

  /** Moves a party by the table of moves. Throws `invalid-transition` when the table has no such move. */
  async move(party: PartyRow, move: PartyMove, actor: Actor, reason?: string): Promise<PartyRow> {
    const { from, to, event } = partyMoves[move];
    if (!(from as readonly PartyState[]).includes(party.state)) {
      throw problems.invalidTransition({
        detail: `The party is ${party.state}, not ${from.join(' or ')}.`,
      });
    }
    const { now } = this;
    const moved = await this.changeParty(
      party,
      event,
      { state: to, ...timesOf(move, party, now) },
      actor,
      reason,
    );
    if (party.state === 'waiting') this.#hasMovedUp = true;
    planFollowUp(this, move, party, moved);
    return moved;
  }

  /** Changes columns of a party's row and records the event; why, in somebody's words, is kept beside it. */
  async changeParty(
    party: PartyRow,
    type: PartyEventType,
    changes: Updateable<PartyTable>,
    actor: Actor,
    reason?: string,
  ): Promise<PartyRow> {
    const seq = this.#takeSeq();
    const changed = { ...party, ...changes, seq } as PartyRow;
    await this.trx
      .updateTable('parties')
      .set({ ...changes, seq })
      .where('queue_id', '=', party.queue_id)
      .where('id', '=', party.id)
      .execute();
    this.#count(party.state, -1);
    this.#count(changed.state, +1);
    this.#partyEvent(type, changed, party.state, actor);
    if (reason !== undefined) this.#reasons.push({ queue_id: this.queue.id, seq, text: reason });
    return changed;
  }

  /** Writes a new party at its place and records the event. */
  async addParty(party: Omit<PartyRow, 'seq'>, actor: Actor): Promise<PartyRow> {
    const added: PartyRow = { ...party, seq: this.#takeSeq() };
    await this.trx.insertInto('parties').values(added).execute();
    this.#count(added.state, +1);
    this.#partyEvent('party.joined', added, null, actor);
    return added;
  }

  /** Writes the queue's row, the events, their outbox pointers and the tasks. */
  async write(): Promise<void> {
    if (this.events.length === 0) return;
    const { trx, queue, now } = this;
    const origin = originColumns();
    if (this.#hasMovedUp && queue.waiting > 0) await planAlmostThere(this);
    await trx
      .updateTable('queues')
      .set(this.#changes)
      .where('venue_id', '=', queue.venue_id)
      .where('id', '=', queue.id)
      .execute();
    for (let from = 0; from < this.events.length; from += eventsPerStatement) {
      const events = this.events.slice(from, from + eventsPerStatement);
      await trx
        .insertInto('events')
        .values(
          events.map((event) => ({
            queue_id: queue.id,
            seq: seqOf(event),
            id: uuidToBytes(event.id),
            type: event.type,
            party_id: event.type === 'queue.changed' ? null : uuidToBytes(event.subject),
            time: now,
            data: JSON.stringify(event.data),
          })),
        )
        .execute();
      await trx
        .insertInto('outbox')
        .values(
          events.map((event) => ({
            queue_id: queue.id,
            seq: seqOf(event),
            created_at: now,
            ...origin,
          })),
        )
        .execute();
    }
    for (let from = 0; from < this.#reasons.length; from += eventsPerStatement) {
      const reasons = this.#reasons.slice(from, from + eventsPerStatement);
      await trx.insertInto('reasons').values(reasons).execute();
    }
    await this.tasks.write(trx, queue);
  }

  #takeSeq(): number {
    const seq = this.queue.seq + 1;
    this.set({ seq });
    return seq;
  }

  #count(state: PartyState, by: 1 | -1): void {
    if (state === 'waiting') this.set({ waiting: this.queue.waiting + by });
    if (state === 'called') this.set({ called: this.queue.called + by });
  }

  #partyEvent(
    type: PartyEventType,
    party: PartyRow,
    previousState: PartyState | null,
    actor: Actor,
  ): void {
    const data = {
      ...this.#ids(),
      previousState,
      party: partySnapshot(party),
      actor,
    };
    const event = makeEvent({ ...this.#envelope(bytesToUuid(party.id)), type, data });
    this.events.push(event as EventOf<PartyEventType>);
  }

  #ids() {
    return { venueId: bytesToUuid(this.queue.venue_id), queueId: bytesToUuid(this.queue.id) };
  }

  #envelope(subject: string) {
    return { id: newId(this.#deps.clock), source, subject, time: this.now.toISOString() };
  }
}

/** The sequence number that an event of a line carries. */
export function seqOf(event: LineEvent): number {
  return event.type === 'queue.changed' ? event.data.queue.seq : event.data.party.seq;
}

function timesOf(move: PartyMove, party: PartyRow, now: Date): Updateable<PartyTable> {
  switch (move) {
    case 'call':
      return { called_at: now, calls: party.calls + 1 };
    case 'seat':
      return { seated_at: now };
    default:
      return { ended_at: now };
  }
}

/** What a committed change gave, and the events it left. */
export type Done<T> = { result: T; events: LineEvent[] };

/**
 * Runs one change of a line: locks its row, lets `change` work, writes what it recorded, commits, and only
 * then hands the events on. Everything or nothing: an error thrown inside leaves no trace. Resolves when the
 * position service knows of it (or its budget is over), so that whoever reads next sees it.
 *
 * The lock is a plain `SELECT … FOR UPDATE` on the queue's row, taken before any other row of the line, so
 * that changes of one line wait for each other in order and two of them can never deadlock.
 * Throws `not-found` when the queue was deleted meanwhile.
 */
export async function changeLine<T>(
  deps: Deps,
  queueId: Buffer,
  change: (line: Line) => Promise<T>,
): Promise<T> {
  const { result, events } = await inTransaction(deps.db, (trx) =>
    changeLineWithin(deps, trx, queueId, change),
  );
  await deps.feed.committed(events);
  return result;
}

/** `changeLine` as part of a larger transaction; the caller hands the events to the feed after its commit. */
export async function changeLineWithin<T>(
  deps: Deps,
  trx: DatabaseTransaction,
  queueId: Buffer,
  change: (line: Line) => Promise<T>,
): Promise<Done<T>> {
  const queue = await trx
    .selectFrom('queues')
    .selectAll()
    .where('id', '=', queueId)
    .where('deleted_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (queue === undefined) throw problems.notFound();
  const line = new Line(deps, trx, queue);
  const result = await change(line);
  await line.write();
  return { result, events: line.events };
}

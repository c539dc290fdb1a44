import type { PartySnapshot, QueueSnapshot } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { lanes, type PartyState, partyStates } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Database } from '../db/database.ts';
import { seqOf, toLineEvent } from './line-event.ts';

/** A line as its events tell it, as of one moment. */
export type History = {
  venueId: string;
  queueId: string;
  /** Sequence number of the last event that counts. */
  seq: number;
  /** When that happened. */
  time: string;
  queue: QueueSnapshot;
  /** Everyone who ever joined, by id. */
  parties: Map<string, PartySnapshot>;
};

/** The events of a line are not what its changes wrote. */
export class BrokenHistory extends Error {
  override readonly name = 'BrokenHistory';
}

const eventsPerPage = 1_000;

/**
 * Folds the events of one queue, in the order of `seq`, into the line as it stood at a moment, or as it
 * stands after the last of them. What happened at that very moment counts. Each event carries the whole of
 * what it is about, so nothing but the line itself is kept. Undefined when the queue did not exist yet.
 *
 * The first event after the moment ends it, whatever the times of later ones say: clocks of two instances
 * may differ, and a line is only ever seen as it was after some number of its changes.
 *
 * Throws `BrokenHistory` when an event is missing.
 */
export async function foldHistory(
  events: AsyncIterable<LineEvent> | Iterable<LineEvent>,
  at: Date | null = null,
): Promise<History | undefined> {
  let history: History | undefined;
  for await (const event of events) {
    if (at !== null && new Date(event.time) > at) break;
    const seq = seqOf(event);
    const expected = (history?.seq ?? 0) + 1;
    if (seq !== expected) throw new BrokenHistory(`event ${expected} is missing before ${seq}`);
    const { venueId, queueId } = event.data;
    if (event.type === 'queue.changed') {
      history ??= {
        venueId,
        queueId,
        seq,
        time: event.time,
        queue: event.data.queue,
        parties: new Map(),
      };
      history.queue = event.data.queue;
    } else {
      if (history === undefined)
        throw new BrokenHistory('a party joined before the queue was made');
      history.parties.set(event.data.party.partyId, event.data.party);
    }
    history.seq = seq;
    history.time = event.time;
  }
  return history;
}

/** Those in a state, in the order of the line. */
export function partiesIn(history: History, state: PartyState): PartySnapshot[] {
  return [...history.parties.values()]
    .filter((party) => party.state === state)
    .sort(
      (a, b) =>
        lanes.indexOf(a.lane) - lanes.indexOf(b.lane) ||
        compareText(a.orderKey, b.orderKey) ||
        compareText(a.partyId, b.partyId),
    );
}

/** How many are in each state. */
export function countByState(history: History): Record<PartyState, number> {
  const counts = Object.fromEntries(partyStates.map((state) => [state, 0])) as Record<
    PartyState,
    number
  >;
  for (const { state } of history.parties.values()) counts[state] += 1;
  return counts;
}

/** Order keys and ids are lower-case hex, of which text compares as the bytes do. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The events of a queue in the order of `seq`, read page by page along the primary key. What is written
 * meanwhile comes too.
 */
export async function* readLineEvents(
  db: Database,
  queueId: string,
  perPage: number = eventsPerPage,
): AsyncGenerator<LineEvent> {
  for (let seq = 0; ; ) {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(perPage)
      .execute();
    for (const row of rows) yield toLineEvent(row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < perPage) return;
    seq = last.seq;
  }
}

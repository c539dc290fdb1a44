import type { PartySnapshot, QueueSnapshot } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { lanes, type PartyState, partyStates } from '@queue-manager/contracts/parties';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Database } from '../db/database.ts';
import { seqOf, toLineEvent } from './line-event.ts';

/** A line as of one moment, rebuilt from its events. */
export type History = {
  venueId: string;
  queueId: string;
  /** Sequence number of the last event included. */
  seq: number;
  /** Time of that event. */
  time: string;
  queue: QueueSnapshot;
  /** All parties that ever joined, by id. */
  parties: Map<string, PartySnapshot>;
};

/** An event of the line is missing. */
export class BrokenHistory extends Error {
  override readonly name = 'BrokenHistory';
}

const eventsPerPage = 1_000;

/**
 * Rebuilds the line of a queue from its events in the order of `seq`: as of a moment, inclusive, or after the last event.
 * Each event holds the whole party or queue, so only the line itself is kept in memory. Undefined when the queue did not
 * exist yet.
 *
 * Stops at the first event after the moment, whatever the times of later ones: clocks of two instances may differ, and
 * the result must be the line after some number of its changes.
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
        throw new BrokenHistory('a party joined before the queue was created');
      history.parties.set(event.data.party.partyId, event.data.party);
    }
    history.seq = seq;
    history.time = event.time;
  }
  return history;
}

/** The parties in a state, in the order of the line. */
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

/** The number of parties in each state. */
export function countByState(history: History): Record<PartyState, number> {
  const counts = Object.fromEntries(partyStates.map((state) => [state, 0])) as Record<
    PartyState,
    number
  >;
  for (const { state } of history.parties.values()) counts[state] += 1;
  return counts;
}

/** Order keys and ids are lower-case hex, so comparing the text compares the bytes. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The events of a queue in the order of `seq`, read page by page along the primary key. Includes events that are written
 * meanwhile.
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

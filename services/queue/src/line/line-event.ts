import { type Event, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { FedEvent, LineEvent } from '@queue-manager/contracts/internal';
import { routes } from '@queue-manager/events/topology';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { DatabaseTransaction } from '../db/database.ts';
import type { EventTable } from '../db/tables.ts';
import { traceColumns } from '../db/trace-context.ts';
import { insertRows } from '../db/write-rows.ts';
import type { Undo } from './undo.ts';

/** An event as the table `events` holds it. */
export type StoredEvent = FedEvent | EventOf<'venue.deleted'>;

/** How long the relay leaves an event to the feed. */
export const feedFirstMs = 1_000;

/**
 * How long the relay waits with other events, `venue.deleted` alone: its receivers erase personal data, and its waiting
 * guests are mailed first that the line has closed.
 */
const unfedDelayMs = 5_000;

/** Whether the position service alone receives an event, so that the feed can deliver it. */
export function isFed(event: Event): event is FedEvent {
  const [receiver, ...others] = routes[event.type];
  return receiver === 'position-events' && others.length === 0;
}

/** Writes events, which puts them into the outbox, each with what is needed to take it back. */
export async function insertEvents(
  trx: DatabaseTransaction,
  events: readonly StoredEvent[],
  undos: ReadonlyMap<StoredEvent, Undo> = new Map(),
): Promise<void> {
  const trace = traceColumns();
  await insertRows(
    trx,
    'events',
    events.map((event) => {
      const time = new Date(event.time);
      const undo = undos.get(event);
      return {
        queue_id: queueIdOf(event),
        seq: seqOf(event),
        id: uuidToBytes(event.id),
        type: event.type,
        party_id: 'party' in event.data ? uuidToBytes(event.data.party.partyId) : null,
        time,
        data: JSON.stringify(event.data),
        overwritten: undo === undefined ? null : JSON.stringify(undo),
        relay_at: new Date(time.getTime() + (isFed(event) ? feedFirstMs : unfedDelayMs)),
        ...trace,
      };
    }),
  );
}

/** An event from its row. */
export function toEvent(
  row: Pick<EventTable, 'id' | 'type' | 'party_id' | 'queue_id' | 'time' | 'data'>,
): StoredEvent {
  return makeEvent({
    id: bytesToUuid(row.id),
    source: '/queue',
    type: row.type,
    subject: bytesToUuid(row.party_id ?? row.queue_id),
    time: row.time.toISOString(),
    data: JSON.parse(row.data),
  }) as StoredEvent;
}

/** An event of a line, from a row with the queue's id. */
export function toLineEvent(row: Parameters<typeof toEvent>[0]): LineEvent {
  return toEvent(row) as LineEvent;
}

/** The `queue_id` of an event's row: for an event of a venue, the id of the venue. */
export function queueIdOf({ data }: StoredEvent): Buffer {
  return uuidToBytes('queueId' in data ? data.queueId : data.venueId);
}

/** The sequence number of an event. A venue's deletion is its number 1, which no other event of it takes. */
export function seqOf(event: StoredEvent): number {
  switch (event.type) {
    case 'venue.deleted':
      return 1;
    case 'occupancy.changed':
      return event.data.seq;
    case 'queue.changed':
      return event.data.queue.seq;
    default:
      return event.data.party.seq;
  }
}

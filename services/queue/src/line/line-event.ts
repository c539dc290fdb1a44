import { type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { EventTable } from '../db/tables.ts';

/** An event as its row keeps it, in its envelope. */
export function toEvent(row: EventTable): LineEvent | EventOf<'venue.deleted'> {
  return makeEvent({
    id: bytesToUuid(row.id),
    source: '/queue',
    type: row.type,
    subject: bytesToUuid(row.party_id ?? row.queue_id),
    time: row.time.toISOString(),
    data: JSON.parse(row.data),
  }) as LineEvent | EventOf<'venue.deleted'>;
}

/** The same of a row that stands under a queue's id: those are its line's. */
export function toLineEvent(row: EventTable): LineEvent {
  return toEvent(row) as LineEvent;
}

/** The sequence number that an event of a line carries. */
export function seqOf(event: LineEvent): number {
  return event.type === 'queue.changed' ? event.data.queue.seq : event.data.party.seq;
}

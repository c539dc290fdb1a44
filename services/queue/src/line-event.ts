import { makeEvent } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { EventTable } from './tables.ts';

/** An event of a line as its row keeps it, in its envelope. */
export function toLineEvent(row: EventTable): LineEvent {
  return makeEvent({
    id: bytesToUuid(row.id),
    source: '/queue',
    type: row.type,
    subject: bytesToUuid(row.party_id ?? row.queue_id),
    time: row.time.toISOString(),
    data: JSON.parse(row.data),
  }) as LineEvent;
}

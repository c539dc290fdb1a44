import { partyEventTypes } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Handlers } from '@queue-manager/events/consume';
import type { Lines } from './lines.ts';

/**
 * The guaranteed way of events into the projection; most have come directly before and change nothing. An
 * event that has to wait for an earlier one is kept in Redis, and counts as handled: should Redis forget it,
 * the rebuild that follows knows it too.
 */
export function onLineEvents(lines: Lines): Handlers {
  const apply = async (event: LineEvent) => {
    await lines.apply(event.data.queueId, [event], { waitMs: 0 });
  };
  return Object.fromEntries(
    ([...partyEventTypes, 'queue.changed'] as const).map((type) => [type, apply]),
  );
}

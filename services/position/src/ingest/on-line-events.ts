import { partyEventTypes } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Handlers } from '@queue-manager/events/consume';
import type { Deps } from '../deps.ts';

/**
 * The guaranteed way of events into the projection; most have come directly before and change nothing. An
 * event that has to wait for an earlier one is kept in Redis, and counts as handled: should Redis forget it,
 * the rebuild that follows knows it too.
 */
export function onLineEvents({ lines, estimates }: Pick<Deps, 'lines' | 'estimates'>): Handlers {
  const apply = async (event: LineEvent) => {
    const { queueId } = event.data;
    estimates.applied(queueId, await lines.apply(queueId, [event], { waitMs: 0 }));
  };
  return Object.fromEntries(
    ([...partyEventTypes, 'queue.changed'] as const).map((type) => [type, apply]),
  );
}

import type { EventOf } from '@queue-manager/contracts/events';
import { partyEventTypes } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Handlers } from '@queue-manager/events/consume';
import type { Deps } from '../deps.ts';

/**
 * Applies events from SQS: those that the feed could not deliver in time. Some are already applied and change nothing.
 * An event that arrived before an earlier one is buffered in Redis and acknowledged: if Redis loses it, the
 * rebuild that must follow includes it.
 */
export function onLineEvents({
  lines,
  estimates,
  announceChange,
  onApplied,
}: Pick<Deps, 'lines' | 'estimates' | 'announceChange' | 'onApplied'>): Handlers {
  const apply = async (event: LineEvent) => {
    const { venueId, queueId } = event.data;
    const applied = await lines.apply(queueId, [event], { waitMs: 0 });
    announceChange(venueId, queueId);
    estimates.applied(queueId, applied);
    if (applied.answers[0]?.isApplied) onApplied(event);
  };
  return {
    ...Object.fromEntries(
      ([...partyEventTypes, 'queue.changed'] as const).map((type) => [type, apply]),
    ),
    'occupancy.changed': async ({ data }: EventOf<'occupancy.changed'>) =>
      announceChange(data.venueId, null),
  };
}

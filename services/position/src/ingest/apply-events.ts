import {
  applyEvents,
  type FedEvent,
  type LineEvent,
  type Place,
} from '@queue-manager/contracts/internal';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { placeOf } from '../estimates/place.ts';

type Answer = { outcome: 'applied' | 'pending'; place: Place | null };

/** Fits the maximum number of events in the contract, at about 1 kB each. */
const bodyBytesMax = 4 * 1024 * 1024;

export const applyEventsDirectly = ({
  lines,
  estimates,
  announceChange,
  clock,
  directRebuildWaitMs,
  onApplied,
}: Deps) => ({
  bodyLimit: bodyBytesMax,
  ...route(applyEvents, async ({ body: { events } }) => {
    const answerOf = new Map<FedEvent, Answer>();
    const lineEvents = events.filter((event) => event.type !== 'occupancy.changed');
    for (const event of events) {
      if (event.type !== 'occupancy.changed') continue;
      announceChange(event.data.venueId, null);
      answerOf.set(event, { outcome: 'applied', place: null });
    }
    const eventsByQueue = Map.groupBy(lineEvents, ({ data }) => data.queueId);
    await Promise.all(
      Array.from(eventsByQueue, async ([queueId, eventsOfQueue]) => {
        const applied = await lines.apply(queueId, eventsOfQueue, { waitMs: directRebuildWaitMs });
        announceChange((eventsOfQueue[0] as LineEvent).data.venueId, queueId);
        estimates.applied(queueId, applied);
        const model = await estimates.of(queueId, applied, directRebuildWaitMs);
        const { waiting } = applied;
        const asOf = clock.now();
        applied.answers.forEach(({ isApplied, ...standing }, index) => {
          const event = eventsOfQueue[index] as LineEvent;
          if (isApplied) onApplied(event);
          answerOf.set(event, {
            outcome: isApplied ? 'applied' : 'pending',
            place: placeOf(model, { ...standing, waiting }, asOf),
          });
        });
      }),
    );
    return { answers: events.map((event) => answerOf.get(event) as Answer) };
  }),
});

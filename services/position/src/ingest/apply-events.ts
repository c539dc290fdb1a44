import { applyEvents, type LineEvent, type Place } from '@queue-manager/contracts/internal';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { placeOf } from '../estimates/place.ts';

type Answer = { outcome: 'applied' | 'pending'; place: Place | null };

/** Fits the maximum number of events in the contract, at about 1 kB each. */
const bodyBytesMax = 4 * 1024 * 1024;

export const applyEventsDirectly = ({ lines, estimates, clock, directRebuildWaitMs }: Deps) => ({
  bodyLimit: bodyBytesMax,
  ...route(applyEvents, async ({ body: { events } }) => {
    const eventsByQueue = Map.groupBy(events, ({ data }) => data.queueId);
    const answerOf = new Map<LineEvent, Answer>();
    await Promise.all(
      Array.from(eventsByQueue, async ([queueId, eventsOfQueue]) => {
        const applied = await lines.apply(queueId, eventsOfQueue, { waitMs: directRebuildWaitMs });
        estimates.applied(queueId, applied);
        const model = await estimates.of(queueId, applied, directRebuildWaitMs);
        const { waiting } = applied;
        const asOf = clock.now();
        applied.answers.forEach(({ isApplied, ahead, lane }, index) => {
          answerOf.set(eventsOfQueue[index] as LineEvent, {
            outcome: isApplied ? 'applied' : 'pending',
            place: placeOf(model, { ahead, lane, waiting }, asOf),
          });
        });
      }),
    );
    return { answers: events.map((event) => answerOf.get(event) as Answer) };
  }),
});

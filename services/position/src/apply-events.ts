import { applyEvents, type LineEvent } from '@queue-manager/contracts/internal';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { estimateWait } from './estimate.ts';

type Answer = {
  outcome: 'applied' | 'pending';
  place: { position: number; estimate: ReturnType<typeof estimateWait> } | null;
};

export const applyEventsDirectly = ({ lines, clock, directRebuildWaitMs }: Deps) =>
  route(applyEvents, async ({ body: { events } }) => {
    const byQueue = Map.groupBy(events, ({ data }) => data.queueId);
    const answerOf = new Map<LineEvent, Answer>();
    await Promise.all(
      Array.from(byQueue, async ([queueId, ofQueue]) => {
        const applied = await lines.apply(queueId, ofQueue, { waitMs: directRebuildWaitMs });
        const asOf = clock.now();
        ofQueue.forEach((event, index) => {
          const { isApplied, ahead } = applied.answers[index] ?? { isApplied: false, ahead: null };
          const { gapSeconds } = applied;
          answerOf.set(event, {
            outcome: isApplied ? 'applied' : 'pending',
            place:
              ahead === null
                ? null
                : { position: ahead + 1, estimate: estimateWait({ ahead, gapSeconds, asOf }) },
          });
        });
      }),
    );
    return { answers: events.map((event) => answerOf.get(event) as Answer) };
  });

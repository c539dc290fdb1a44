import { getLabels } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import { LRUCache } from 'lru-cache';

/** Guests' names belong to the queue service: they are cached this long, in memory only, never in Redis. */
const cacheMs = 30_000;
const cacheMax = 10_000;
/** After a failure, boards go without names for a while rather than load a failing queue service. */
const pauseMs = 2_000;
const timeoutMs = 1_000;

/** The names that a board shows; null for a party whose name is unknown or cannot be read now. */
export type Labels = (queueId: string, partyIds: readonly string[]) => Promise<(string | null)[]>;

export function createLabels(options: {
  queueService: InternalClient;
  clock: Clock;
  logger: Logger;
}): Labels {
  const { queueService, clock, logger } = options;
  const now = () => clock.now().getTime();
  const cache = new LRUCache<string, { label: string | null }>({
    max: cacheMax,
    ttl: cacheMs,
    // A manual clock may jump within a millisecond.
    ttlResolution: 0,
    perf: { now },
  });
  let pausedUntil = 0;

  async function load(queueId: string, partyIds: string[]): Promise<void> {
    if (partyIds.length === 0 || now() < pausedUntil) return;
    try {
      const { labels } = await withoutDeadline(() =>
        queueService.call(getLabels, { params: { queueId }, body: { partyIds }, timeoutMs }),
      );
      partyIds.forEach((partyId, index) => {
        cache.set(partyId, { label: labels[index] ?? null });
      });
    } catch (error) {
      logger.warn({ err: error, queueId }, 'cannot read names; boards show numbers instead');
      pausedUntil = now() + pauseMs;
    }
  }

  return async (queueId, partyIds) => {
    await load(
      queueId,
      partyIds.filter((partyId) => !cache.has(partyId)),
    );
    return partyIds.map((partyId) => cache.get(partyId)?.label ?? null);
  };
}

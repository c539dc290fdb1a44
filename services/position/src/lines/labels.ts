import { getLabels } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { createExpiringCache } from '../expiring-cache.ts';

/** Names live in the queue service; here they are remembered only this long, and never in Redis. */
const rememberSeconds = 30;
const rememberMax = 10_000;
/** Boards are asked for often and can do without names: a queue service that is away is left alone for a while. */
const pauseSeconds = 2;
const timeoutMs = 1_000;

/** What a board shows for parties; null where the queue service knows no name, or is away. */
export type Labels = (queueId: string, partyIds: readonly string[]) => Promise<(string | null)[]>;

export function createLabels(given: {
  queueService: InternalClient;
  clock: Clock;
  logger: Logger;
}): Labels {
  const { queueService, clock, logger } = given;
  const cache = createExpiringCache<string | null>({
    clock,
    seconds: rememberSeconds,
    sizeMax: rememberMax,
  });
  let pauseEnds = 0;

  async function ask(queueId: string, partyIds: string[]): Promise<void> {
    if (partyIds.length === 0 || clock.now().getTime() < pauseEnds) return;
    try {
      const { labels } = await queueService.call(getLabels, {
        params: { queueId },
        body: { partyIds },
        timeoutMs,
      });
      partyIds.forEach((partyId, index) => {
        cache.set(partyId, labels[index] ?? null);
      });
    } catch (error) {
      logger.warn({ err: error, queueId }, 'boards show numbers: names could not be asked for');
      pauseEnds = clock.now().getTime() + pauseSeconds * 1_000;
    }
  }

  return async (queueId, partyIds) => {
    await ask(
      queueId,
      partyIds.filter((partyId) => cache.get(partyId) === undefined),
    );
    return partyIds.map((partyId) => cache.get(partyId) ?? null);
  };
}

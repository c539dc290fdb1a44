import type { Logger } from '@queue-manager/service-kit/logging';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { venueChannel } from './line-keys.ts';

/**
 * Announces to the live streams of a venue, in all processes, that MySQL has a new event of one of its queues, or of its
 * occupancy if `queueId` is null. Best effort: the streams also look by themselves every few seconds.
 */
export type AnnounceChange = (venueId: string, queueId: string | null) => void;

/** A venue and its queues have different cluster slots, so the scripts that change a line cannot do this. */
export function createAnnounceChange(options: {
  redis: RedisClient;
  logger: Logger;
}): AnnounceChange {
  const { redis, logger } = options;
  return (venueId, queueId) => {
    redis
      .spublish(venueChannel(venueId), queueId ?? '')
      .catch((error: unknown) => logger.debug({ err: error, venueId }, 'cannot announce a change'));
  };
}

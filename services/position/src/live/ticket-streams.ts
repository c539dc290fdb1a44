import { randomBytes } from 'node:crypto';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import { dayMs, streamHoldersKey, streamKeys } from '../line-keys.ts';
import { defineScript } from '../scripts.ts';

/** Over all processes. */
export const streamsMax = 5;
/**
 * From then on the oldest stream of a ticket gives way to a new one: a phone that changes networks leaves streams
 * behind whose end nobody hears of. Six that are alive at once do not drive each other out any faster.
 */
const givesWayMs = 60_000;
/** The streams of a process that crashed stop counting this long after; one that lives says so in time. */
const claimMs = 40_000;
const renewMs = 10_000;

export type TicketStreams = {
  /**
   * Counts a stream that is to be opened; `end` is called when it gives way to another. Throws
   * `too-many-requests` when the party has as many as it may.
   */
  claim(subject: TicketSubject, end: () => void): Promise<{ release(): void }>;
  /** A stream gave way, of this process or of another. */
  onEnded(streamId: string): void;
  close(): void;
};

export function createTicketStreams(given: {
  redis: RedisClient;
  clock: Clock;
  logger: Logger;
}): TicketStreams {
  const { redis, clock, logger } = given;
  const openStream = defineScript(redis, 'open-stream-2', []);
  const process = randomBytes(9).toString('base64url');
  const endOf = new Map<string, () => void>();
  /** How many streams there are here of each queue. */
  const held = new Map<string, number>();
  let lastNumber = 0;

  async function renew(): Promise<void> {
    const until = clock.now().getTime() + claimMs;
    const renewals = [...held.keys()].flatMap((queueId) => {
      const key = streamHoldersKey(queueId);
      return [redis.zadd(key, until, process), redis.pexpire(key, claimMs)];
    });
    for (const renewal of await Promise.allSettled(renewals)) {
      if (renewal.status === 'fulfilled') continue;
      logger.debug({ err: renewal.reason }, 'claims of streams could not be renewed');
      return;
    }
  }
  const renewing = setInterval(() => void renew(), renewMs);
  renewing.unref();

  function hold(queueId: string, by: number): void {
    const count = (held.get(queueId) ?? 0) + by;
    if (count > 0) held.set(queueId, count);
    else held.delete(queueId);
  }

  return {
    async claim({ queueId, partyId }, end) {
      lastNumber += 1;
      const id = `${process}:${lastNumber}`;
      const keys = streamKeys(queueId, partyId);
      const now = clock.now().getTime();
      // Before it is asked for, so that it may give way at once.
      endOf.set(id, end);
      hold(queueId, 1);
      const forget = () => {
        endOf.delete(id);
        hold(queueId, -1);
      };
      try {
        const leftMs = (await openStream(keys, [
          ...[now, now + claimMs, process, id],
          ...[streamsMax, givesWayMs, dayMs],
        ])) as number;
        if (leftMs > 0) {
          throw problems.tooManyRequests({
            detail: `A ticket has at most ${streamsMax} streams at once.`,
            retryAfterSeconds: Math.ceil(leftMs / 1_000),
          });
        }
      } catch (error) {
        forget();
        throw error;
      }
      return {
        release() {
          forget();
          redis.zrem(keys[0], id).catch(() => undefined);
        },
      };
    },
    onEnded: (streamId) => endOf.get(streamId)?.(),
    close: () => clearInterval(renewing),
  };
}

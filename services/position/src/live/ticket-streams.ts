import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs } from '@queue-manager/service-kit/durations';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import {
  changesChannel,
  streamAnswersKey,
  streamHoldersKey,
  streamKeys,
} from '../projection/line-keys.ts';
import { defineScript } from '../projection/scripts.ts';

/** Per ticket, over all processes. */
export const streamsMax = 5;
/**
 * Age at which a ticket's oldest stream is evicted for a new one: a phone that changes networks leaves dead streams
 * behind that no end is received for. Six live clients evict each other no faster than this.
 */
const evictAfterMs = 60_000;
/** The streams of a crashed process stop counting after this; live processes renew their claims. */
const claimMs = 40_000;
const renewMs = 10_000;
/** Before a stream is refused, the processes that hold the others have this long to prove that they are alive. */
const answerMsMax = 500;
const answerPollMsMin = 5;
const answersKeptMs = 10_000;

export type TicketStreams = {
  /**
   * Registers a stream to be opened; `end` is called on its eviction. Throws `too-many-requests` if the party has the
   * maximum already.
   */
  claim(subject: TicketSubject, end: () => void): Promise<{ release(): void }>;
  /** A stream was evicted, of this process or of another. */
  onEvicted(streamId: string): void;
  /** A process asks which processes hold streams of a queue. */
  onAsked(queueId: string, question: string): void;
  close(): void;
};

export function createTicketStreams(options: {
  redis: RedisClient;
  clock: Clock;
  logger: Logger;
}): TicketStreams {
  const { redis, clock, logger } = options;
  const openStream = defineScript(redis, 'open-stream-2', []);
  const process = randomBytes(9).toString('base64url');
  const endOf = new Map<string, () => void>();
  /** Streams of this process by queue. */
  const held = new Map<string, number>();
  /** Queues whose holders are being asked. */
  const asking = new Map<string, Promise<boolean>>();
  let lastNumber = 0;

  async function renew(): Promise<void> {
    const claimEnd = clock.now().getTime() + claimMs;
    const renewals = [...held.keys()].flatMap((queueId) => {
      const key = streamHoldersKey(queueId);
      return [redis.zadd(key, claimEnd, process), redis.pexpire(key, claimMs)];
    });
    for (const renewal of await Promise.allSettled(renewals)) {
      if (renewal.status === 'fulfilled') continue;
      logger.debug({ err: renewal.reason }, 'cannot renew the claims of streams');
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

  /**
   * Removes the claims of crashed processes, whose guests reconnect within seconds while the claims still count; a
   * browser that is refused never retries. Asks all holders, and removes those that do not answer. True if there were
   * any. For a live process that is too busy to answer, its streams only stop counting.
   */
  async function forgetCrashed(queueId: string): Promise<boolean> {
    const before = await claims(queueId);
    let silent = [...before.keys()].filter((holder) => holder !== process);
    const question = randomBytes(9).toString('base64url');
    const askEnd = performance.now() + answerMsMax;
    for (let waitMs = answerPollMsMin; silent.length > 0; waitMs *= 2) {
      // Ask repeatedly: a process that has just opened its first stream may not be subscribed yet.
      await redis.spublish(changesChannel(queueId), JSON.stringify({ holders: question }));
      await delay(waitMs);
      const [answers, now] = await Promise.all([
        redis.smembers(streamAnswersKey(queueId, question)),
        claims(queueId),
      ]);
      const answered = new Set(answers);
      // A renewed claim proves life, too: its process may be asking the same, not yet subscribed. A claim that is
      // gone was removed by another process.
      const hasRenewed = (holder: string) =>
        now.has(holder) && now.get(holder) !== before.get(holder);
      silent = silent.filter((holder) => !answered.has(holder) && !hasRenewed(holder));
      if (performance.now() > askEnd) break;
    }
    if (silent.length === 0) return false;
    await redis.zrem(streamHoldersKey(queueId), ...silent);
    return true;
  }

  /** The processes that hold streams of a queue, and when their claims end. */
  async function claims(queueId: string): Promise<Map<string, string>> {
    const flat = await redis.zrange(streamHoldersKey(queueId), '0', '-1', 'WITHSCORES');
    return new Map(
      Array.from(
        { length: flat.length / 2 },
        (_, i) => [flat[2 * i], flat[2 * i + 1]] as [string, string],
      ),
    );
  }

  function forgetCrashedOnce(queueId: string): Promise<boolean> {
    const known = asking.get(queueId);
    if (known !== undefined) return known;
    const asked = forgetCrashed(queueId).finally(() => asking.delete(queueId));
    asking.set(queueId, asked);
    return asked;
  }

  return {
    async claim({ queueId, partyId }, end) {
      lastNumber += 1;
      const id = `${process}:${lastNumber}`;
      const keys = streamKeys(queueId, partyId);
      const now = clock.now().getTime();
      // Before the registration, so that the stream can be evicted at once.
      endOf.set(id, end);
      hold(queueId, 1);
      const forget = () => {
        endOf.delete(id);
        hold(queueId, -1);
      };
      try {
        const open = async () =>
          (await openStream(keys, [
            ...[now, now + claimMs, process, id],
            ...[streamsMax, evictAfterMs, dayMs],
          ])) as number;
        let leftMs = await open();
        if (leftMs > 0 && (await forgetCrashedOnce(queueId))) leftMs = await open();
        if (leftMs > 0) {
          throw problems.tooManyRequests({
            detail: `A ticket can have up to ${streamsMax} live streams open.`,
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
    onEvicted: (streamId) => endOf.get(streamId)?.(),
    onAsked(queueId, question) {
      if (!held.has(queueId)) return;
      const key = streamAnswersKey(queueId, question);
      Promise.all([redis.sadd(key, process), redis.pexpire(key, answersKeptMs)]).catch(ignore);
    },
    close: () => clearInterval(renewing),
  };
}

const ignore = () => undefined;

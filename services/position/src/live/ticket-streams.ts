import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import { problems } from '@queue-manager/service-kit/problems';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { TicketSubject } from '@queue-manager/service-kit/tickets';
import {
  changesChannel,
  dayMs,
  streamAnswersKey,
  streamHoldersKey,
  streamKeys,
} from '../line-keys.ts';
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
/** Before a stream is refused, processes that hold others are asked whether they are there, for so long. */
const answerMsMax = 500;
const answerLookMsMin = 5;
const answersKeptMs = 10_000;

export type TicketStreams = {
  /**
   * Counts a stream that is to be opened; `end` is called when it gives way to another. Throws
   * `too-many-requests` when the party has as many as it may.
   */
  claim(subject: TicketSubject, end: () => void): Promise<{ release(): void }>;
  /** A stream gave way, of this process or of another. */
  onEnded(streamId: string): void;
  /** A process asks who holds streams of a line. */
  onAsked(queueId: string, question: string): void;
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
  /** Lines whose holders are being asked. */
  const asking = new Map<string, Promise<boolean>>();
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

  /**
   * When a process crashed, its guests open their streams again within seconds, while its claim still counts;
   * refused, a browser would give its stream up for good. So holders are asked, and those that do not answer are
   * forgotten. True when there were some. One that lives and was too busy loses count of these streams, no more.
   */
  async function forgetCrashed(queueId: string): Promise<boolean> {
    const before = await claims(queueId);
    let silent = [...before.keys()].filter((holder) => holder !== process);
    const question = randomBytes(9).toString('base64url');
    const askEnd = performance.now() + answerMsMax;
    for (let waitMs = answerLookMsMin; silent.length > 0; waitMs *= 2) {
      // More than once: whoever has just opened its first stream may not have been listening yet.
      await redis.spublish(changesChannel(queueId), JSON.stringify({ holders: question }));
      await delay(waitMs);
      const [answers, now] = await Promise.all([
        redis.smembers(streamAnswersKey(queueId, question)),
        claims(queueId),
      ]);
      const here = new Set(answers);
      // Who claims anew is there as well: it may be asking the same, and listen to nothing before it has a stream.
      // Who is not there any more was found silent by somebody else.
      const claimsAnew = (one: string) => now.has(one) && now.get(one) !== before.get(one);
      silent = silent.filter((one) => !here.has(one) && !claimsAnew(one));
      if (performance.now() > askEnd) break;
    }
    if (silent.length === 0) return false;
    await redis.zrem(streamHoldersKey(queueId), ...silent);
    return true;
  }

  /** Who holds streams of a line, and until when that counts. */
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
      // Before it is asked for, so that it may give way at once.
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
            ...[streamsMax, givesWayMs, dayMs],
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
    onEnded: (streamId) => endOf.get(streamId)?.(),
    onAsked(queueId, question) {
      if (!held.has(queueId)) return;
      const key = streamAnswersKey(queueId, question);
      Promise.all([redis.sadd(key, process), redis.pexpire(key, answersKeptMs)]).catch(ignore);
    },
    close: () => clearInterval(renewing),
  };
}

const ignore = () => undefined;

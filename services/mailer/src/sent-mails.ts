import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterRetentionDays } from '@queue-manager/events/topology';
import { dayMs } from '@queue-manager/service-kit/durations';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { createScript } from './scripts.ts';

export type SentMails = {
  /**
   * Runs `send` unless the mail was sent already, here or in another process. While another one is at it,
   * waits for how that ends. Throws what `send` throws, an `AbortError` when it is stopped while it waits,
   * and Redis's error while that is away; then it is to be called again.
   */
  once(mailId: string, send: () => Promise<void>): Promise<void>;
  isSent(mailId: string): Promise<boolean>;
};

/**
 * How long a mail stays with a process that says nothing more: shorter than a message of a killed process
 * stays hidden, so that its next delivery finds the mail free.
 */
const leaseMs = 20_000;
const extendMs = 5_000;
const lookMs = 250;
/** As long as a dead letter lives: no message comes back later than that. */
const rememberedMs = deadLetterRetentionDays * dayMs;
const sent = 'sent';

/**
 * Which mails were sent, in Redis, so that a message that is delivered twice is mailed once. What a crash can
 * still double is in docs/adr/0013-which-crash-can-double-a-mail.md.
 */
export function createSentMails(options: { redis: RedisClient; signal: AbortSignal }): SentMails {
  const { redis, signal } = options;
  const extendLease = createScript(redis, 'extend-lease-1');
  const releaseLease = createScript(redis, 'release-lease-1');
  const keyOf = (mailId: string) => `mail:{${mailId}}`;
  /** Taken by the server while Redis could not be told. */
  const untold = new Set<string>();

  /** Takes the mail, or says that it was sent. */
  const take = async (key: string, lease: string): Promise<'taken' | 'sent'> => {
    for (;;) {
      if ((await redis.set(key, lease, 'PX', leaseMs, 'NX')) === 'OK') return 'taken';
      if ((await redis.get(key)) === sent) return 'sent';
      await delay(lookMs, undefined, { signal });
    }
  };

  const sendAsOwner = async (key: string, lease: string, send: () => Promise<void>) => {
    // One that cannot be extended runs out; the mail is on its way all the same.
    const extending = setInterval(
      () => extendLease(key, lease, leaseMs).catch(() => undefined),
      extendMs,
    );
    try {
      await send();
    } catch (error) {
      await releaseLease(key, lease).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(extending);
    }
  };

  return {
    async once(mailId, send) {
      const key = keyOf(mailId);
      if (!untold.has(mailId)) {
        const lease = `sending ${randomUUID()}`;
        if ((await take(key, lease)) === 'sent') return;
        await sendAsOwner(key, lease, send);
        untold.add(mailId);
      }
      await redis.set(key, sent, 'PX', rememberedMs);
      untold.delete(mailId);
    },
    isSent: async (mailId) => untold.has(mailId) || (await redis.get(keyOf(mailId))) === sent,
  };
}

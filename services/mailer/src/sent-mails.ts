import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterRetentionDays } from '@queue-manager/events/topology';
import { dayMs } from '@queue-manager/service-kit/durations';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { createScript } from './scripts.ts';

export type SentMails = {
  /**
   * Runs `send` unless the mail was sent already, by any process. While another process is sending it, waits for the
   * outcome. Throws the error of `send`, an `AbortError` when the mailer stops while waiting, and the error of Redis
   * while it is unavailable. The caller may retry.
   */
  once(mailId: string, send: () => Promise<void>): Promise<void>;
  isSent(mailId: string): Promise<boolean>;
};

/**
 * Lease of a mail that is being sent: shorter than the visibility timeout, so that the lease of a killed process has
 * expired at the next delivery.
 */
const leaseMs = 20_000;
const extendMs = 5_000;
const pollMs = 250;
/** No message is redriven later than dead letters are kept. */
const keepMs = deadLetterRetentionDays * dayMs;
const sent = 'sent';

/**
 * Records sent mails in Redis, so that a message that is delivered twice is mailed once. See
 * docs/adr/0013-which-crash-can-double-a-mail.md for the crashes that still duplicate a mail.
 */
export function createSentMails(options: { redis: RedisClient; signal: AbortSignal }): SentMails {
  const { redis, signal } = options;
  const extendLease = createScript(redis, 'extend-lease-1');
  const releaseLease = createScript(redis, 'release-lease-1');
  const keyOf = (mailId: string) => `mail:{${mailId}}`;
  /** Mails that the server accepted, but that could not be recorded in Redis yet. */
  const unrecorded = new Set<string>();

  /** Acquires the lease of a mail, unless it was sent. */
  const acquire = async (key: string, lease: string): Promise<'acquired' | 'sent'> => {
    for (;;) {
      if ((await redis.set(key, lease, 'PX', leaseMs, 'NX')) === 'OK') return 'acquired';
      if ((await redis.get(key)) === sent) return 'sent';
      await delay(pollMs, undefined, { signal });
    }
  };

  const sendAsOwner = async (key: string, lease: string, send: () => Promise<void>) => {
    // If extending fails, the lease expires. The mail is being sent anyway.
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
      if (!unrecorded.has(mailId)) {
        const lease = `sending ${randomUUID()}`;
        if ((await acquire(key, lease)) === 'sent') return;
        await sendAsOwner(key, lease, send);
        unrecorded.add(mailId);
      }
      await redis.set(key, sent, 'PX', keepMs);
      unrecorded.delete(mailId);
    },
    isSent: async (mailId) => unrecorded.has(mailId) || (await redis.get(keyOf(mailId))) === sent,
  };
}

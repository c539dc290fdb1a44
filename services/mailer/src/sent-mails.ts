import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { deadLetterRetentionDays } from '@queue-manager/events/topology';
import { dayMs } from '@queue-manager/service-kit/durations';
import { createLeases } from '@queue-manager/service-kit/lease';
import type { RedisClient } from '@queue-manager/service-kit/redis';

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
const leaseTimes = { leaseMs: 20_000, extendMs: 5_000 };
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
  const leases = createLeases(redis, leaseTimes);
  const keyOf = (mailId: string) => `mail:{${mailId}}`;
  /** Mails that the server accepted, but that could not be recorded in Redis yet. */
  const unrecorded = new Set<string>();

  /** Acquires the lease of a mail, unless it was sent. */
  const acquire = async (key: string, lease: string): Promise<'acquired' | 'sent'> => {
    for (;;) {
      if ((await redis.set(key, lease, 'PX', leaseTimes.leaseMs, 'NX')) === 'OK') return 'acquired';
      if ((await redis.get(key)) === sent) return 'sent';
      await delay(pollMs, undefined, { signal });
    }
  };

  return {
    async once(mailId, send) {
      const key = keyOf(mailId);
      if (!unrecorded.has(mailId)) {
        const lease = `sending ${randomUUID()}`;
        if ((await acquire(key, lease)) === 'sent') return;
        try {
          // Should the lease expire, the mail is still sent.
          await leases.holdDuring(key, lease, send);
        } catch (error) {
          await leases.release(key, lease);
          throw error;
        }
        unrecorded.add(mailId);
      }
      await redis.set(key, sent, 'PX', keepMs);
      unrecorded.delete(mailId);
    },
    isSent: async (mailId) => unrecorded.has(mailId) || (await redis.get(keyOf(mailId))) === sent,
  };
}

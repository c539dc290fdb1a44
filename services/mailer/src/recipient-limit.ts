import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mailboxOf } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { hourMs } from '@queue-manager/service-kit/durations';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { MailSkipped } from './mail-skipped.ts';

const countMailLua = readFileSync(new URL('./lua/count-mail-1.lua', import.meta.url), 'utf8');

/** Counts a mail to an address. Throws `MailSkipped` when the address has reached its limit. */
export type RecipientLimit = (
  mailId: string,
  address: string,
  subject: MailSubject,
) => Promise<void>;

/**
 * Counted separately: joining queues with someone else's address, or inviting it to venues, must not block the
 * password resets of its owner.
 */
export type MailSubject = 'account' | 'invitation' | 'party';

/**
 * Limits the mails to a mailbox within any hour, since anyone can join a queue with anyone's address. Redis holds
 * a keyed hash of the mailbox.
 */
export function createRecipientLimit(options: {
  redis: RedisClient;
  clock: Clock;
  secret: string;
  mailsPerHour: number;
}): RecipientLimit {
  const { redis, clock, secret, mailsPerHour } = options;
  return async (mailId, address, subject) => {
    const recipient = createHmac('sha256', secret)
      .update(`mails-to ${subject} ${mailboxOf(address)}`)
      .digest('base64url');
    const key = `mails-to:{${recipient}}`;
    const now = clock.now().getTime();
    if ((await redis.eval(countMailLua, 1, key, mailId, now, hourMs, mailsPerHour)) === 0)
      throw new MailSkipped('too many mails to this address this hour');
  };
}

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { MailRequestedData } from '@queue-manager/contracts/events';
import { mailboxOf } from '@queue-manager/contracts/values';
import type { Clock } from '@queue-manager/service-kit/clock';
import { dayMs, hourMs } from '@queue-manager/service-kit/durations';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { MailSkipped } from './mail-skipped.ts';

const countWithinLua = readFileSync(new URL('./lua/count-within-1.lua', import.meta.url), 'utf8');

/**
 * Limits on mails, counted in Redis with keyed hashes of mailboxes. Each throws `MailSkipped` when it is reached.
 */
export type MailLimits = {
  /** Counts a mail to an address within any hour, since anyone can join a queue with anyone's address. */
  countMail(mailId: string, address: string, subject: MailSubject): Promise<void>;
  /** Counts the addresses that a new sender mails within any day, since anyone can open a venue. */
  countRecipient(
    sender: NonNullable<MailRequestedData['newSender']>,
    address: string,
  ): Promise<void>;
};

/**
 * Counted separately: joining queues with someone else's address, or inviting it to venues, must not block the
 * password resets of its owner.
 */
export type MailSubject = 'account' | 'invitation' | 'party';

export function createMailLimits(options: {
  redis: RedisClient;
  clock: Clock;
  secret: string;
  mailsPerHour: number;
}): MailLimits {
  const { redis, clock, secret, mailsPerHour } = options;
  const hashOf = (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
  const isCounted = async (key: string, what: string, forMs: number, max: number) =>
    (await redis.eval(countWithinLua, 1, key, what, clock.now().getTime(), forMs, max)) === 1;

  return {
    async countMail(mailId, address, subject) {
      const recipient = hashOf(`mails-to ${subject} ${mailboxOf(address)}`);
      if (!(await isCounted(`mails-to:{${recipient}}`, mailId, hourMs, mailsPerHour)))
        throw new MailSkipped('too many mails to this address this hour');
    },
    async countRecipient({ id, recipientsOfDayMax: max }, address) {
      const recipient = hashOf(`mailed-by ${id} ${mailboxOf(address)}`);
      if (!(await isCounted(`mailed-by:{${id}}`, recipient, dayMs, max)))
        throw new MailSkipped(`a new venue can mail up to ${max} people in 24 hours`);
    },
  };
}

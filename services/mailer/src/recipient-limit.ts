import { createHmac } from 'node:crypto';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { PermanentFailure } from '@queue-manager/events/consume';
import type { Clock } from '@queue-manager/service-kit/clock';
import { hourMs } from '@queue-manager/service-kit/durations';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { createScript } from './scripts.ts';

/** Counts a mail to an address. Throws a `PermanentFailure` when that would be too many within an hour. */
export type RecipientLimit = (mailId: string, address: string, about: MailSubject) => Promise<void>;

/**
 * Counted apart: whoever joins lines with a stranger's address, or invites it to venues, must not use up the
 * stranger's password resets.
 */
export type MailSubject = 'account' | 'invitation' | 'party';

/**
 * A limit of how many mails an address gets within any hour, whoever asks for them: anyone may join a line
 * with anyone's address. Redis holds a keyed hash of the address, which does not give it away.
 */
export function createRecipientLimit(options: {
  redis: RedisClient;
  clock: Clock;
  secret: string;
  mailsPerHour: number;
}): RecipientLimit {
  const { redis, clock, secret, mailsPerHour } = options;
  const countMail = createScript(redis, 'count-mail-1');

  return async (mailId, address, about) => {
    const recipient = createHmac('sha256', secret)
      .update(`mails-to ${about} ${normaliseEmail(address)}`)
      .digest('base64url');
    const key = `mails-to:{${recipient}}`;
    const now = clock.now().getTime();
    if ((await countMail(key, mailId, now, hourMs, mailsPerHour)) === 0)
      throw new PermanentFailure('too many mails to this address this hour');
  };
}

import { Email, Locale } from '@queue-manager/contracts/values';
import { Flag, RedisUrl, serviceEnv } from '@queue-manager/service-kit/config';
import { z } from 'zod';

/** An e-mail address with an optional name: `Queue Manager <no-reply@example.com>`. */
const Sender = z.string().transform((written, context) => {
  const [, name = '', bracketed, bare] =
    /^(?:([^<>]*)<([^<>]+)>|([^<>]+))$/.exec(written.trim()) ?? [];
  const address = Email.safeParse(bracketed ?? bare);
  if (!address.success || /\p{Cc}/u.test(name)) {
    context.addIssue({
      code: 'custom',
      message: 'must be an address such as Queue Manager <no-reply@example.com>',
    });
    return z.NEVER;
  }
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address: address.data };
});

/** Seconds, separated by commas. SQS hides a message for at most twelve hours. */
const Delays = z
  .string()
  .regex(/^\d+(?:,\d+)*$/, 'must be seconds such as 20,120')
  .transform((list) => list.split(',').map(Number))
  .pipe(z.array(z.int().min(1).max(43_200)));

/** Of the process and of Lambda. */
export const mailerLambdaEnv = {
  LOG_LEVEL: serviceEnv.LOG_LEVEL,
  INTERNAL_CREDENTIAL: serviceEnv.INTERNAL_CREDENTIAL,
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps address' }),
  MAIL_FROM: Sender.prefault('Queue Manager <no-reply@queue-manager.dev>'),
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL is a Redis Cluster; its other nodes are discovered. */
  REDIS_CLUSTER: Flag,
  /** Redis counts as unavailable after this long without a reply. */
  REDIS_COMMAND_TIMEOUT_MS: z.coerce.number().int().min(1).max(60_000).default(1_000),
  /** Recipient of alerts about dead letters, and the language. Without one, alerts are only logged. */
  OPERATOR_EMAIL: Email.optional(),
  OPERATOR_LOCALE: Locale.default('en'),
  MAILS_PER_RECIPIENT_PER_HOUR: z.coerce.number().int().min(1).default(60),
  /**
   * Delays after the first and second failure of a mail. Servers that defer mail of unknown senders (greylisting)
   * usually accept it after a minute.
   */
  MAIL_RETRY_DELAYS_SECONDS: Delays.prefault('5,60'),
  /** Prefix of the names of message queues. */
  SQS_PREFIX: z.string().default(''),
};

export const mailerEnv = { ...serviceEnv, ...mailerLambdaEnv, PROVISION: Flag };

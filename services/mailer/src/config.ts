import { Locale } from '@queue-manager/contracts/values';
import { Flag, RedisUrl, serviceEnv } from '@queue-manager/service-kit/config';
import { z } from 'zod';

/** An address with or without a name: `Queue Manager <no-reply@example.com>`. */
const Sender = z.string().transform((written, context) => {
  const [, name = '', bracketed, bare] =
    /^(?:([^<>]*)<([^<>]+)>|([^<>]+))$/.exec(written.trim()) ?? [];
  const address = z.email().safeParse(bracketed ?? bare);
  if (!address.success || /\p{Cc}/u.test(name)) {
    context.addIssue({
      code: 'custom',
      message: 'must be an address such as Queue Manager <no-reply@example.com>',
    });
    return z.NEVER;
  }
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address: address.data };
});

/** Seconds, separated by commas; SQS hides a message for twelve hours at most. */
const Delays = z
  .string()
  .regex(/^\d+(?:,\d+)*$/, 'must be seconds such as 20,120')
  .transform((list) => list.split(',').map(Number))
  .pipe(z.array(z.int().min(1).max(43_200)));

export const mailerEnv = {
  ...serviceEnv,
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps address' }),
  MAIL_FROM: Sender.prefault('Queue Manager <no-reply@queue-manager.dev>'),
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL names a Redis Cluster, whose other nodes are then found through those named. */
  REDIS_CLUSTER: Flag,
  /** After this long without an answer Redis counts as away. */
  REDIS_COMMAND_TIMEOUT_MS: z.coerce.number().int().min(1).max(60_000).default(1_000),
  /** Who is mailed when messages end as dead letters, and in which language; nobody when not given. */
  OPERATOR_EMAIL: z.email().optional(),
  OPERATOR_LOCALE: Locale.default('en'),
  MAILS_PER_RECIPIENT_PER_HOUR: z.coerce.number().int().min(1).default(60),
  /**
   * How long a mail waits after its first and its second failure. Servers that put off mail of those they
   * do not know take it after a minute.
   */
  MAIL_RETRY_DELAYS_SECONDS: Delays.prefault('5,60'),
  /** Put before the names of message queues. */
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};

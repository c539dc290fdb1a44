import { Flag, serviceEnv } from '@queue-manager/service-kit/config';
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

export const mailerEnv = {
  ...serviceEnv,
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be an smtp or smtps address' }),
  MAIL_FROM: Sender.prefault('Queue Manager <no-reply@queue-manager.dev>'),
  /** Put before the names of message queues. */
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};

import type { ConsumerOptions } from '@queue-manager/events/consume';
import { createPublisher } from '@queue-manager/events/publish';
import { createTaskReporter, type TaskReporter } from '@queue-manager/events/report-task';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import { createRecipientLimit, type RecipientLimit } from './recipient-limit.ts';
import type { RenderMail } from './render-mail.ts';
import { createSentMails, type SentMails } from './sent-mails.ts';
import type { Smtp } from './smtp.ts';

/** What the mailer is made of. */
export type Outside = {
  logger: Logger;
  clock: Clock;
  internalCredential: string;
  redis: RedisClient;
  sqs: ConsumerOptions['sqs'];
  sqsPrefix: string;
  smtp: Smtp;
  renderMail: RenderMail;
  mailsPerRecipientPerHour: number;
  retryDelaysSeconds: readonly number[];
  /** Who is mailed about dead letters; without one, alerts are in the log only. */
  operator: { address: string; locale: string } | undefined;
};

export type Deps = Outside & {
  taskReporter: TaskReporter;
  sentMails: SentMails;
  recipientLimit: RecipientLimit;
};

/** `signal` says that the mailer stops: nothing waits for another process then. */
export function createDeps(outside: Outside, signal: AbortSignal): Deps {
  const { redis, clock, sqs, sqsPrefix } = outside;
  return {
    ...outside,
    taskReporter: createTaskReporter({
      publisher: createPublisher({ sqs, prefix: sqsPrefix }),
      clock,
      source: '/mailer',
    }),
    sentMails: createSentMails({ redis, signal }),
    recipientLimit: createRecipientLimit({
      redis,
      clock,
      secret: outside.internalCredential,
      mailsPerHour: outside.mailsPerRecipientPerHour,
    }),
  };
}

import type { ConsumerOptions } from '@queue-manager/events/consume';
import { createPublisher } from '@queue-manager/events/publish';
import { createTaskReporter, type TaskReporter } from '@queue-manager/events/report-task';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { RedisClient } from '@queue-manager/service-kit/redis';
import type { LabelsOf } from '@queue-manager/service-kit/telemetry/metrics-list';
import { createMailLimits, type MailLimits } from './mail-limits.ts';
import { createPartyOrder, type PartyOrder } from './party-order.ts';
import type { RenderMail } from './render-mail.ts';
import { createSentMails, type SentMails } from './sent-mails.ts';
import type { Smtp } from './smtp.ts';

/** Connections, clock, logger and settings. */
export type MailerOptions = {
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
  /** Recipient of alerts about dead letters; without one, alerts are only logged. */
  operator: { address: string; locale: string } | undefined;
};

export type Deps = MailerOptions & {
  taskReporter: TaskReporter;
  sentMails: SentMails;
  partyOrder: PartyOrder;
  mailLimits: MailLimits;
  countMail: CountMail;
};

type CountMail = (labels: LabelsOf<'mails_total'>) => void;

/** `signal` aborts waiting for other processes when the mailer stops. */
export function createDeps(
  options: MailerOptions,
  signal: AbortSignal,
  countMail: CountMail = () => {},
): Deps {
  const { redis, clock, sqs, sqsPrefix } = options;
  return {
    ...options,
    countMail,
    taskReporter: createTaskReporter({
      publisher: createPublisher({ sqs, prefix: sqsPrefix }),
      clock,
      source: '/mailer',
    }),
    sentMails: createSentMails({ redis, signal }),
    partyOrder: createPartyOrder({ redis, signal }),
    mailLimits: createMailLimits({
      redis,
      clock,
      secret: options.internalCredential,
      mailsPerHour: options.mailsPerRecipientPerHour,
    }),
  };
}

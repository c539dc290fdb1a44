import { createSqsClient } from '@queue-manager/events/client';
import { systemClock } from '@queue-manager/service-kit/clock';
import type { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { connectRedis } from '@queue-manager/service-kit/redis';
import type { mailerLambdaEnv } from './config.ts';
import type { MailerOptions } from './deps.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';

type Config = ReturnType<typeof readConfig<typeof mailerLambdaEnv>>;

/** Connections and settings, for the process and for Lambda. */
export async function connectMailer(config: Config): Promise<MailerOptions> {
  const logger = createLogger({ name: 'mailer', level: config.LOG_LEVEL });
  const clock = systemClock;
  return {
    logger,
    clock,
    internalCredential: config.INTERNAL_CREDENTIAL,
    redis: connectRedis({
      url: config.REDIS_URL,
      isCluster: config.REDIS_CLUSTER,
      commandTimeoutMs: config.REDIS_COMMAND_TIMEOUT_MS,
      logger,
    }),
    sqs: createSqsClient(),
    sqsPrefix: config.SQS_PREFIX,
    smtp: createSmtp({ url: config.SMTP_URL, from: config.MAIL_FROM, clock }),
    renderMail: await loadTemplates(),
    mailsPerRecipientPerHour: config.MAILS_PER_RECIPIENT_PER_HOUR,
    retryDelaysSeconds: config.MAIL_RETRY_DELAYS_SECONDS,
    operator:
      config.OPERATOR_EMAIL === undefined
        ? undefined
        : { address: config.OPERATOR_EMAIL, locale: config.OPERATOR_LOCALE },
  };
}

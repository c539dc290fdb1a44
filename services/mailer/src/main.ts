import { createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { serve } from '@queue-manager/service-kit/serve';
import { createMailerApp } from './app.ts';
import { mailerEnv } from './config.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';

await serve(async () => {
  const config = readConfig(mailerEnv);
  const logger = createLogger({ name: 'mailer', level: config.LOG_LEVEL });
  const clock = systemClock;
  const sqs = createSqsClient();
  if (config.PROVISION) await provisionQueues(sqs, { prefix: config.SQS_PREFIX });
  const app = createMailerApp({
    logger,
    clock,
    internalCredential: config.INTERNAL_CREDENTIAL,
    redis: connectRedis({
      url: config.REDIS_URL,
      isCluster: config.REDIS_CLUSTER,
      commandTimeoutMs: config.REDIS_COMMAND_TIMEOUT_MS,
      logger,
    }),
    sqs,
    sqsPrefix: config.SQS_PREFIX,
    smtp: createSmtp({ url: config.SMTP_URL, from: config.MAIL_FROM, clock }),
    renderMail: await loadTemplates(),
    mailsPerRecipientPerHour: config.MAILS_PER_RECIPIENT_PER_HOUR,
    retryDelaysSeconds: config.MAIL_RETRY_DELAYS_SECONDS,
    operator:
      config.OPERATOR_EMAIL === undefined
        ? undefined
        : { address: config.OPERATOR_EMAIL, locale: config.OPERATOR_LOCALE },
  });
  return { app, host: config.HOST, port: config.PORT };
});

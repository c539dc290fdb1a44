import { createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { createMailerApp } from './app.ts';
import { mailerEnv } from './config.ts';
import { loadTemplates } from './render-mail.ts';
import { createSmtp } from './smtp.ts';

await serve(async () => {
  const config = readConfig(mailerEnv);
  const sqs = createSqsClient();
  if (config.PROVISION) await provisionQueues(sqs, { prefix: config.SQS_PREFIX });
  const app = createMailerApp({
    logger: createLogger({ name: 'mailer', level: config.LOG_LEVEL }),
    internalCredential: config.INTERNAL_CREDENTIAL,
    sqs,
    sqsPrefix: config.SQS_PREFIX,
    smtp: createSmtp({ url: config.SMTP_URL, from: config.MAIL_FROM, clock: systemClock }),
    renderMail: await loadTemplates(),
  });
  return { app, host: config.HOST, port: config.PORT };
});

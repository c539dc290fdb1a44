import { provisionQueues } from '@queue-manager/events/provision';
import { readConfig } from '@queue-manager/service-kit/config';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createMailerApp } from './app.ts';
import { mailerEnv } from './config.ts';
import { connectMailer } from './connect.ts';

await serve(async () => {
  const config = readConfig(mailerEnv);
  const options = await connectMailer(config);
  const traces = await exportTraces('mailer', config, options.logger);
  if (config.PROVISION) await provisionQueues(options.sqs, { prefix: config.SQS_PREFIX });
  return { app: createMailerApp(options), host: config.HOST, port: config.PORT, traces };
});

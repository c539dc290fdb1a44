import { createSqsClient } from '@queue-manager/events/client';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { connectDynamo } from '@queue-manager/service-kit/dynamo';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createAuthApp } from './app.ts';
import { authEnv } from './config.ts';
import { createDeps } from './deps.ts';
import { provision } from './provision.ts';

await serve(async () => {
  const config = readConfig(authEnv);
  const dynamo = connectDynamo();
  const sqs = createSqsClient();
  if (config.PROVISION) await provision(config, { dynamo, sqs });
  const logger = createLogger({ name: 'auth', level: config.LOG_LEVEL });
  const traces = await exportTraces('auth', config, logger);
  const deps = createDeps(config, { dynamo, sqs, clock: systemClock, logger });
  return { app: createAuthApp(deps), host: config.HOST, port: config.PORT, traces };
});

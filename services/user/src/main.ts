import { createSqsClient } from '@queue-manager/events/client';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { connectDynamo } from '@queue-manager/service-kit/dynamo';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createUserApp } from './app.ts';
import { userEnv } from './config.ts';
import { createDeps } from './deps.ts';
import { provision } from './provision.ts';

await serve(async () => {
  const config = readConfig(userEnv);
  const dynamo = connectDynamo();
  const sqs = createSqsClient();
  if (config.PROVISION) await provision(config, { dynamo, sqs });
  const logger = createLogger({ name: 'user', level: config.LOG_LEVEL });
  const traces = await exportTraces('user', config, logger);
  const deps = await createDeps(config, {
    dynamo,
    sqs,
    clock: systemClock,
    logger,
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: config.AUTH_SERVICE_URL,
      clock: systemClock,
    }),
  });
  return { app: createUserApp(deps), host: config.HOST, port: config.PORT, traces };
});

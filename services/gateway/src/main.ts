import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createGateway } from './app.ts';
import { gatewayEnv } from './config.ts';
import { connectRedis } from './redis.ts';

await serve(async () => {
  const config = readConfig(gatewayEnv);
  const logger = createLogger({ name: 'gateway', level: config.LOG_LEVEL });
  const traces = await exportTraces('gateway', config, logger);
  const app = await createGateway({
    config,
    logger,
    redis: connectRedis(config, logger),
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: config.AUTH_SERVICE_URL,
      clock: systemClock,
    }),
  });
  return { app, host: config.HOST, port: config.PORT, traces };
});

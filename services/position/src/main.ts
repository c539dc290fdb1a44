import { createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { createPositionApp } from './app.ts';
import { positionEnv } from './config.ts';
import { connectLines } from './projection/redis.ts';

await serve(async () => {
  const config = readConfig(positionEnv);
  const logger = createLogger({ name: 'position', level: config.LOG_LEVEL });
  const traces = await exportTraces('position', config, logger);
  const sqs = createSqsClient();
  if (config.PROVISION) await provisionQueues(sqs, { prefix: config.SQS_PREFIX });
  const app = createPositionApp({
    redis: connectLines({
      url: config.REDIS_URL,
      isCluster: config.REDIS_CLUSTER,
      commandTimeoutMs: config.REDIS_COMMAND_TIMEOUT_MS,
      logger,
    }),
    sqs,
    sqsPrefix: config.SQS_PREFIX,
    queueService: createInternalClient({
      baseUrl: config.QUEUE_SERVICE_URL,
      credential: config.INTERNAL_CREDENTIAL,
    }),
    tickets: createTicketCodec(config.TICKET_KEYS),
    clock: systemClock,
    logger,
    internalCredential: config.INTERNAL_CREDENTIAL,
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: config.AUTH_SERVICE_URL,
      clock: systemClock,
    }),
    directRebuildWaitMs: config.DIRECT_REBUILD_WAIT_MS,
  });
  return { app, host: config.HOST, port: config.PORT, traces };
});

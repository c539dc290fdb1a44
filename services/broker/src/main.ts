import { createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { createLogger } from '@queue-manager/service-kit/logging';
import { connectRedis } from '@queue-manager/service-kit/redis';
import { serve } from '@queue-manager/service-kit/serve';
import { createSubscriptions } from '@queue-manager/service-kit/subscriptions';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createBrokerApp } from './app.ts';
import { brokerEnv } from './config.ts';

await serve(async () => {
  const config = readConfig(brokerEnv);
  const logger = createLogger({ name: 'broker', level: config.LOG_LEVEL });
  const traces = await exportTraces('broker', config, logger);
  const sqs = createSqsClient();
  if (config.PROVISION) await provisionQueues(sqs, { prefix: config.SQS_PREFIX });
  const connection = {
    url: config.BROKER_REDIS_URL,
    isCluster: config.BROKER_REDIS_CLUSTER,
    commandTimeoutMs: config.BROKER_REDIS_COMMAND_TIMEOUT_MS,
    logger,
  };
  const app = createBrokerApp({
    redis: connectRedis(connection),
    subscriptions: createSubscriptions(connection),
    queueService: createInternalClient({
      baseUrl: config.QUEUE_SERVICE_URL,
      credential: config.INTERNAL_CREDENTIAL,
    }),
    sqs,
    sqsPrefix: config.SQS_PREFIX,
    clock: systemClock,
    logger,
    internalCredential: config.INTERNAL_CREDENTIAL,
    deliveriesMax: config.DELIVERIES_MAX,
    backlog: {
      messagesMax: config.BACKLOG_MESSAGES_MAX,
      bytesMax: config.BACKLOG_BYTES_MAX,
      ageDaysMax: config.BACKLOG_AGE_DAYS_MAX,
      keysMax: config.IDEMPOTENCY_KEYS_MAX,
    },
  });
  return { app, host: config.HOST, port: config.PORT, traces };
});

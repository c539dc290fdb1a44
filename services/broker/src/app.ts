import { type createSqsClient, findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { venueFeed } from '@queue-manager/events/topology';
import type { Clock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { checkRedis, type RedisClient } from '@queue-manager/service-kit/redis';
import type { Subscriptions } from '@queue-manager/service-kit/subscriptions';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { FastifyInstance } from 'fastify';
import { createApiKeyVerifier } from './access/verify-api-key.ts';
import type { Deps } from './deps.ts';
import { onVenueEvents } from './feed/on-venue-events.ts';
import { takeJsonText } from './messages/json-text.ts';
import { messagesRoutes } from './messages/routes.ts';
import { type BacklogLimits, createMessageStore } from './store/message-store.ts';
import { createVenueGate } from './venue-gate.ts';
import { createWaiting } from './waiting/waiting.ts';

type BrokerAppOptions = {
  redis: RedisClient;
  subscriptions: Subscriptions;
  queueService: InternalClient;
  clock: Clock;
  logger: Logger;
  sqs: ReturnType<typeof createSqsClient>;
  sqsPrefix: string;
  internalCredential: string;
  deliveriesMax: number;
  backlog: BacklogLimits;
};

/** The broker with all its routes and consumers. It closes the connections passed in. */
export function createBrokerApp(options: BrokerAppOptions): FastifyInstance {
  const { redis, subscriptions, queueService, clock, logger, sqs, sqsPrefix } = options;
  const metrics = createMetrics();
  const deps: Deps = {
    store: createMessageStore({ ...options, count: metrics.counter('broker_messages_total') }),
    waiting: createWaiting({ subscriptions, clock }),
    venues: createVenueGate(),
    verifyApiKey: createApiKeyVerifier({ queueService }),
  };

  metrics.gauge('broker_consumers_waiting', deps.waiting.count);

  const app = createApp({
    logger,
    metrics,
    internalCredential: options.internalCredential,
    verifyApiKey: deps.verifyApiKey,
    readiness: {
      redis: () => checkRedis(redis),
      sqs: () => findQueue(sqs, sqsPrefix, venueFeed.queue),
    },
  });
  takeJsonText(app);
  for (const route of messagesRoutes(deps)) app.route(route);

  const consumer = createConsumer({
    sqs,
    prefix: sqsPrefix,
    queue: venueFeed.queue,
    handlers: onVenueEvents(deps),
    logger,
    onOutcome: metrics.counter('messages_total'),
    ready: () => checkRedis(redis),
  });
  app.addHook('onReady', () => consumer.start());
  app.addHook('preClose', async () => deps.waiting.close());
  app.addHook('onClose', async () => {
    await consumer.stop();
    sqs.destroy();
    redis.disconnect();
    await queueService.close();
  });
  return app;
}

import { type createSqsClient, findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { checkRedis } from '@queue-manager/service-kit/redis';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Deps } from './deps.ts';
import { createEstimates } from './estimates/estimates.ts';
import { createLearner, defaultPace, type LearningPace } from './estimates/learner.ts';
import { createModelStore } from './estimates/model-store.ts';
import { onLineEvents } from './ingest/on-line-events.ts';
import { ingestRoutes } from './ingest/routes.ts';
import { createGapWatch } from './lines/gap-watch.ts';
import { createLabels } from './lines/labels.ts';
import { createLines } from './lines/lines.ts';
import { createRebuild } from './lines/rebuild.ts';
import { type CompareTimes, createReconciler } from './lines/reconcile.ts';
import { createLive } from './live/live.ts';
import { liveRoutes } from './live/routes.ts';
import { createAnnounceChange } from './projection/announce-change.ts';
import { createProjection } from './projection/projection.ts';
import type { RedisConnection } from './projection/redis.ts';
import { readRoutes } from './reads/routes.ts';

type PositionAppOptions = {
  redis: RedisConnection;
  sqs: ReturnType<typeof createSqsClient>;
  sqsPrefix: string;
  queueService: InternalClient;
  tickets: TicketCodec;
  clock: Clock;
  logger: Logger;
  internalCredential: string;
  verifyAccessToken: VerifyAccessToken;
  directRebuildWaitMs: number;
  /** How long to wait for events in flight before rebuilding a projection; 500 ms by default. */
  eventWaitMs?: number;
  /** How often watched queues are checked for missed changes; 10 s by default. */
  checkMs?: number;
  /** How often a watched venue is read in case a message was lost; 5 s by default. */
  venuePollMs?: number | undefined;
  learningPace?: LearningPace;
  /** How often the membership of a queue stream's account is checked again; 60 s by default. */
  membershipCheckMs?: number | undefined;
  compareTimes?: CompareTimes;
};

const defaultEventWaitMs = 500;

/** The position service with all its routes and consumers. It closes the connections passed in. */
export function createPositionApp(options: PositionAppOptions) {
  const { redis, sqs, sqsPrefix, queueService, tickets, clock, logger } = options;
  const projection = createProjection({ redis, clock });
  const rebuild = createRebuild({ redis, projection, queueService, logger });
  const gaps = createGapWatch({ projection, rebuild, logger });
  const metrics = createMetrics();
  const reconciler = createReconciler({
    redis,
    projection,
    rebuild,
    queueService,
    logger,
    metrics,
    ...(options.compareTimes === undefined ? {} : { times: options.compareTimes }),
  });
  const lines = createLines({
    projection,
    rebuild,
    gaps,
    logger,
    eventWaitMs: options.eventWaitMs ?? defaultEventWaitMs,
    onUse: reconciler.noteUse,
  });
  const store = createModelStore({ redis, clock });
  const learner = createLearner({
    store,
    queueService,
    logger,
    pace: options.learningPace ?? defaultPace,
    onLearned: (queueId, seq, model) => estimates.keep(queueId, seq, model),
  });
  const estimates = createEstimates({ store, learner, logger });
  const live = createLive({
    redis,
    lines,
    queueService,
    clock,
    logger,
    checkMs: options.checkMs,
    venuePollMs: options.venuePollMs,
  });
  metrics.gauge('streams_open', () => live.streams.count);
  const observeLag = metrics.histogram('projection_lag_seconds');
  const deps: Deps = {
    clock,
    tickets,
    lines,
    announceChange: createAnnounceChange({ redis: redis.client, logger }),
    queueService,
    estimates,
    labels: createLabels({ queueService, clock, logger }),
    directRebuildWaitMs: options.directRebuildWaitMs,
    onApplied: ({ time }) => observeLag((clock.now().getTime() - Date.parse(time)) / 1_000, {}),
  };
  const { membershipCheckMs } = options;

  const app = createApp({
    logger,
    internalCredential: options.internalCredential,
    verifyAccessToken: options.verifyAccessToken,
    metrics,
    sharesConnections: true,
    readiness: {
      redis: () => checkRedis(redis.client),
      sqs: () => findQueue(sqs, sqsPrefix, 'position-events'),
    },
  });
  const rooms = [
    readRoutes(deps),
    liveRoutes({ ...deps, live, logger, membershipCheckMs }),
    ingestRoutes(deps),
  ];
  for (const route of rooms.flat()) app.route(route);

  const consumer = createConsumer({
    sqs,
    prefix: sqsPrefix,
    queue: 'position-events',
    handlers: onLineEvents(deps),
    logger,
    onOutcome: metrics.counter('messages_total'),
    ready: () => checkRedis(redis.client),
  });
  app.addHook('onReady', () => consumer.start());
  app.addHook('onReady', () => reconciler.start());
  app.addHook('preClose', async () => live.close());
  app.addHook('onClose', async () => {
    await consumer.stop();
    gaps.stop();
    await learner.stop();
    await reconciler.stop();
    redis.close();
    sqs.destroy();
    await queueService.close();
  });
  return app;
}

import { type createSqsClient, findQueue } from '@queue-manager/events/client';
import { type Consumer, createConsumer } from '@queue-manager/events/consume';
import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import { createMetrics } from '@queue-manager/service-kit/metrics';
import { checkRedis } from '@queue-manager/service-kit/redis';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Deps } from './deps.ts';
import { createEstimates } from './estimates/estimates.ts';
import { createLearner, type LearningPace, usualPace } from './estimates/learner.ts';
import { createLearnedStore } from './estimates/model-store.ts';
import { applyEventsDirectly } from './ingest/apply-events.ts';
import { onLineEvents } from './ingest/on-line-events.ts';
import { createFindParty } from './lines/find-party.ts';
import { createGapWatch } from './lines/gap-watch.ts';
import { createLabels } from './lines/labels.ts';
import { createLines } from './lines/lines.ts';
import { createRebuild } from './lines/rebuild.ts';
import { type CompareTimes, createReconciler } from './lines/reconcile.ts';
import { createLive } from './live/live.ts';
import { liveBoardOfQueue } from './live/live-board.ts';
import { liveQueueForStaff } from './live/live-queue.ts';
import { livePositionOfTicket } from './live/live-ticket.ts';
import { createProjection } from './projection/projection.ts';
import type { RedisConnection } from './projection/redis.ts';
import { getBoardOfQueue } from './reads/get-board.ts';
import { getNeighboursOfPlace } from './reads/get-neighbours.ts';
import { getPlacesOfParties } from './reads/get-places.ts';
import { getPositionOfTicket } from './reads/get-position.ts';

export type PositionAppOptions = {
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
  /** How long events that are on their way are waited for before a line is rebuilt; 500 ms by default. */
  eventWaitMs?: number;
  /** How often lines that are watched are looked at for changes that did not come; 10 s by default. */
  checkMs?: number;
  /** How often lines are learned, and what was learned is kept. */
  learningPace?: LearningPace;
  /** How often it is asked whether who watches a queue is still of its staff; 60 s by default. */
  membershipCheckMs?: number | undefined;
  /** How often lines in use are compared with the truth. */
  compareTimes?: CompareTimes;
};

const usualEventWaitMs = 500;

/** The position service: every route and consumer it has. Connections passed in are closed with it. */
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
    eventWaitMs: options.eventWaitMs ?? usualEventWaitMs,
    onUse: reconciler.note,
  });
  const learned = createLearnedStore({ redis, clock });
  const learner = createLearner({
    store: learned,
    queueService,
    logger,
    pace: options.learningPace ?? usualPace,
    onLearned: (...lesson) => estimates.learned(...lesson),
  });
  const estimates = createEstimates({ store: learned, learner, logger });
  const findParty = createFindParty({ queueService });
  const live = createLive({
    redis,
    lines,
    findParty,
    queueService,
    clock,
    logger,
    checkMs: options.checkMs,
  });
  const deps: Deps = {
    clock,
    tickets,
    lines,
    findParty,
    estimates,
    live,
    labels: createLabels({ queueService, clock, logger }),
    directRebuildWaitMs: options.directRebuildWaitMs,
  };

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
  app.route(getPositionOfTicket(deps));
  app.route(getBoardOfQueue(deps));
  app.route(livePositionOfTicket(deps));
  app.route(liveBoardOfQueue(deps));
  const { membershipCheckMs } = options;
  app.route(liveQueueForStaff({ ...deps, queueService, logger, membershipCheckMs }));
  app.route(applyEventsDirectly(deps));
  app.route(getPlacesOfParties(deps));
  app.route(getNeighboursOfPlace(deps));

  const consumer: Consumer = createConsumer({
    sqs,
    prefix: sqsPrefix,
    queue: 'position-events',
    handlers: onLineEvents(deps),
    logger,
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

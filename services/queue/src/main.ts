import { createSnsClient, createSqsClient, findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { createDeadLetterWatch } from '@queue-manager/events/dead-letter-watch';
import { createPublisher } from '@queue-manager/events/publish';
import { createTaskReporter } from '@queue-manager/events/report-task';
import { venueFeed } from '@queue-manager/events/topology';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { linkBases, readConfig } from '@queue-manager/service-kit/config';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { exportTraces } from '@queue-manager/service-kit/telemetry/export-traces';
import { createMetrics } from '@queue-manager/service-kit/telemetry/metrics';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { createInvitationTokens } from './access/invitation-tokens.ts';
import { createUnsubscribeTokens } from './access/unsubscribe-tokens.ts';
import { createQueueApp } from './app.ts';
import { queueEnv } from './config.ts';
import { checkDatabase, openDatabase } from './db/database.ts';
import type { Deps } from './deps.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createJoinGate } from './join/admit-party.ts';
import { createKeyedMutex } from './line/keyed-mutex.ts';
import { createLineGate } from './line/line.ts';
import { createLineFeed } from './line/line-feed.ts';
import { createMoveMetrics } from './line/move-metrics.ts';
import { createQuotes } from './line/quotes.ts';
import { createRelay } from './line/relay.ts';
import { createListGate } from './list-gate.ts';
import { provision } from './provision.ts';
import { createReportGates } from './reports/report-gates.ts';
import { onVenueDeleted } from './retention/on-venue-deleted.ts';
import { onUserDeleted } from './staff/on-user-deleted.ts';
import { measureStore } from './store-metrics.ts';
import { createAlertLedger } from './tasks/alert-ledger.ts';
import { createDispatcher } from './tasks/dispatcher.ts';
import { onTaskDeadLetter, onTaskDue } from './tasks/on-task-due.ts';
import { onTaskFinished } from './tasks/on-task-finished.ts';
import { createVenueFeed } from './venue-feed/venue-feed.ts';

/** Concurrent handlers for tasks, and as many for their results: enough to keep MySQL busy with batches. */
const taskConcurrency = 20;
const deadLetterWatchEveryMs = 10_000;

await serve(async () => {
  const config = readConfig(queueEnv);
  const logger = createLogger({ name: 'queue', level: config.LOG_LEVEL });
  const traces = await exportTraces('queue', config, logger);
  const clock = systemClock;
  const { publicUrl, accountUrl } = linkBases(config);
  const tickets = createTicketCodec(config.TICKET_KEYS);
  const invitationTokens = createInvitationTokens(config.TICKET_KEYS);
  const unsubscribeTokens = createUnsubscribeTokens(config.UNSUBSCRIBE_KEY);
  const sqs = createSqsClient();
  const sns = createSnsClient();
  const prefix = config.SQS_PREFIX;
  const db = openDatabase({ url: config.MYSQL_URL, poolSize: config.MYSQL_POOL_SIZE });

  await provision(config, { db, sqs, sns });

  const position = createInternalClient({
    baseUrl: config.POSITION_SERVICE_URL,
    credential: config.INTERNAL_CREDENTIAL,
  });
  const users = createInternalClient({
    baseUrl: config.USER_SERVICE_URL,
    credential: config.INTERNAL_CREDENTIAL,
  });
  const publisher = createPublisher({ sqs, prefix });
  const relay = createRelay({ db, clock, logger, publisher });
  const toBroker = createPublisher({ sqs, prefix, receivers: () => [venueFeed.queue] });
  const venueFeeds = createVenueFeed({ db, clock, logger, publisher: toBroker });
  const dispatcher = createDispatcher({
    db,
    clock,
    logger,
    publisher,
    tickets,
    invitationTokens,
    unsubscribeTokens,
    publicUrl,
    accountUrl,
    leaseSeconds: config.TASK_LEASE_SECONDS,
  });
  const metrics = createMetrics();
  const observeMoves = createMoveMetrics({ db, logger, metrics });
  const housekeeping = createHousekeeping({ db, clock, logger });
  const deps: Deps = {
    db,
    clock,
    logger,
    tickets,
    invitationTokens,
    unsubscribeTokens,
    publicUrl,
    position,
    users,
    feed: createLineFeed({
      position,
      logger,
      relay,
      onCommitted(events) {
        dispatcher.wake();
        observeMoves(events);
      },
    }),
    quotes: createQuotes(db, logger),
    lines: createLineGate(),
    joins: createJoinGate(),
    lists: createListGate(),
    ...createReportGates(),
    repeats: createKeyedMutex(),
    wakeDispatcher: dispatcher.wake,
    verifyAccessToken: createAccessTokenVerifier({
      authServiceUrl: config.AUTH_SERVICE_URL,
      clock,
    }),
    internalCredential: config.INTERNAL_CREDENTIAL,
  };

  const reporter = createTaskReporter({ publisher, clock, source: '/queue' });
  const isSqsUp = () => findQueue(sqs, prefix, 'position-events');
  const consuming = {
    sqs,
    prefix,
    logger,
    clock,
    onOutcome: metrics.counter('messages_total'),
    ready: () => Promise.all([checkDatabase(db), isSqsUp()]),
  };
  const consumers = [
    createConsumer({
      ...consuming,
      queue: 'queue-events',
      handlers: { 'user.deleted': onUserDeleted(deps), 'venue.deleted': onVenueDeleted(deps) },
    }),
    createConsumer({
      ...consuming,
      queue: 'tasks',
      handlers: { 'task.due': onTaskDue(deps, reporter) },
      onDeadLetter: onTaskDeadLetter(reporter),
      concurrency: taskConcurrency,
    }),
    createConsumer({
      ...consuming,
      queue: 'task-results',
      handlers: { 'task.finished': onTaskFinished(deps, metrics.counter('task_results_total')) },
      concurrency: taskConcurrency,
    }),
  ];
  const deadLetterWatch = createDeadLetterWatch({
    sqs,
    prefix,
    clock,
    logger,
    everyMs: deadLetterWatchEveryMs,
    ...(config.DEAD_LETTER_WATCH ? { alerts: { sns, ledger: createAlertLedger(db) } } : {}),
    onTaskLost: (task, error) => reporter.failed(task, new Error(error)),
  });

  const app = createQueueApp(deps, { mysql: () => checkDatabase(db), sqs: isSqsUp }, metrics);
  measureStore({ db, clock, metrics });
  metrics.gauge('dead_letters', () => deadLetterWatch.counts());
  app.addHook('onReady', async () => {
    relay.start();
    venueFeeds.start();
    dispatcher.start();
    housekeeping.start();
    deadLetterWatch.start();
    await Promise.all(consumers.map((consumer) => consumer.start()));
  });
  app.addHook('onClose', async () => {
    await Promise.all([
      ...consumers.map((consumer) => consumer.stop()),
      relay.stop(),
      venueFeeds.stop(),
      dispatcher.stop(),
      housekeeping.stop(),
      deadLetterWatch.stop(),
    ]);
    await Promise.all([position.close(), users.close()]);
    await db.destroy();
    sqs.destroy();
    sns.destroy();
  });
  return { app, host: config.HOST, port: config.PORT, traces };
});

import { createSqsClient, findQueue } from '@queue-manager/events/client';
import { createConsumer } from '@queue-manager/events/consume';
import { provisionQueues } from '@queue-manager/events/provision';
import { createPublisher } from '@queue-manager/events/publish';
import { createAccessTokenVerifier } from '@queue-manager/service-kit/access-tokens';
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createInternalClient } from '@queue-manager/service-kit/internal-client';
import { createLogger } from '@queue-manager/service-kit/logging';
import { serve } from '@queue-manager/service-kit/serve';
import { createTicketCodec } from '@queue-manager/service-kit/tickets';
import { sql } from 'kysely';
import { createQueueApp } from './app.ts';
import { queueEnv } from './config.ts';
import { migrate, openDatabase } from './database.ts';
import { createHousekeeping } from './housekeeping.ts';
import { createLineFeed } from './line-feed.ts';
import { onUserDeleted } from './on-user-deleted.ts';
import { createQuotes } from './quotes.ts';
import { createRelay } from './relay.ts';
import { createTurns } from './turns.ts';

await serve(async () => {
  const config = readConfig(queueEnv);
  const logger = createLogger({ name: 'queue', level: config.LOG_LEVEL });
  const clock = systemClock;
  const publicUrl = config.PUBLIC_URL.replace(/\/$/, '');
  const tickets = createTicketCodec(config.TICKET_KEYS);
  const sqs = createSqsClient();
  const prefix = config.SQS_PREFIX;
  const db = openDatabase({ url: config.MYSQL_URL, poolSize: config.MYSQL_POOL_SIZE });
  const isDatabaseUp = () => sql`SELECT 1`.execute(db);

  await needed('MySQL (MYSQL_URL)', migrate(db));
  if (config.PROVISION) {
    await needed('SQS (AWS_ENDPOINT_URL_SQS)', provisionQueues(sqs, { prefix }));
  }

  const position = createInternalClient({
    baseUrl: config.POSITION_SERVICE_URL,
    credential: config.INTERNAL_CREDENTIAL,
  });
  const publisher = createPublisher({ sqs, prefix });
  const relay = createRelay({ db, clock, logger, publisher, tickets, publicUrl });
  const housekeeping = createHousekeeping({ db, clock, logger });
  const consumer = createConsumer({
    sqs,
    prefix,
    queue: 'queue-events',
    handlers: { 'user.deleted': onUserDeleted({ db }) },
    logger,
    ready: isDatabaseUp,
  });

  const app = createQueueApp(
    {
      db,
      clock,
      logger,
      tickets,
      publicUrl,
      position,
      feed: createLineFeed({ position, logger, wakeRelay: relay.wake }),
      quotes: createQuotes(db, logger),
      turns: createTurns(),
      verifyAccessToken: createAccessTokenVerifier({
        authServiceUrl: config.AUTH_SERVICE_URL,
        clock,
      }),
      internalCredential: config.INTERNAL_CREDENTIAL,
    },
    { mysql: isDatabaseUp, sqs: () => findQueue(sqs, prefix, 'position-events') },
  );
  app.addHook('onReady', async () => {
    relay.start();
    housekeeping.start();
    await consumer.start();
  });
  app.addHook('onClose', async () => {
    await Promise.all([consumer.stop(), relay.stop(), housekeeping.stop()]);
    await position.close();
    await db.destroy();
    sqs.destroy();
  });
  return { app, host: config.HOST, port: config.PORT };
});

/** Says what the service cannot start without; an error of a connection does not always name its store. */
async function needed(store: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    throw new Error(`${store} cannot be used: ${message || String(code)}`, { cause: error });
  }
}

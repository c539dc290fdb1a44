/**
 * `node services/queue/src/provision.ts`: brings the tables up to date before a new version starts. With PROVISION=true,
 * also creates the message queues and the topic of alerts.
 */
import { provisionAlerts } from '@queue-manager/events/alerts';
import { createSnsClient, createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { readConfig } from '@queue-manager/service-kit/config';
import { runOnce } from '@queue-manager/service-kit/serve';
import { queueEnv } from './config.ts';
import { type Database, migrate, openDatabase } from './db/database.ts';

type Stores = {
  db: Database;
  sqs: ReturnType<typeof createSqsClient>;
  sns: ReturnType<typeof createSnsClient>;
};

export async function provision(
  config: { PROVISION: boolean; SQS_PREFIX: string },
  { db, sqs, sns }: Stores,
): Promise<void> {
  const prefix = config.SQS_PREFIX;
  await requireStore('MySQL (MYSQL_URL)', migrate(db));
  if (!config.PROVISION) return;
  await requireStore('SQS (AWS_ENDPOINT_URL_SQS)', provisionQueues(sqs, { prefix }));
  await requireStore('SNS (AWS_ENDPOINT_URL_SNS)', provisionAlerts(sns, sqs, { prefix }));
}

/** Adds the name of the store to an error at start, since connection errors may lack it. */
async function requireStore(store: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: string };
    throw new Error(`${store} cannot be used: ${message || String(code)}`, { cause: error });
  }
}

if (import.meta.main) {
  await runOnce(async () => {
    const { MYSQL_URL, PROVISION, SQS_PREFIX } = queueEnv;
    const config = readConfig({ MYSQL_URL, PROVISION, SQS_PREFIX });
    const db = openDatabase({ url: config.MYSQL_URL, poolSize: 2 });
    await provision(config, { db, sqs: createSqsClient(), sns: createSnsClient() });
    await db.destroy();
  });
}

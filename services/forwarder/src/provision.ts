/** `node services/forwarder/src/provision.ts`: creates the missing table and message queues before the service starts. */
import { createSqsClient } from '@queue-manager/events/client';
import { provisionQueues } from '@queue-manager/events/provision';
import { readConfig } from '@queue-manager/service-kit/config';
import { connectDynamo, provisionTables } from '@queue-manager/service-kit/dynamo';
import { runOnce } from '@queue-manager/service-kit/serve';
import { forwarderLambdaEnv } from './config.ts';
import { forwarderTable } from './state/table.ts';

export async function provision(
  config: { DYNAMODB_PREFIX: string; SQS_PREFIX: string },
  stores: {
    dynamo: ReturnType<typeof connectDynamo>;
    sqs: ReturnType<typeof createSqsClient>;
  },
): Promise<void> {
  await Promise.all([
    provisionTables(stores.dynamo, [forwarderTable(config.DYNAMODB_PREFIX)]),
    provisionQueues(stores.sqs, { prefix: config.SQS_PREFIX }),
  ]);
}

if (import.meta.main) {
  await runOnce(async () => {
    const { DYNAMODB_PREFIX, SQS_PREFIX } = forwarderLambdaEnv;
    await provision(readConfig({ DYNAMODB_PREFIX, SQS_PREFIX }), {
      dynamo: connectDynamo(),
      sqs: createSqsClient(),
    });
  });
}

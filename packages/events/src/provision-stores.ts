import type { SQSClient } from '@aws-sdk/client-sqs';
import { connectDynamo, provisionTables, type Table } from '@queue-manager/service-kit/dynamo';
import { runOnce } from '@queue-manager/service-kit/serve';
import { createSqsClient } from './client.ts';
import { provisionQueues } from './provision.ts';

type Prefixes = { DYNAMODB_PREFIX: string; SQS_PREFIX: string };

/** Creates the missing tables and message queues of a service. Safe to repeat. */
export type Provision = (
  config: Prefixes,
  stores: { dynamo: ReturnType<typeof connectDynamo>; sqs: SQSClient },
) => Promise<void>;

/** Makes the function that creates the missing tables of a service, given their prefix, and all message queues. */
export function provisionOf(tablesOf: (prefix: string) => Table[]): Provision {
  return async (config, { dynamo, sqs }) => {
    await Promise.all([
      provisionTables(dynamo, tablesOf(config.DYNAMODB_PREFIX)),
      provisionQueues(sqs, { prefix: config.SQS_PREFIX }),
    ]);
  };
}

/** Runs a provision as a program of its own, before the service starts. */
export async function provisionOnce(provision: Provision, read: () => Prefixes): Promise<void> {
  await runOnce(() => provision(read(), { dynamo: connectDynamo(), sqs: createSqsClient() }));
}

import {
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import pTimeout from 'p-timeout';
import { assertInTime, remainingMs, tooBusy } from './limits/deadline.ts';

/** Definition of a DynamoDB table; all keys are strings. */
export type Table = {
  name: string;
  partitionKey: string;
  sortKey?: string;
  /** Epoch second after which DynamoDB may delete the item; that can take days. */
  ttlAttribute?: string;
  /** Publishes every new image of an item to a DynamoDB stream. */
  hasStream?: boolean;
};

/**
 * A client with timeouts (the SDK has none by default), so that requests fail when DynamoDB hangs. Address,
 * region and credentials come from the SDK's own environment variables.
 */
export function connectDynamo(config: DynamoDBClientConfig = {}): DynamoDBClient {
  const client = new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: {
      // Both include the wait for one of the 50 connections in a burst.
      connectionTimeout: 5_000,
      requestTimeout: 5_000,
      throwOnRequestTimeout: true,
    },
    ...config,
  });
  // Nothing is begun after the deadline of the running code, retries included, and nobody waits beyond it.
  client.middlewareStack.add(
    (next) => async (args) => {
      const ms = remainingMs();
      return ms === undefined
        ? next(args)
        : pTimeout(next(args), { milliseconds: Math.max(1, ms), message: tooBusy() });
    },
    { step: 'initialize', name: 'waitInTime' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      assertInTime();
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'beginInTime' },
  );
  return client;
}

/** Creates missing tables and waits until they are active. Several processes may run this at once. */
export async function provisionTables(client: DynamoDBClient, tables: Table[]): Promise<void> {
  await Promise.all(tables.map((table) => provisionTable(client, table)));
}

async function provisionTable(client: DynamoDBClient, table: Table): Promise<void> {
  const keys = [
    { name: table.partitionKey, type: 'HASH' as const },
    ...(table.sortKey === undefined ? [] : [{ name: table.sortKey, type: 'RANGE' as const }]),
  ];
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table.name,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: keys.map(({ name, type }) => ({ AttributeName: name, KeyType: type })),
        AttributeDefinitions: keys.map(({ name }) => ({ AttributeName: name, AttributeType: 'S' })),
        ...(table.hasStream
          ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }
          : {}),
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
  await waitUntilTableExists(
    { client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 },
    { TableName: table.name },
  );
  if (table.ttlAttribute === undefined) return;
  if (await expires(client, table.name)) return;
  try {
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: table.name,
        TimeToLiveSpecification: { AttributeName: table.ttlAttribute, Enabled: true },
      }),
    );
  } catch (error) {
    // DynamoDB rejects this as invalid when another process was faster.
    if (!(await expires(client, table.name))) throw error;
  }
}

async function expires(client: DynamoDBClient, name: string): Promise<boolean> {
  const { TimeToLiveDescription: ttl } = await client.send(
    new DescribeTimeToLiveCommand({ TableName: name }),
  );
  return ttl?.TimeToLiveStatus === 'ENABLED' || ttl?.TimeToLiveStatus === 'ENABLING';
}

import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Table } from '@queue-manager/service-kit/dynamo';

/** One item for each half: its lease and its state. */
export const forwarderTable = (prefix: string) =>
  ({ name: `${prefix}forwarder`, partitionKey: 'pk' }) satisfies Table;

/** What it takes to read and write the table. */
export type Store = {
  db: DynamoDBDocumentClient;
  table: string;
  clock: Clock;
};

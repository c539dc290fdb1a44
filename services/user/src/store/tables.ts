import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { usersTable } from '@queue-manager/contracts/users';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { Table } from '@queue-manager/service-kit/dynamo';

/** The tables of this service, by their contents. */
export const tablesOf = (prefix: string) =>
  ({
    /** By address: pending sign-ups (`signup#<id>`, newest last) and the day's mail count of a mailbox (`mails#<day>`). */
    signUps: {
      name: `${prefix}signups`,
      partitionKey: 'addressKey',
      sortKey: 'sk',
      ttlAttribute: 'ttl',
    },
    /** Accounts (`user#<id>`), each with an item that keeps its e-mail unique (`email#<address>`). */
    users: { name: `${prefix}${usersTable}`, partitionKey: 'pk', hasStream: true },
    /** Events that are not published yet, oldest first. */
    outbox: { name: `${prefix}user-outbox`, partitionKey: 'shardId', sortKey: 'id' },
    /** Results of POSTs with an `Idempotency-Key`. */
    idempotency: { name: `${prefix}user-idempotency`, partitionKey: 'id', ttlAttribute: 'ttl' },
  }) satisfies Record<string, Table>;

/** What it takes to read and write the tables. */
export type Store = {
  db: DynamoDBDocumentClient;
  tables: ReturnType<typeof tablesOf>;
  clock: Clock;
};

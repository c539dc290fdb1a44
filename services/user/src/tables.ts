import type { Table } from '@queue-manager/service-kit/dynamo';

/** Every table of this service, by what it holds. */
export const tablesOf = (prefix: string) =>
  ({
    /**
     * By address: sign-ups that wait for their verification (`signup#<id>`, newest last), and how many mails the
     * address got on a day (`mails#<day>`).
     */
    signUps: {
      name: `${prefix}signups`,
      partitionKey: 'addressKey',
      sortKey: 'sk',
      ttlAttribute: 'ttl',
    },
    /** Accounts (`user#<id>`), and for each an item that keeps its e-mail unique (`email#<address>`). */
    users: { name: `${prefix}users`, partitionKey: 'pk', hasStream: true },
    /** Events that were not published yet, oldest first. */
    outbox: { name: `${prefix}user-outbox`, partitionKey: 'shardId', sortKey: 'id' },
    /** What POSTs with an `Idempotency-Key` did. */
    idempotency: { name: `${prefix}user-idempotency`, partitionKey: 'id', ttlAttribute: 'ttl' },
  }) satisfies Record<string, Table>;

export type Tables = ReturnType<typeof tablesOf>;

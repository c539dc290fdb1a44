import type { Table } from '@queue-manager/service-kit/dynamo';

/** Every table of this service, by what it holds. */
export const tablesOf = (prefix: string) =>
  ({
    /** By account; a session that ended is not there. */
    sessions: {
      name: `${prefix}sessions`,
      partitionKey: 'userId',
      sortKey: 'id',
      ttlAttribute: 'ttl',
    },
  }) satisfies Record<string, Table>;

export type Tables = ReturnType<typeof tablesOf>;

import type { Table } from '@queue-manager/service-kit/dynamo';

/** The tables of this service, by their contents. */
export const tablesOf = (prefix: string) =>
  ({
    /** By account. Sessions that end are deleted. */
    sessions: {
      name: `${prefix}sessions`,
      partitionKey: 'userId',
      sortKey: 'id',
      ttlAttribute: 'ttl',
    },
  }) satisfies Record<string, Table>;

export type Tables = ReturnType<typeof tablesOf>;

import { Flag, RedisUrl, serviceEnv, TicketKeys, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

const milliseconds = z.coerce.number().int().min(1).max(60_000);

export const positionEnv = {
  ...serviceEnv,
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL names nodes of a Redis Cluster; the other nodes are discovered through them. */
  REDIS_CLUSTER: Flag,
  /** A Redis command without a reply for this long fails, and Redis counts as unavailable. */
  REDIS_COMMAND_TIMEOUT_MS: milliseconds.default(1_000),
  /** How long a direct call may wait for a rebuild; must stay below its caller's timeout. */
  DIRECT_REBUILD_WAIT_MS: milliseconds.default(40),
  QUEUE_SERVICE_URL: Url,
  /** Publishes the keys that access tokens are verified with. */
  AUTH_SERVICE_URL: Url,
  TICKET_KEYS: TicketKeys,
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};

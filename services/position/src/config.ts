import { Flag, RedisUrl, serviceEnv, TicketKeys, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

const milliseconds = z.coerce.number().int().min(1).max(60_000);

export const positionEnv = {
  ...serviceEnv,
  REDIS_URL: RedisUrl,
  /** Whether REDIS_URL names a Redis Cluster, whose other nodes are then found through those named. */
  REDIS_CLUSTER: Flag,
  /** After this long without an answer Redis counts as away. */
  REDIS_COMMAND_TIMEOUT_MS: milliseconds.default(1_000),
  /** How long a direct call may wait for a line to be rebuilt; its caller gives up soon after. */
  DIRECT_REBUILD_WAIT_MS: milliseconds.default(40),
  QUEUE_SERVICE_URL: Url,
  /** Its published keys tell whose access token is good. */
  AUTH_SERVICE_URL: Url,
  TICKET_KEYS: TicketKeys,
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};

import { limits } from '@queue-manager/contracts/values';
import { Flag, RedisUrl, serviceEnv, Url } from '@queue-manager/service-kit/config';
import { z } from 'zod';

const count = z.coerce.number().int().min(1);

export const brokerEnv = {
  ...serviceEnv,
  /** A Redis of its own: append-only file with `appendfsync always`, and `noeviction`. */
  BROKER_REDIS_URL: RedisUrl,
  /** Whether BROKER_REDIS_URL is a Redis Cluster; its other nodes are discovered. */
  BROKER_REDIS_CLUSTER: Flag,
  /** A Redis command without a reply for this long fails, and Redis counts as unavailable. */
  BROKER_REDIS_COMMAND_TIMEOUT_MS: count.max(60_000).default(2_000),
  QUEUE_SERVICE_URL: Url,
  /** Deliveries after which a message that is not deleted becomes a dead one. */
  DELIVERIES_MAX: count.default(limits.deliveriesMax),
  /** Messages of one venue, dead ones included. */
  BACKLOG_MESSAGES_MAX: count.default(100_000),
  /** Their bodies together. */
  BACKLOG_BYTES_MAX: count.default(64 * 1024 * 1024),
  /** Age of the oldest message that waits. */
  BACKLOG_AGE_DAYS_MAX: count.default(14),
  /** Calls with an `Idempotency-Key` in 24 hours, whose answers are kept for as long. */
  IDEMPOTENCY_KEYS_MAX: count.default(100_000),
  SQS_PREFIX: z.string().default(''),
  PROVISION: Flag,
};

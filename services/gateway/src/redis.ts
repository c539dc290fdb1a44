import type { Logger } from '@queue-manager/service-kit/logging';
import { connectRedis as connect, type RedisClient } from '@queue-manager/service-kit/redis';
import type { GatewayConfig } from './config.ts';

/**
 * The Redis that holds the shared counts. It is never waited for: without a connection a command fails at
 * once, with a silent one after REDIS_TIMEOUT_MS, and after five times that the connection counts as lost. The
 * gateway also starts without it.
 */
export function connectRedis(
  config: Pick<GatewayConfig, 'REDIS_URL' | 'REDIS_CLUSTER' | 'REDIS_TIMEOUT_MS'>,
  logger: Logger,
): RedisClient {
  return connect({
    url: config.REDIS_URL,
    isCluster: config.REDIS_CLUSTER,
    commandTimeoutMs: config.REDIS_TIMEOUT_MS,
    logger,
    meanwhile: 'shared limits let everyone in',
  });
}

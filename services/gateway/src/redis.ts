import type { Logger } from '@queue-manager/service-kit/logging';
import { connectRedis as connect, type RedisClient } from '@queue-manager/service-kit/redis';
import type { GatewayConfig } from './config.ts';

/**
 * The Redis for shared counts. Calls hardly wait for it: without a connection commands fail at once, on a silent
 * connection after REDIS_TIMEOUT_MS; after five times that the connection counts as lost.
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
    meanwhile: 'this gateway counts alone',
  });
}

import type { Logger } from '@queue-manager/service-kit/logging';
import { Redis } from 'ioredis';

/**
 * The Redis that holds the shared counts. It is never waited for: without a connection a command fails at
 * once, with a silent one after `timeoutMs`, and after five times that the connection counts as lost. The
 * gateway also starts without it.
 */
export function connectRedis(url: string, timeoutMs: number, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    socketTimeout: 5 * timeoutMs,
    connectTimeout: 2_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
  });
  // One line for an outage and one for its end, however many attempts lie between.
  let isAway = false;
  redis.on('error', (error) => {
    if (!isAway) logger.warn({ err: error }, 'redis is away: shared limits let everyone in');
    isAway = true;
  });
  redis.on('ready', () => {
    if (isAway) logger.info('redis is back: shared limits count again');
    isAway = false;
  });
  return redis;
}

import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { Logger } from '@queue-manager/service-kit/logging';
import pTimeout from 'p-timeout';

const readyTimeoutMs = 5_000;

export type StoreGate = {
  /** Resolves at once while the store is there; during an outage when it is back, or rejects with the signal's reason. */
  passed(): Promise<void>;
  /** Says that the store is away: shuts the gate until the store answers again. */
  shut(cause: unknown): void;
};

/**
 * Holds work back while a store is away: asks `ready` with growing pauses, and lets everything waiting go on
 * once it resolves. Logs the beginning and the end of an outage, not what lies between.
 */
export function createStoreGate(options: {
  ready: () => Promise<unknown>;
  logger: Logger;
  signal: AbortSignal;
}): StoreGate {
  const { ready, logger, signal } = options;
  let outage: Promise<void> | undefined;

  const recover = async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        await delay(backoffMs(attempt), undefined, { signal });
        await pTimeout(ready(), { milliseconds: readyTimeoutMs });
        break;
      } catch {
        signal.throwIfAborted();
      }
    }
    outage = undefined;
    logger.info('the store is back: consuming again');
  };

  return {
    passed: () => outage ?? Promise.resolve(),
    shut(cause) {
      if (outage !== undefined) return;
      logger.warn({ err: cause }, 'the store is away: consuming pauses until it is back');
      outage = recover();
      outage.catch(() => undefined);
    },
  };
}

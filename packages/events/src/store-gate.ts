import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { Logger } from '@queue-manager/service-kit/logging';
import pTimeout from 'p-timeout';

const readyTimeoutMs = 5_000;

export type StoreGate = {
  /** Resolves at once, or after an outage when the store is back. Rejects with the signal's reason. */
  whenOpen(): Promise<void>;
  /** Closes the gate until the store is ready again. */
  close(cause: unknown): void;
};

/**
 * Pauses work while a store is unavailable: calls `ready` with exponential backoff until it resolves. Logs the
 * beginning and the end of an outage.
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
    logger.info('the store is back: consuming resumes');
  };

  return {
    whenOpen: () => outage ?? Promise.resolve(),
    close(cause) {
      if (outage !== undefined) return;
      logger.warn({ err: cause }, 'the store is unavailable: consuming pauses until it is back');
      outage = recover();
      outage.catch(() => undefined);
    },
  };
}

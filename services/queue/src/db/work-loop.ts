import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';

/** Backoff while a store is unavailable. */
export const retryPauses = { firstMs: 200, maxMs: 5_000 };

export type WorkLoop = {
  start(): void;
  /** Ends a sleep, since there is work. */
  wake(): void;
  /** Resolves after the current step. */
  stop(): Promise<void>;
};

/**
 * Runs `step` over and over until it is stopped; a step returns how many milliseconds to sleep after it. A step that
 * throws is retried with backoff that only `stop` interrupts: new work must not cause retries while a store is down.
 * `onOutage` and `onRecovery` are log messages for the beginning and the end of such an outage.
 */
export function createWorkLoop(options: {
  step: () => Promise<number>;
  logger: Logger;
  onOutage: string;
  onRecovery: string;
}): WorkLoop {
  const { step, logger } = options;
  let isStopping = false;
  let isAwake = false;
  let endPause: () => void = () => {};
  let endSleep: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  async function pause(ms: number): Promise<void> {
    if (isStopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  async function sleep(ms: number): Promise<void> {
    if (isAwake || ms <= 0) return;
    const sleeping = pause(ms);
    endSleep = endPause;
    await sleeping;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!isStopping) {
      isAwake = false;
      try {
        const sleepMs = await step();
        if (failures > 0) logger.info(options.onRecovery);
        failures = 0;
        await sleep(sleepMs);
      } catch (error) {
        const level = isOutage(error) ? 'warn' : 'error';
        if (failures === 0) logger[level]({ err: error }, options.onOutage);
        failures += 1;
        await pause(backoffMs(failures, retryPauses));
      }
    }
  }

  return {
    start() {
      running = run();
    },
    wake() {
      isAwake = true;
      endSleep();
    },
    async stop() {
      isStopping = true;
      endPause();
      await running;
    },
  };
}

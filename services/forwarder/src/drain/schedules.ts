import type { Logger } from '@queue-manager/service-kit/logging';
import { Cron } from 'croner';
import type { Drain } from './drain.ts';

export type Schedules = {
  start(): void;
  /** Ends the current run after the contact in hand. Resolves when it has ended. */
  stop(): Promise<void>;
};

/** Runs the drain by cron patterns in a time zone. A run that is due during another is left out. */
export function createSchedules(options: {
  patterns: readonly string[];
  timezone: string;
  budgetMs: number;
  drain: Drain;
  logger: Logger;
}): Schedules {
  const { patterns, timezone, budgetMs, drain, logger } = options;
  const stopping = new AbortController();
  let current: Promise<unknown> | undefined;

  const run = async () => {
    try {
      const result = await drain({ budgetMs, signal: stopping.signal });
      const isQuiet = result.forwarded + result.deadLetters + result.skipped === 0;
      if (isQuiet && result.reason === undefined) return;
      logger[result.outcome === 'stopped' ? 'warn' : 'info'](result, 'contacts drained');
    } catch (error) {
      logger.warn({ err: error }, 'contacts cannot be drained: the next run tries again');
    }
  };
  const onDue = () => {
    current ??= run().finally(() => {
      current = undefined;
    });
  };
  const jobs = patterns.map((pattern) => new Cron(pattern, { timezone, paused: true }, onDue));

  return {
    start() {
      for (const job of jobs) job.resume();
    },
    async stop() {
      for (const job of jobs) job.stop();
      stopping.abort();
      await current;
    },
  };
}

import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Database } from './database.ts';
import { sweepIdempotencyKeys } from './idempotency.ts';
import { sweepInvitations } from './invitations.ts';
import { planRetention } from './plan-retention.ts';
import { sweepTasks } from './tasks/sweep-tasks.ts';

const everyMs = 60_000;

export type Housekeeping = {
  start(): void;
  /** Does at once what is done every minute; joins a sweep that is under way, so that there is one at a time. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
};

/** Deletes what has had its day, or plans that it goes. Several instances may sweep at once. */
export function createHousekeeping(deps: {
  db: Database;
  clock: Clock;
  logger: Logger;
}): Housekeeping {
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> | undefined;

  function sweep(): Promise<void> {
    sweeping ??= sweepAll().finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  }

  async function sweepAll(): Promise<void> {
    try {
      while ((await sweepIdempotencyKeys(deps)) > 0);
      while ((await sweepInvitations(deps)) > 0);
      while ((await sweepTasks(deps)) > 0);
      while ((await planRetention(deps)) > 0);
    } catch (error) {
      deps.logger.warn({ err: error }, 'old rows stay for now');
    }
  }

  return {
    start() {
      timer = setInterval(sweep, everyMs);
      timer.unref();
    },
    sweep,
    async stop() {
      clearInterval(timer);
      await sweeping;
    },
  };
}

import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Database } from './db/database.ts';
import { sweepIdempotencyKeys } from './db/idempotency.ts';
import { planRetention } from './retention/plan-retention.ts';
import { sweepInvitationSends } from './staff/invitation-sends.ts';
import { sweepInvitations } from './staff/invitations.ts';
import { sweepTasks } from './tasks/sweep-tasks.ts';

const everyMs = 60_000;

/** Each does a part and gives back how much that was; 0 when nothing is left. */
const chores = [
  sweepIdempotencyKeys,
  sweepInvitations,
  sweepInvitationSends,
  sweepTasks,
  planRetention,
];

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
    for (const chore of chores) {
      try {
        while ((await chore(deps)) > 0);
      } catch (error) {
        // The next one is done all the same: what cannot be swept must not keep names from being erased.
        deps.logger.warn({ err: error, chore: chore.name }, 'old rows stay for now');
      }
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

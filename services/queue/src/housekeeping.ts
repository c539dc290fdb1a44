import type { Clock } from '@queue-manager/service-kit/clock';
import { atHalfTime } from '@queue-manager/service-kit/limits/half-time';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Database } from './db/database.ts';
import { sweepIdempotencyKeys } from './db/idempotency.ts';
import { sweepBackdatedJoins } from './join/joined-at.ts';
import { sweepOldPersons } from './parties/old-persons.ts';
import { planRetention } from './retention/plan-retention.ts';
import { sweepInvitationSends } from './staff/invitation-sends.ts';
import { sweepInvitations } from './staff/invitations.ts';
import { sweepTasks } from './tasks/sweep-tasks.ts';

const everyMs = 60_000;

/** Each does one batch and returns its size; 0 when nothing is left. */
const chores = [
  sweepIdempotencyKeys,
  sweepInvitations,
  sweepInvitationSends,
  sweepOldPersons,
  sweepBackdatedJoins,
  sweepTasks,
  planRetention,
];

type Housekeeping = {
  start(): void;
  /** Runs all chores now. A call during a sweep joins it. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
};

/** Deletes expired rows, and schedules the erasure of old personal data, every minute. Instances may overlap. */
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
        while ((await atHalfTime(() => chore(deps))) > 0);
      } catch (error) {
        // Continue: a failing sweep must not keep personal data from being erased.
        deps.logger.warn({ err: error, chore: chore.name }, 'housekeeping chore failed');
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

/** Both halves as Lambda functions: `onStream` of the accounts' stream, `onSchedule` of EventBridge Scheduler. */
import { systemClock } from '@queue-manager/service-kit/clock';
import { readConfig } from '@queue-manager/service-kit/config';
import { createLogger } from '@queue-manager/service-kit/logging';
import { forwarderLambdaEnv } from './config.ts';
import { createDeps } from './deps.ts';
import type { DrainResult } from './drain/drain.ts';
import type { BatchFailure, StreamRecord } from './stream/forward-accounts.ts';

const config = readConfig(forwarderLambdaEnv);
const logger = createLogger({ name: 'forwarder', level: config.LOG_LEVEL });
const deps = createDeps(config, { clock: systemClock, logger });

/** What is left of a function's time when a run must have ended. */
const marginMs = 5_000;

/** Reports the first record that was not forwarded: Lambda delivers it and all after it again. */
export const onStream = (event: { Records: StreamRecord[] }): Promise<BatchFailure> =>
  deps.forwardAccounts(event.Records);

/** One run, within the budget and the function's time. An outage fails the invocation. */
export const onSchedule = async (
  _event: unknown,
  context: { getRemainingTimeInMillis(): number },
): Promise<DrainResult> => {
  const remainingMs = context.getRemainingTimeInMillis() - marginMs;
  const budgetMs = Math.min(config.FORWARD_BUDGET_SECONDS * 1_000, remainingMs);
  const result = await deps.drain({ budgetMs });
  logger[result.outcome === 'stopped' ? 'warn' : 'info'](result, 'contacts drained');
  return result;
};

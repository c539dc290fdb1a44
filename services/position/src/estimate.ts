import type { Estimate } from '@queue-manager/contracts/values';

import { modelName } from './estimates/model-name.ts';

/** What a party is taken to cost those behind it while the line has not been seen to move. */
const priorGapSeconds = 120;

/**
 * The wait of one who has `ahead` parties before it: one gap for each of them and one for itself.
 * The interval is half to double of that, a stated rule and not a promise.
 */
export function estimateWait(given: {
  ahead: number;
  asOf: Date;
}): Estimate {
  const seconds = (given.ahead + 1) * priorGapSeconds;
  return {
    p10: Math.round(seconds / 2),
    p50: Math.round(seconds),
    p90: Math.round(seconds * 2),
    model: modelName,
    asOf: given.asOf.toISOString(),
  };
}

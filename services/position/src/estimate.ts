import type { Estimate } from '@queue-manager/contracts/values';

const model = 'call-gap-ewma-1';
/** What a party is taken to cost those behind it while the line has not been seen to move. */
const priorGapSeconds = 120;

/**
 * The pace of a line is the moving average of the gaps between calls (those waiting called, or seated from
 * where they wait), the newest with this weight.
 */
export const gapWeight = 0.2;
/** After a longer gap the line had paused, which says nothing about its pace. */
export const gapMsMax = 30 * 60 * 1_000;

/**
 * The wait of one who has `ahead` parties before it: one gap for each of them and one for itself.
 * The interval is half to double of that, a stated rule and not a promise.
 */
export function estimateWait(given: {
  ahead: number;
  /** Seconds; null before any gap was seen. */
  gapSeconds: number | null;
  asOf: Date;
}): Estimate {
  const seconds = (given.ahead + 1) * (given.gapSeconds ?? priorGapSeconds);
  return {
    p10: Math.round(seconds / 2),
    p50: Math.round(seconds),
    p90: Math.round(seconds * 2),
    model,
    asOf: given.asOf.toISOString(),
  };
}

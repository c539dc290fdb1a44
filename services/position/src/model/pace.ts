/** How fast a queue has moved lately. All times are in seconds, not counting pauses. */
export interface Pace {
  /** Since the first event. */
  seconds: number;
  /** Time with anyone waiting, since the last call of a party that had waited. */
  busySeconds: number;
  /** `seconds` at the last call of any party; null before the first. */
  calledAt: number | null;
  /** Number of gaps of `busySeconds` averaged: a plain mean at first, then weighted by `weights`. */
  gaps: number;
  /** Mean gaps between calls of parties that waited, while anyone waited: over the last few, and over many. */
  gapOfFew: number;
  gapOfMany: number;
  /** The same between all calls, including parties that did not wait. */
  gapOfAll: number;
  /** Mean wait of recently called parties. */
  wait: number;
  /** Share of the parties that gave up among those that waited and left the line. */
  goneShare: number;
}

/** Assumed gap between calls until the queue has been seen to move. */
export const priorGapSeconds = 120;

/** Weights of the newest value, for means over about the last 3, 10 and 33. */
export const weights = { few: 0.3, some: 0.1, many: 0.03 };

/**
 * Caps values at this many times the mean: a night between two calls is not a gap. A lasting change is still learned,
 * because each step moves the mean.
 */
const outlier = 10;

export function createPace(): Pace {
  return {
    seconds: 0,
    busySeconds: 0,
    calledAt: null,
    gaps: 0,
    gapOfFew: priorGapSeconds,
    gapOfMany: priorGapSeconds,
    gapOfAll: priorGapSeconds,
    wait: priorGapSeconds,
    goneShare: 0,
  };
}

/** Advances time in a queue that is not paused. */
export function pass(pace: Pace, seconds: number, isAnybodyWaiting: boolean): void {
  pace.seconds += seconds;
  if (isAnybodyWaiting) pace.busySeconds += seconds;
}

/** Notes a call; `waited` is in seconds, 0 for a party that did not wait. */
export function noteCall(pace: Pace, waited: number): void {
  const first = shareOfNext(pace.gaps);
  const towards = (mean: number, value: number, weight: number) =>
    meanWith(mean, value, Math.max(weight, first));
  if (pace.calledAt !== null) {
    pace.gapOfAll = towards(pace.gapOfAll, pace.seconds - pace.calledAt, weights.some);
  }
  pace.calledAt = pace.seconds;
  if (waited === 0) return;
  pace.gapOfFew = towards(pace.gapOfFew, pace.busySeconds, weights.few);
  pace.gapOfMany = towards(pace.gapOfMany, pace.busySeconds, weights.many);
  pace.wait = towards(pace.wait, waited, weights.some);
  pace.goneShare -= weights.many * pace.goneShare;
  pace.gaps++;
  pace.busySeconds = 0;
}

/** In a plain mean of n values the nth has a weight of 1/n; the prior is the first value. */
export function shareOfNext(values: number): number {
  return 1 / (values + 2);
}

/** Moves a mean towards a value. */
export function meanWith(mean: number, value: number, weight: number): number {
  return mean + weight * (Math.min(value, outlier * Math.max(mean, 1)) - mean);
}

/** Notes that a waiting party gave up. */
export function noteGone(pace: Pace): void {
  pace.goneShare += weights.many * (1 - pace.goneShare);
}

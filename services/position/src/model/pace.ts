/** How a line has moved of late. All times in seconds in which it was open to calls: a pause has none. */
export interface Pace {
  /** Since the first event. */
  seconds: number;
  /** In which anybody waited, since the last call of somebody who had. */
  busySeconds: number;
  /** `seconds` at the last call of anybody; null before it. */
  calledAt: number | null;
  /** Gaps of `busySeconds` so far: the first ones count in full, and then as much as `weights` says. */
  gaps: number;
  /** Means of gaps between calls of those who waited, while anybody waited: of the last few, and of many. */
  gapOfFew: number;
  gapOfMany: number;
  /** The same of gaps between all calls, also of those who walked straight in. */
  gapOfAll: number;
  /** Mean wait of those called lately. */
  wait: number;
  /** Share of those who gave up, of those who waited and are gone. */
  goneShare: number;
}

/** What a party is taken to cost those behind it while the line has not been seen to move. */
export const priorGapSeconds = 120;

/** Of the newest: means of about the last 3, 10 and 33, the scales on which a line's luck, hour and staff change. */
const weights = { few: 0.3, some: 0.1, many: 0.03 };

/**
 * Whatever is so many times the mean counts as that: a night between two calls is no gap of the line's pace. A
 * lasting change is learned all the same, since each step moves the mean.
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

/** Time goes by in a line that is open to calls. */
export function pass(pace: Pace, seconds: number, isAnybodyWaiting: boolean): void {
  pace.seconds += seconds;
  if (isAnybodyWaiting) pace.busySeconds += seconds;
}

/** Somebody was called; `waited` in seconds, 0 for who walked straight in. */
export function noteCall(pace: Pace, waited: number): void {
  // A mean of n has the nth at a weight of 1/n; the prior is the first.
  const first = 1 / (pace.gaps + 2);
  const towards = (mean: number, value: number, weight: number) =>
    mean + Math.max(weight, first) * (Math.min(value, outlier * Math.max(mean, 1)) - mean);
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

/** Somebody who waited gave up. */
export function noteGone(pace: Pace): void {
  pace.goneShare += weights.many * (1 - pace.goneShare);
}

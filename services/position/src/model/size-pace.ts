import { meanWith, type Pace, shareOfNext, weights } from './pace.ts';

/** How fast parties of about the same size have moved lately. Times are in seconds, not counting pauses. */
export interface SizePace {
  waiting: number;
  /** Time with any of them waiting, since the last call of one that had waited. */
  busySeconds: number;
  /** Calls of parties that had waited. */
  calls: number;
  /** Mean gap between these calls, while any of them waited. */
  gap: number;
}

/** Tables have an even number of seats: parties of 1 and 2 compete for the same ones, as do 3 and 4, and so on. */
const seatsStep = 2;
/** The last pace is of all larger parties, too. */
const paces = 4;

/** A pace weighs as much as that of a typical party after this many calls. */
const trustCalls = 5;

export function createSizePaces(): SizePace[] {
  return Array.from({ length: paces }, () => ({ waiting: 0, busySeconds: 0, calls: 0, gap: 0 }));
}

export function ofSize(sizes: readonly SizePace[], size: number): SizePace {
  return sizes[Math.min(Math.ceil(size / seatsStep), paces) - 1] as SizePace;
}

export function passForSizes(sizes: readonly SizePace[], seconds: number): void {
  for (const pace of sizes) if (pace.waiting > 0) pace.busySeconds += seconds;
}

/** Notes a call of a party that had waited; `all` is the pace of the queue before that call. */
export function noteCallOfSize(pace: SizePace, all: Pick<Pace, 'gapOfMany'>): void {
  const mean = pace.calls === 0 ? all.gapOfMany : pace.gap;
  pace.gap = meanWith(mean, pace.busySeconds, Math.max(weights.many, shareOfNext(pace.calls)));
  pace.calls++;
  pace.busySeconds = 0;
}

/** A party of a size, or a typical one if that is null, with `ahead` of `waiting` parties before it, itself included. */
type Standing = { size: number | null; ahead: number; waiting: number };

/**
 * Logarithm of how much longer a party would wait if only parties of about its size competed with it: those ahead of it
 * times the gap between their calls, compared with the whole line. 0 if all parties are of about the same size.
 *
 * Sizes that were called a few times only are estimated like a typical party.
 */
export function ownLineRatio(
  sizes: readonly SizePace[],
  all: Pick<Pace, 'gapOfMany'>,
  { size, ahead, waiting }: Standing,
): number {
  const counted = sizes.reduce((sum, pace) => sum + pace.waiting, 0);
  // The party itself, if the model has seen it join.
  const itself = counted >= waiting ? 1 : 0;
  const others = Math.max(1, counted - itself);
  const ratioOf = (pace: SizePace) => {
    const share = Math.min(Math.max(0, pace.waiting - itself) / others, 1);
    const ofAhead = Math.log1p(ahead * share) - Math.log1p(ahead);
    // Subtracted in pairs, so that equal paces give exactly 0: a feature that never occurs.
    return ofAhead + (Math.log1p(pace.gap) - Math.log1p(all.gapOfMany));
  };
  const calls = sizes.reduce((sum, pace) => sum + pace.calls, 0);
  if (calls === 0) return 0;
  const typical = sizes.reduce((sum, pace) => sum + (pace.calls / calls) * ratioOf(pace), 0);
  if (size === null) return typical;
  const own = ofSize(sizes, size);
  const trust = own.calls / (own.calls + trustCalls);
  return trust * ratioOf(own) + (1 - trust) * typical;
}

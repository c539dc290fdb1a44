import { xoshiro128 } from './random.ts';
import type { Arrival, TraceDay } from './replay-trace.ts';

/** A Friday at a restaurant without reservations: what each hour from 18:00 on brings, in parties. */
const partiesPerHour = [26, 48, 58, 44, 26, 12];
const opensAtSeconds = 18 * 3_600;

const tables = 36;
/** A table is taken for this long, uniformly between the two. */
const mealSeconds = { shortest: 40 * 60, longest: 90 * 60 };
/** How long guests wait before they give up, on average; exponentially distributed. */
const patienceSecondsMean = 75 * 60;

const seed = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667] as const;

/**
 * A plausible Friday night, the same each time. Parties arrive as a Poisson process with a rate for each
 * hour; they are served in the order of arrival as soon as one of the tables is free, and those whose
 * patience is shorter than that wait leave.
 */
export function fridayNight(): TraceDay {
  const random = xoshiro128(seed);
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const freeAt = new Array<number>(tables).fill(0);
  const arrivals: Arrival[] = [];

  for (const [hour, parties] of partiesPerHour.entries()) {
    const hourStarts = opensAtSeconds + hour * 3_600;
    // Exponential gaps have no memory, so each hour may begin with a fresh one.
    let clock = hourStarts + exponential(3_600 / parties);
    for (; clock < hourStarts + 3_600; clock += exponential(3_600 / parties)) {
      const arrivalSeconds = Math.floor(clock);
      const firstFree = freeAt.indexOf(Math.min(...freeAt));
      const servedAt = Math.max(arrivalSeconds, Math.ceil(freeAt[firstFree] ?? 0));
      const patienceSeconds = Math.ceil(exponential(patienceSecondsMean));
      const waitSeconds = servedAt - arrivalSeconds;
      if (waitSeconds > patienceSeconds) {
        arrivals.push({ arrivalSeconds, waitSeconds: patienceSeconds, outcome: 'abandoned' });
        continue;
      }
      const { shortest, longest } = mealSeconds;
      freeAt[firstFree] = servedAt + shortest + random() * (longest - shortest);
      arrivals.push({ arrivalSeconds, waitSeconds, outcome: 'served' });
    }
  }
  return { day: '2026-05-29', arrivals };
}

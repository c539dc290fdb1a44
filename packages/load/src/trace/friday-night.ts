import { randomOf } from '../random.ts';
import type { Arrival, TraceDay } from './trace.ts';

/** Arrivals on a Friday at a restaurant without reservations, in parties for each hour from 18:00. */
const partiesPerHour = [26, 48, 58, 44, 26, 12];
const opensAtSeconds = 18 * 3_600;

const tables = 36;
/** How long a party occupies its table; uniformly distributed. */
const mealSeconds = { min: 40 * 60, max: 90 * 60 };
/** How long guests wait before they leave; exponentially distributed. */
const patienceSecondsMean = 75 * 60;

/**
 * A plausible Friday night, the same each time. Parties arrive as a Poisson process with a rate per hour. They are
 * served in the order of arrival as tables become free; those whose patience is shorter than the wait leave.
 */
export function fridayNight(): TraceDay {
  const random = randomOf('friday night');
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const freeAt = new Array<number>(tables).fill(0);
  const arrivals: Arrival[] = [];

  for (const [hour, parties] of partiesPerHour.entries()) {
    const hourStarts = opensAtSeconds + hour * 3_600;
    // Exponential gaps are memoryless, so each hour can begin with a new one.
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
      const { min, max } = mealSeconds;
      freeAt[firstFree] = servedAt + min + random() * (max - min);
      arrivals.push({ arrivalSeconds, waitSeconds, outcome: 'served' });
    }
  }
  return { day: '2026-05-29', arrivals };
}

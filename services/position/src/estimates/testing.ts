import { randomOf } from '@queue-manager/load/random';
import type { TracedArrival } from '@queue-manager/load/trace/trace';

/**
 * Synthetic days of a service desk, seeded by name: guests arrive in two waves a day, each of the staff takes 80 s per
 * guest on average, a fifth of the guests have priority, and some give up.
 */
export function syntheticDays(name: string, days: number): TracedArrival[] {
  const random = randomOf(name);
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const arrivals: TracedArrival[] = [];
  for (let number = 1; number <= days; number++) {
    const day = `2026-01-${String(number).padStart(2, '0')}`;
    const freeAt = Array.from({ length: 2 + (number % 2) }, () => 0);
    const line: { at: number; isPriority: boolean; patience: number }[] = [];
    for (let at = 0; at < 36_000; ) {
      at += exponential(at % 18_000 < 6_000 ? 25 : 50);
      line.push({ at, isPriority: random() < 0.2, patience: exponential(500) });
    }
    while (line.length > 0) {
      freeAt.sort((a, b) => a - b);
      const free = Math.max(freeAt[0] ?? 0, line[0]?.at ?? 0);
      const waiting = line.filter(({ at }) => at <= free);
      const next = waiting.find(({ isPriority }) => isPriority) ?? waiting[0];
      if (next === undefined) break;
      line.splice(line.indexOf(next), 1);
      const wait = Math.round(free - next.at);
      const isServed = wait <= next.patience;
      arrivals.push({
        day,
        arrivalSeconds: Math.floor(36_000 + next.at),
        waitSeconds: isServed ? wait : Math.round(next.patience),
        outcome: isServed ? 'served' : 'abandoned',
        isPriority: next.isPriority,
      });
      if (isServed) freeAt[0] = free + exponential(80);
    }
  }
  return arrivals.sort((a, b) => a.day.localeCompare(b.day) || a.arrivalSeconds - b.arrivalSeconds);
}

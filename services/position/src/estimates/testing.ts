import { randomOf } from '@queue-manager/load/random';
import type { TracedArrival } from '@queue-manager/load/trace/trace';
import type { LearningEvent } from '../model/learning-event.ts';
import { partyIdOf } from './judge-trace.ts';

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

/** A venue whose evenings are simulated. */
export interface SyntheticVenue {
  /** Seats of each table and mean time until it is free again, in minutes. */
  tables: { seats: number; minutes: number; count: number }[];
  /** Whether a free table goes to the first party that fills more than half of it, or to the first of any size. */
  callsBySize: boolean;
  /** Mean time between arrivals; busy evenings have shorter ones. */
  arrivalSeconds: number;
  sizes: { size: number; weight: number }[];
  evenings: number;
}

/** Sizes of parties as restaurants see them: half of them couples. */
export const usualSizes = [10, 45, 13, 18, 5, 5, 2, 2].map((weight, i) => ({
  size: i + 1,
  weight,
}));

type NightEvent = Extract<LearningEvent, { joinedAtMs: number }>;

/** Events of five-hour evenings, seeded by name: guests arrive, take what is free, wait, and rarely give up. */
export function syntheticEvenings(name: string, venue: SyntheticVenue): NightEvent[] {
  const random = randomOf(name);
  const exponential = (mean: number) => -mean * Math.log(1 - random());
  const sizesWeight = venue.sizes.reduce((sum, { weight }) => sum + weight, 0);
  const drawSize = () => {
    let left = random() * sizesWeight;
    for (const { size, weight } of venue.sizes) {
      left -= weight;
      if (left < 0) return size;
    }
    return 1;
  };
  const events: NightEvent[] = [];
  let guests = 0;
  for (let evening = 1; evening <= venue.evenings; evening++) {
    const opens = (evening * 24 + 18) * 3_600;
    const gap = venue.arrivalSeconds / (0.75 + 0.5 * random());
    const arriving: Guest[] = [];
    for (let at = opens; at < opens + 5 * 3_600; at += exponential(gap)) {
      arriving.push({ at, size: drawSize(), leavesAt: at + exponential(7_200), number: ++guests });
    }
    const tables = venue.tables.flatMap(({ count, ...table }) =>
      Array.from({ length: count }, () => ({ ...table, freeAt: opens })),
    );
    let line: Guest[] = [];
    const note = (kind: NightEvent['kind'], now: number, guest: Guest) => {
      events.push({
        ...{ kind, seq: events.length + 1, timeMs: Math.round(now * 1_000) },
        ...{ partyId: partyIdOf(guest.number), lane: 'regular', size: guest.size },
        joinedAtMs: Math.round(guest.at * 1_000),
      });
      if (kind === 'joined') line.push(guest);
      else line = line.filter((other) => other !== guest);
    };
    for (let now = opens; now < Number.POSITIVE_INFINITY; ) {
      for (const guest of line.filter(({ leavesAt }) => leavesAt <= now)) note('gone', now, guest);
      while ((arriving[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
        note('joined', now, arriving.shift() as Guest);
      }
      for (const table of tables.filter(({ freeAt }) => freeAt <= now)) {
        const { seats, minutes } = table;
        const fits = ({ size }: Guest) => size <= seats && (seats === 2 || size > seats / 2);
        const next = line.find((guest) => !venue.callsBySize || fits(guest));
        if (next === undefined) continue;
        note('called', now, next);
        // Erlang: few leave at once, few stay for ever.
        table.freeAt = now;
        for (let course = 0; course < 4; course++) table.freeAt += exponential(minutes * 15);
      }
      now = Math.min(
        ...arriving.slice(0, 1).map(({ at }) => at),
        ...line.map(({ leavesAt }) => leavesAt),
        ...tables.map(({ freeAt }) => freeAt).filter((at) => at > now),
      );
    }
  }
  return events;
}

type Guest = { at: number; size: number; leavesAt: number; number: number };

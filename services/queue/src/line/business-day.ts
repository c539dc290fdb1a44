import { Temporal } from 'temporal-polyfill';

/**
 * When a venue's business day (`2026-11-20`) begins: the first moment of that day at which the clock on its
 * wall shows `dayStartsAt` (`05:00`) or, where it is put forward over that time, a later one.
 */
export function startOfBusinessDay(day: string, timezone: string, dayStartsAt: string): Date {
  const wanted = Temporal.PlainDate.from(day).toPlainDateTime(dayStartsAt);
  const earlier = wanted.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  // A time that is skipped comes out as one before it; the skip itself is the first moment past it.
  const start = earlier.toPlainDateTime().equals(wanted)
    ? earlier
    : earlier.getTimeZoneTransition('next');
  return new Date((start ?? earlier).epochMilliseconds);
}

/** The day after a day of the calendar. */
export function dayAfter(day: string): string {
  return Temporal.PlainDate.from(day).add({ days: 1 }).toString();
}

type Known = { day: string; start: Date; end: Date };
/** More ways to count them than venues have; what somebody makes up beyond that is not kept for ever. */
const knownMax = 5_000;
/** The business day that was asked for last, of each way in which venues count them. */
const known = new Map<string, Known>();

/** The business day that a moment belongs to: the last one that has begun. */
export function businessDayOf(moment: Date, timezone: string, dayStartsAt: string): string {
  const key = `${timezone} ${dayStartsAt}`;
  const last = known.get(key);
  if (last !== undefined && moment >= last.start && moment < last.end) return last.day;
  const found = findBusinessDay(moment, timezone, dayStartsAt);
  if (known.size >= knownMax) known.clear();
  known.set(key, found);
  return found.day;
}

function findBusinessDay(moment: Date, timezone: string, dayStartsAt: string): Known {
  const wall = Temporal.Instant.fromEpochMilliseconds(moment.getTime())
    .toZonedDateTimeISO(timezone)
    .toPlainDateTime();
  const isBegun = Temporal.PlainTime.compare(wall.toPlainTime(), dayStartsAt) >= 0;
  const date = wall.toPlainDate();
  let day = (isBegun ? date : date.subtract({ days: 1 })).toString();
  let start = startOfBusinessDay(day, timezone, dayStartsAt);
  for (;;) {
    const next = dayAfter(day);
    const end = startOfBusinessDay(next, timezone, dayStartsAt);
    if (moment < end) return { day, start, end };
    // The clock was put back over the start of a day: it has begun, though the wall shows less again.
    day = next;
    start = end;
  }
}

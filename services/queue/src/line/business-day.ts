import { Temporal } from 'temporal-polyfill';

/**
 * When a venue's business day (`2026-11-20`) begins: the first moment of that day at which its local time is
 * `dayStartsAt` (`05:00`), or later where a clock change skips that time.
 */
export function startOfBusinessDay(day: string, timezone: string, dayStartsAt: string): Date {
  const wanted = Temporal.PlainDate.from(day).toPlainDateTime(dayStartsAt);
  const earlier = wanted.toZonedDateTime(timezone, { disambiguation: 'earlier' });
  // A skipped time resolves to one before the clock change. The change itself is the first moment after it.
  const start = earlier.toPlainDateTime().equals(wanted)
    ? earlier
    : earlier.getTimeZoneTransition('next');
  return new Date((start ?? earlier).epochMilliseconds);
}

/** The next calendar day. */
export function dayAfter(day: string): string {
  return Temporal.PlainDate.from(day).add({ days: 1 }).toString();
}

type Known = { day: string; start: Date; end: Date };
/** Bounds the cache: more than there are time zones and starts in use. */
const knownMax = 5_000;
/** The last result by time zone and `dayStartsAt`. */
const known = new Map<string, Known>();

/** The business day of a moment: the last one that has begun. */
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
    // The clock was put back over the start of the day, so the day has begun although the local time is earlier.
    day = next;
    start = end;
  }
}

import { timeFormat } from '@queue-manager/ui/formats';

/** A venue's business days: when they start, in its timezone. */
export type Days = { timezone: string; dayStartsAt: string };

const dayMs = 24 * 60 * 60_000;

/** What a zone's clocks are ahead of UTC. */
function offsetAt(ms: number, timeZone: string): number {
  const format = timeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = Object.fromEntries(
    format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1_000) * 1_000;
}

/** When a business day such as `2026-11-20` starts. */
export function startOfDay(day: string, { timezone, dayStartsAt }: Days): number {
  const local = Date.parse(`${day}T${dayStartsAt}:00Z`);
  const guess = local - offsetAt(local, timezone);
  return local - offsetAt(guess, timezone);
}

/** The business day of a moment. */
export function dayOf(ms: number, days: Days): string {
  const date = new Date(ms + offsetAt(ms, days.timezone)).toISOString().slice(0, 10);
  return ms < startOfDay(date, days) ? addDays(date, -1) : date;
}

export function addDays(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * dayMs).toISOString().slice(0, 10);
}

/** A day as one reads it, such as "Friday, 20 November". */
export function dayWords(tag: string, day: string): string {
  const format = timeFormat(tag, {
    timeZone: 'UTC',
    weekday: 'long',
    day: 'numeric',
    month: 'long',
  });
  return format.format(Date.parse(`${day}T00:00:00Z`));
}

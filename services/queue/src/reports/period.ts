import { type PeriodQuery, periodDaysMax } from '@queue-manager/contracts/reports';
import { dayMs } from '@queue-manager/service-kit/durations';
import { invalidField } from '@queue-manager/service-kit/problems';
import type { VenueFacts } from '../access/membership.ts';
import { businessDayOf, dayAfter, startOfBusinessDay } from '../line/business-day.ts';

/** A stretch of time: `from` inclusive, `to` exclusive. */
export type Period = { from: Date; to: Date };

/** What tables can hold and an RFC 3339 time can say, with room for a day before and after. */
const years = { first: 1970, last: 9_998 };

/**
 * The period that a query names, of a venue with business days: the present business day up to now, where it
 * names nothing. Throws `validation-failed` with the field that makes no sense.
 */
export function periodOf(query: PeriodQuery, venue: VenueFacts, now: Date): Period {
  const startOf = (day: string) => startOfBusinessDay(day, venue.timezone, venue.day_starts_at);
  const from =
    query.from === undefined
      ? startOf(businessDayOf(now, venue.timezone, venue.day_starts_at))
      : within('from', query.from, isDay(query.from) ? startOf(query.from) : new Date(query.from));
  const to =
    query.to === undefined
      ? now
      : within('to', query.to, isDay(query.to) ? startOf(dayAfter(query.to)) : new Date(query.to));
  // The end of one day is the start of the next: times alone would not tell that the days are the wrong way round.
  if (from > to || areTurned(query)) {
    throw query.from === undefined
      ? invalidField('to', 'must not be before the current business day unless from is given')
      : invalidField('from', `must not be after ${query.to === undefined ? 'now' : 'to'}`);
  }
  // In whole days, since a day of the calendar may have 23 or 25 hours.
  if (Math.round((to.getTime() - from.getTime()) / dayMs) > periodDaysMax) {
    const path = query.from === undefined ? 'to' : 'from';
    throw invalidField(path, `makes the period longer than ${periodDaysMax} days`);
  }
  return { from, to };
}

function areTurned({ from = '', to = '' }: PeriodQuery): boolean {
  return from !== '' && to !== '' && isDay(from) && isDay(to) && from > to;
}

function isDay(written: string): boolean {
  return !written.includes('T');
}

function within(path: string, written: string, time: Date): Date {
  const year = Number(written.slice(0, 4));
  if (year >= years.first && year <= years.last) return time;
  throw invalidField(path, `must be between the years ${years.first} and ${years.last}`);
}

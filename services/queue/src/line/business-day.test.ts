import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { businessDayOf, dayAfter, startOfBusinessDay } from './business-day.ts';

it('counts the hours after midnight to the day before', () => {
  const lisbon = (time: string) => businessDayOf(new Date(time), 'Europe/Lisbon', '05:00');
  assert.equal(lisbon('2026-11-20T23:59:00Z'), '2026-11-20');
  assert.equal(lisbon('2026-11-21T04:59:59Z'), '2026-11-20');
  assert.equal(lisbon('2026-11-21T05:00:00Z'), '2026-11-21');
  assert.equal(lisbon('2026-03-01T01:00:00Z'), '2026-02-28');
});

it('follows local time, also on days of 23 and 25 hours and far from UTC', () => {
  const newYork = (time: string) => businessDayOf(new Date(time), 'America/New_York', '05:00');
  // The clocks went forward at 07:00Z (02:00 -> 03:00): 05:00 is 09:00Z from that day on.
  assert.equal(newYork('2026-03-08T08:59:00Z'), '2026-03-07');
  assert.equal(newYork('2026-03-08T09:00:00Z'), '2026-03-08');
  // They went back at 06:00Z (02:00 -> 01:00): 05:00 is 10:00Z.
  assert.equal(newYork('2026-11-01T09:59:00Z'), '2026-10-31');
  assert.equal(newYork('2026-11-01T10:00:00Z'), '2026-11-01');
  assert.equal(
    businessDayOf(new Date('2026-11-20T16:00:00Z'), 'Pacific/Auckland', '05:00'),
    '2026-11-21',
  );
  assert.equal(businessDayOf(new Date('2026-11-20T00:00:00Z'), 'UTC', '00:00'), '2026-11-20');
});

/** What the clock on a wall shows, as `2026-11-20T21:00`, by another way than the code's own. */
function wallClock(timezone: string) {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (moment: number) => format.format(moment).replace(' ', 'T');
}

const zones = [
  'Europe/Lisbon',
  'Europe/London',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Jerusalem',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Pacific/Chatham',
  'Pacific/Apia',
  'UTC',
] as const;

it('begins when the local time is first reached, also if it is skipped or repeated', () => {
  for (const [timezone, day, startsAt, start] of [
    ['Europe/Lisbon', '2026-11-20', '05:00', '2026-11-20T05:00:00Z'],
    ['Europe/Lisbon', '2026-07-01', '05:00', '2026-07-01T04:00:00Z'],
    ['Asia/Kolkata', '2026-11-20', '05:00', '2026-11-19T23:30:00Z'],
    ['America/St_Johns', '2026-11-20', '05:00', '2026-11-20T08:30:00Z'],
    ['Pacific/Chatham', '2026-11-20', '05:00', '2026-11-19T15:15:00Z'],
    // 01:00 → 02:00 at 01:00Z; 02:00 → 01:00 at 01:00Z.
    ['Europe/Lisbon', '2026-03-29', '01:30', '2026-03-29T01:00:00Z'],
    ['Europe/Lisbon', '2026-10-25', '01:30', '2026-10-25T00:30:00Z'],
    ['Europe/Lisbon', '2026-10-25', '02:00', '2026-10-25T02:00:00Z'],
    // Midnight itself is skipped.
    ['Asia/Beirut', '2026-03-29', '00:00', '2026-03-28T22:00:00Z'],
    // A day that never was.
    ['Pacific/Apia', '2011-12-30', '05:00', '2011-12-30T10:00:00Z'],
    ['Pacific/Apia', '2011-12-31', '05:00', '2011-12-30T15:00:00Z'],
  ] as const) {
    const found = startOfBusinessDay(day, timezone, startsAt);
    assert.equal(found.toISOString(), new Date(start).toISOString(), `${timezone} ${day}`);
  }
});

it('does not end when the clock is put back over its start', () => {
  const day = (time: string) => businessDayOf(new Date(time), 'Europe/Lisbon', '01:30');
  assert.deepEqual(
    ['00:29', '00:30', '00:59', '01:00', '01:29', '01:30'].map((at) => day(`2026-10-25T${at}:00Z`)),
    ['2026-10-24', ...new Array(5).fill('2026-10-25')],
  );
  const spring = (time: string) => businessDayOf(new Date(time), 'Europe/Lisbon', '01:30');
  assert.equal(spring('2026-03-29T00:59:59Z'), '2026-03-28');
  assert.equal(spring('2026-03-29T01:00:00Z'), '2026-03-29');
});

it('contains every moment that maps to it, in any time zone', () => {
  const quarterMs = 15 * 60_000;
  const minute = fc.integer({
    min: Date.parse('1999-01-01T00:00Z') / 60_000,
    max: Date.parse('2037-01-01T00:00Z') / 60_000,
  });
  // Quarters of an hour, since clocks are changed on them.
  const startsAt = fc
    .nat(95)
    .map((n) => `${String(n >> 2).padStart(2, '0')}:${String((n & 3) * 15).padStart(2, '0')}`);
  /** Moments around the changes of a zone's clocks, where it could go wrong. */
  const changes = (timezone: string) => {
    const wall = wallClock(timezone);
    const found: number[] = [];
    const offset = (time: number) => Date.parse(`${wall(time)}Z`) - time;
    for (let time = Date.UTC(2009, 0); time < Date.UTC(2013, 0); time += 3_600_000) {
      if (offset(time) !== offset(time + 3_600_000)) found.push(time / 60_000);
    }
    return found;
  };
  for (const timezone of zones) {
    const wall = wallClock(timezone);
    const near = changes(timezone);
    const moment =
      near.length === 0
        ? minute
        : fc.oneof(
            minute,
            fc
              .tuple(fc.constantFrom(...near), fc.integer({ min: -2_000, max: 2_000 }))
              .map(([change, offset]) => change + offset),
          );
    fc.assert(
      fc.property(moment, startsAt, (minutes, dayStartsAt) => {
        const time = minutes * 60_000;
        const day = businessDayOf(new Date(time), timezone, dayStartsAt);
        const start = startOfBusinessDay(day, timezone, dayStartsAt).getTime();
        const end = startOfBusinessDay(dayAfter(day), timezone, dayStartsAt).getTime();
        assert.ok(start <= time && time < end);
        const wanted = `${day}T${dayStartsAt}`;
        assert.ok(wall(start) >= wanted);
        for (let before = start - 60_000; before > start - 30 * 3_600_000; before -= quarterMs) {
          assert.ok(wall(before) < wanted, `${wall(before)} was there before`);
        }
      }),
      { numRuns: 150 },
    );
  }
});

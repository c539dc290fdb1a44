import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createWallClock } from './wall-clock.ts';

it('shows local time with its offset to UTC, in any time zone', () => {
  for (const [timezone, moment, shown] of [
    ['Europe/Lisbon', '2026-11-20T20:00:00.999Z', '2026-11-20T20:00:00+00:00'],
    ['Europe/Lisbon', '2026-07-01T23:30:00Z', '2026-07-02T00:30:00+01:00'],
    ['Asia/Kolkata', '2026-11-20T20:00:00Z', '2026-11-21T01:30:00+05:30'],
    ['Pacific/Chatham', '2026-11-20T20:00:00Z', '2026-11-21T09:45:00+13:45'],
    ['America/St_Johns', '2026-11-20T20:00:00Z', '2026-11-20T16:30:00-03:30'],
    ['UTC', '2026-11-20T20:00:00Z', '2026-11-20T20:00:00+00:00'],
  ] as const) {
    assert.equal(createWallClock(timezone).show(new Date(moment)), shown);
  }
});

it('is correct across clock changes, in either order', () => {
  const { show } = createWallClock('Europe/Lisbon');
  const moments = [
    ['2026-03-29T00:59:59Z', '2026-03-29T00:59:59+00:00'],
    ['2026-03-29T01:00:00Z', '2026-03-29T02:00:00+01:00'],
    ['2026-10-25T00:59:59Z', '2026-10-25T01:59:59+01:00'],
    ['2026-10-25T01:00:00Z', '2026-10-25T01:00:00+00:00'],
  ] as const;
  for (const [moment, shown] of [...moments, ...moments.toReversed()]) {
    assert.equal(show(new Date(moment)), shown);
  }
});

it('returns the start of the local hour: two for a repeated hour, the change for a partial one', () => {
  for (const [timezone, moment, start, shown] of [
    ['Asia/Kolkata', '2026-11-20T20:00:00Z', '2026-11-20T19:30:00Z', '2026-11-21T01:00:00+05:30'],
    ['Europe/Lisbon', '2026-10-25T00:20:00Z', '2026-10-25T00:00:00Z', '2026-10-25T01:00:00+01:00'],
    ['Europe/Lisbon', '2026-10-25T01:20:00Z', '2026-10-25T01:00:00Z', '2026-10-25T01:00:00+00:00'],
    // 02:00 → 01:30, and 02:00 → 02:30.
    [
      'Australia/Lord_Howe',
      '2026-04-04T14:59:00Z',
      '2026-04-04T14:00:00Z',
      '2026-04-05T01:00:00+11:00',
    ],
    [
      'Australia/Lord_Howe',
      '2026-04-04T15:10:00Z',
      '2026-04-04T15:00:00Z',
      '2026-04-05T01:30:00+10:30',
    ],
    [
      'Australia/Lord_Howe',
      '2026-10-03T15:45:00Z',
      '2026-10-03T15:30:00Z',
      '2026-10-04T02:30:00+11:00',
    ],
    ['UTC', '1969-12-31T23:59:59Z', '1969-12-31T23:00:00Z', '1969-12-31T23:00:00+00:00'],
  ] as const) {
    const clock = createWallClock(timezone);
    const hour = clock.hourOf(new Date(moment));
    assert.equal(hour.toISOString(), new Date(start).toISOString(), moment);
    assert.equal(clock.show(hour), shown);
  }
});

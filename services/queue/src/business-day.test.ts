import assert from 'node:assert/strict';
import { it } from 'node:test';
import { businessDayOf } from './business-day.ts';

it('puts the hours after midnight into the night before', () => {
  const lisbon = (time: string) => businessDayOf(new Date(time), 'Europe/Lisbon', '05:00');
  assert.equal(lisbon('2026-11-20T23:59:00Z'), '2026-11-20');
  assert.equal(lisbon('2026-11-21T04:59:59Z'), '2026-11-20');
  assert.equal(lisbon('2026-11-21T05:00:00Z'), '2026-11-21');
  assert.equal(lisbon('2026-03-01T01:00:00Z'), '2026-02-28');
});

it('goes by the clock on the wall, also on days of 23 and 25 hours and far from Greenwich', () => {
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

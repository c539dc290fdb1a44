import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addDays, dayOf, dayWords, startOfDay } from './night.ts';

const lisbon = { timezone: 'Europe/Lisbon', dayStartsAt: '05:00' };
const newYork = { timezone: 'America/New_York', dayStartsAt: '04:30' };
const auckland = { timezone: 'Pacific/Auckland', dayStartsAt: '00:00' };
const iso = (ms: number) => new Date(ms).toISOString();

describe('business days', () => {
  it('start at the local time of the venue', () => {
    assert.equal(iso(startOfDay('2026-11-20', lisbon)), '2026-11-20T05:00:00.000Z');
    assert.equal(iso(startOfDay('2026-07-20', lisbon)), '2026-07-20T04:00:00.000Z');
    assert.equal(iso(startOfDay('2026-11-20', newYork)), '2026-11-20T09:30:00.000Z');
    assert.equal(iso(startOfDay('2026-11-20', auckland)), '2026-11-19T11:00:00.000Z');
  });

  it('start at that time also on days on which clocks change', () => {
    assert.equal(iso(startOfDay('2026-10-25', lisbon)), '2026-10-25T05:00:00.000Z');
    assert.equal(iso(startOfDay('2026-03-29', lisbon)), '2026-03-29T04:00:00.000Z');
  });

  it('include the hours after midnight', () => {
    assert.equal(dayOf(Date.parse('2026-11-21T04:59:59Z'), lisbon), '2026-11-20');
    assert.equal(dayOf(Date.parse('2026-11-21T05:00:00Z'), lisbon), '2026-11-21');
    assert.equal(dayOf(Date.parse('2026-11-20T10:59:59Z'), auckland), '2026-11-20');
    assert.equal(dayOf(Date.parse('2026-11-20T11:00:00Z'), auckland), '2026-11-21');
  });

  it('are counted over the end of months and years', () => {
    assert.equal(addDays('2026-12-31', 1), '2027-01-01');
    assert.equal(addDays('2028-03-01', -1), '2028-02-29');
  });

  it('are named in the language of the reader', () => {
    assert.equal(dayWords('en-GB', '2026-11-20'), 'Friday 20 November');
    assert.equal(dayWords('de', '2026-11-20'), 'Freitag, 20. November');
  });
});

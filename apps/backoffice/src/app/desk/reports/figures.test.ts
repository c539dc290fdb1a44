import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readerOf, translator } from '@queue-manager/ui/text';
import {
  countsByHour,
  countsByWeekday,
  hoursOf,
  nightWaits,
  outcomesOf,
  quotesOf,
  weekWaits,
} from './figures.ts';
import { periodOf } from './period.ts';
import { texts } from './strings.ts';

const reader = readerOf(['en-GB'], ['en-GB']);
const words = { text: translator(texts, reader), reader };

const cell = (weekday: number, hour: number, joined: number, median: number | null) => ({
  weekday,
  hour,
  joined,
  served: median === null ? 0 : joined - 2,
  abandoned: median === null ? 0 : 1,
  noShows: median === null ? 0 : 1,
  waitSecondsP50: median,
  waitSecondsP90: median === null ? null : median * 2,
});

const report = {
  joined: 30,
  outcomes: { waiting: 1, called: 0, seated: 20, departed: 5, no_show: 2, left: 2, removed: 0 },
  perWeekHour: [
    cell(5, 21, 12, 600),
    cell(5, 23, 8, 900),
    cell(6, 0, 6, 1_230),
    cell(6, 21, 4, null),
  ],
  quoted: { guests: 2, maeSeconds: 60, tooLowShare: 0.5, coverage80: 0.5 },
  perQuote: [
    {
      fromSeconds: 600,
      toSeconds: 900,
      guests: 10,
      waitSecondsP10: 300,
      waitSecondsP50: 700,
      waitSecondsP90: 1_200,
      belowShare: 0.1,
      aboveShare: 0.25,
    },
    {
      fromSeconds: 7_200,
      toSeconds: null,
      guests: 1,
      waitSecondsP10: 6_000,
      waitSecondsP50: 6_000,
      waitSecondsP90: 6_000,
      belowShare: 1,
      aboveShare: 0,
    },
  ],
};

describe('the figures of a report', () => {
  it('have the hours of a business day in order, over midnight', () => {
    assert.deepEqual(hoursOf(report, 5), [21, 22, 23, 0]);
    assert.deepEqual(hoursOf({ perWeekHour: [] }, 5), []);
  });

  it('show the waits of a night in minutes, the median and from there to 9 of 10', () => {
    const { columns, table } = nightWaits(report, 5, words);
    assert.deepEqual(
      columns.map(({ label, values }) => [label, ...values]),
      [
        ['21', 10, 10],
        ['22', 0, 0],
        ['23', 15, 15],
        ['00', 20.5, 20.5],
      ],
    );
    assert.deepEqual(table.rows[0], ['21', 10, 10, 20]);
    assert.deepEqual(table.rows[1], ['22', 0, null, null]);
  });

  it('show the waits of weeks by weekday and hour, the longest as the darkest', () => {
    const { days, table } = weekWaits(report, 5, words);
    assert.deepEqual(days, [
      {
        name: 'Fri',
        cells: [
          { minutes: 10, share: 600 / 1_230 },
          null,
          { minutes: 15, share: 900 / 1_230 },
          null,
        ],
      },
      { name: 'Sat', cells: [null, null, null, { minutes: 21, share: 1 }] },
    ]);
    assert.deepEqual(table.rows[2], ['Saturday', '00', 6, 4, 1, 1, 20.5, 41]);
    assert.equal(table.rows.length, 4);
  });

  it('count each party once: served, no-show, left, or another outcome', () => {
    const { columns, table } = countsByHour(report, 5, words);
    // Friday and Saturday at 21:00: of 16 who joined, 10 were served, 1 of them a no-show; 1 left.
    assert.deepEqual(columns[0]?.values, [9, 1, 1, 5]);
    assert.deepEqual(table.rows[0], ['21', 9, 1, 1, 5]);
    const all = countsByWeekday(report, words).columns.flatMap(({ values }) => values);
    assert.equal(
      all.reduce((sum, value) => sum + value, 0),
      report.joined,
    );
  });

  it('show outcomes with their shares', () => {
    const { bars, table } = outcomesOf(report, words);
    assert.deepEqual(bars[2], { label: 'Seated', value: 20 });
    assert.deepEqual(table.rows[2], ['Seated', 20, 66.7]);
  });

  it('compare quoted waits with the actual ones', () => {
    const { ranges, table } = quotesOf(report, words);
    assert.deepEqual(ranges[0], {
      label: '10–15',
      expected: { from: 10, to: 15 },
      actual: { p10: 5, p50: 11.7, p90: 20 },
    });
    assert.equal(ranges[1]?.label, '120+');
    assert.deepEqual(table.rows[0], ['10–15', 10, 5, 11.7, 20, 10, 65, 25]);
  });
});

describe('the periods of a report', () => {
  const days = { timezone: 'Europe/Lisbon', dayStartsAt: '05:00' };
  // Early on the 21st, the night of the 20th is not over.
  const now = Date.parse('2026-11-21T02:00:00Z');

  it('are business days, up to this one', () => {
    assert.deepEqual(periodOf('tonight', now, days), { from: '2026-11-20', to: '2026-11-20' });
    assert.deepEqual(periodOf('lastNight', now, days), { from: '2026-11-19', to: '2026-11-19' });
    assert.deepEqual(periodOf('days7', now, days), { from: '2026-11-14', to: '2026-11-20' });
    assert.deepEqual(periodOf('days30', now, days), { from: '2026-10-22', to: '2026-11-20' });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shortDuration, shortRange } from './durations.ts';
import { type Language, languages, readerOf } from './text.ts';

const english = readerOf(['en-GB']);
const range = (low: number, high: number) => shortRange(english, { p10: low * 60, p90: high * 60 });

describe('durations', () => {
  it('are whole minutes, and hours from one on', () => {
    assert.deepEqual(
      [-1, 0.9, 14.9, 59.9, 60, 91, 125].map((minutes) => shortDuration(english, minutes)),
      ['0 min', '0 min', '14 min', '59 min', '1 h 0 min', '1 h 31 min', '2 h 5 min'],
    );
  });

  it('name the unit of a range once, unless they differ', () => {
    assert.equal(range(10.5, 24.2), '10–25 min');
    assert.equal(range(4, 4), '4 min');
    assert.equal(range(50, 70), '50 min – 1 h 10 min');
  });

  it('have units in every language', () => {
    for (const language of Object.keys(languages) as Language[]) {
      assert.match(shortDuration(readerOf([language]), 91), /^1 \p{L}+ 31 \p{L}+$/u);
    }
  });
});

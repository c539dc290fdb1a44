import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Language, languages, readerOf } from './text.ts';
import { ageWords, countdown, timeOfDay, timeRange, waitWords } from './words.ts';

const english = readerOf(['en-GB']);
const wait = (p10: number, p50: number, p90: number) => ({
  p10: p10 * 60,
  p50: p50 * 60,
  p90: p90 * 60,
});

describe('waitWords', () => {
  it('says about how long, and the range', () => {
    assert.deepEqual(waitWords(english, wait(15.5, 24, 38)), {
      about: 'about 25 minutes',
      between: 'between 15 and 40 minutes',
    });
    assert.deepEqual(waitWords(english, wait(3.2, 4, 4.5)), {
      about: 'about 4 minutes',
      between: 'between 3 and 5 minutes',
    });
  });

  it('uses hours for long waits, and both units where they differ', () => {
    assert.deepEqual(waitWords(english, wait(100, 150, 170)), {
      about: 'about 2.5 hours',
      between: 'between 90 minutes and 3 hours',
    });
  });

  it('has no lower end for a wait that may be over at once', () => {
    assert.deepEqual(waitWords(english, wait(0, 0.5, 3)), {
      about: 'any moment now',
      between: 'up to 3 minutes',
    });
    assert.deepEqual(waitWords(english, wait(0, 0, 0.5)), {
      about: 'any moment now',
      between: null,
    });
  });

  it('has words in every language', () => {
    for (const language of Object.keys(languages) as Language[]) {
      const { about, between } = waitWords(readerOf([language]), wait(15, 25, 40));
      assert.match(`${about} ${between}`, /25.*15.*40/);
    }
  });
});

describe('times', () => {
  const now = Date.UTC(2026, 6, 1, 19, 2);

  it('are those of the venue, whatever the phone is set to', () => {
    assert.equal(timeRange(english, 'Europe/Lisbon', now, wait(10, 20, 31)), '20:10–20:35');
    assert.equal(timeRange(english, 'Europe/Lisbon', now, wait(1, 4, 9)), 'by 20:15');
    assert.equal(timeOfDay(english, 'America/New_York', now), '15:02');
    assert.equal(timeOfDay(english, 'UTC', '2026-07-01T08:57:00Z'), '08:57');
  });

  it('have an age', () => {
    assert.equal(ageWords(english, 0), '1 second ago');
    assert.equal(ageWords(english, 5_000), '5 seconds ago');
    assert.equal(ageWords(english, 3.9 * 60_000), '3 minutes ago');
    assert.equal(ageWords(english, 7 * 3_600_000), '7 hours ago');
    assert.equal(ageWords(english, 30 * 3_600_000), 'yesterday');
  });

  it('count down to zero and no further', () => {
    assert.deepEqual([245_000, 59_001, 0, -5_000].map(countdown), ['4:05', '1:00', '0:00', '0:00']);
  });
});

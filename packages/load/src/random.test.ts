import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomOf } from './random.ts';

const take = (random: () => number) => Array.from({ length: 5 }, random);

describe('randomOf', () => {
  it('repeats its numbers for the same seed', () => {
    assert.deepEqual(
      take(randomOf('a')),
      [
        0.1496558844692072, 0.3564510450350741, 0.4350275066139797, 0.7979060317892522,
        0.8873183674257717,
      ],
    );
  });

  it('returns other numbers for another seed', () => {
    assert.notDeepEqual(take(randomOf('a')), take(randomOf('b')));
  });
});

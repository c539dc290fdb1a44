import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { drawOf, randomOf } from './random.ts';

const take = <T>(random: () => T, length = 5) => Array.from({ length }, random);

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

describe('drawOf', () => {
  it('draws every item before it draws any again', () => {
    const drawn = take(drawOf([1, 2, 3], randomOf('a')), 6);
    assert.deepEqual(drawn.slice(0, 3).sort(), [1, 2, 3]);
    assert.deepEqual(drawn.slice(3).sort(), [1, 2, 3]);
  });
});

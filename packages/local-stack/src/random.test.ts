import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomOf, xoshiro128 } from './random.ts';

const take = (random: () => number) => Array.from({ length: 5 }, random);

describe('xoshiro128', () => {
  it('gives the numbers of the reference implementation for the state 1, 2, 3, 4', () => {
    const first = take(xoshiro128([1, 2, 3, 4])).map((number) => number * 2 ** 32);
    assert.deepEqual(first, [11520, 0, 5927040, 70819200, 2031721883]);
  });
});

describe('randomOf', () => {
  it('gives the same numbers for the same name, and others for another', () => {
    assert.deepEqual(take(randomOf('a')), take(randomOf('a')));
    assert.notDeepEqual(take(randomOf('a')), take(randomOf('b')));
  });
});

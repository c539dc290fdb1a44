import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shiftAt } from './burn-in.ts';

describe('shiftAt', () => {
  it('visits eight places, a few pixels from the center', () => {
    const places = Array.from({ length: 16 }, (_, minute) => shiftAt(minute));
    assert.equal(new Set(places.map(({ x, y }) => `${x} ${y}`)).size, 8);
    assert.ok(places.every(({ x, y }) => Math.hypot(x, y) < 7));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leftAt } from './left.ts';

describe('leftAt', () => {
  it('counts down the last ten of twenty seconds', () => {
    assert.deepEqual(leftAt(0, 9_999), { hasLeft: false, secondsLeft: null });
    assert.deepEqual(leftAt(0, 10_000), { hasLeft: false, secondsLeft: 10 });
    assert.deepEqual(leftAt(0, 19_500), { hasLeft: false, secondsLeft: 1 });
    assert.deepEqual(leftAt(0, 20_000), { hasLeft: true, secondsLeft: 0 });
  });

  it('is over after a sleep, and when the clock was set back', () => {
    assert.equal(leftAt(0, 8 * 3_600_000).hasLeft, true);
    assert.equal(leftAt(3_600_000, 0).hasLeft, true);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latencyOf } from './run-replay.ts';

describe('latencyOf', () => {
  it('returns percentiles by nearest rank', () => {
    const ms = Array.from({ length: 200 }, (_, index) => 200 - index);
    assert.deepEqual(latencyOf(ms), { p50: 100, p99: 198 });
    assert.deepEqual(latencyOf([1.23456]), { p50: 1.23, p99: 1.23 });
    assert.deepEqual(latencyOf([]), { p50: null, p99: null });
  });
});

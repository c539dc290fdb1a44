import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callWatch } from './calls.ts';

const call = (label: string, second: number) => ({
  label,
  calledAt: new Date(Date.UTC(2026, 0, 1, 20, 0, second)).toISOString(),
});
const labels = (calls: { label: string }[]) => calls.map(({ label }) => label);

describe('callWatch', () => {
  it('tells new calls and recalls, oldest first, and nothing that was there at the start', () => {
    const fresh = callWatch();
    assert.deepEqual(fresh([call('1', 1)]), []);
    assert.deepEqual(labels(fresh([call('3', 3), call('2', 2), call('1', 1)])), ['2', '3']);
    assert.deepEqual(fresh([call('3', 3), call('2', 2), call('1', 1)]), []);
    assert.deepEqual(labels(fresh([call('2', 9), call('3', 3), call('1', 1)])), ['2']);
  });

  it('tells the first call of a board that was empty', () => {
    const fresh = callWatch();
    assert.deepEqual(fresh([]), []);
    assert.deepEqual(labels(fresh([call('1', 1)])), ['1']);
  });

  it('tells each of two calls of the same moment', () => {
    const fresh = callWatch();
    fresh([]);
    assert.deepEqual(labels(fresh([call('1', 1)])), ['1']);
    assert.deepEqual(labels(fresh([call('2', 1), call('1', 1)])).length, 1);
  });

  it('is silent when names become numbers for a while', () => {
    const fresh = callWatch();
    fresh([]);
    fresh([call('Ana M.', 1)]);
    assert.deepEqual(fresh([call('7', 1)]), []);
    assert.deepEqual(fresh([call('Ana M.', 1)]), []);
  });

  it('is silent when an old call returns to a board that was full', () => {
    const fresh = callWatch();
    fresh([call('9', 9), call('8', 8)]);
    assert.deepEqual(fresh([call('8', 8), call('2', 2)]), []);
  });
});

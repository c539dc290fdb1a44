import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createSizePaces,
  noteCallOfSize,
  ofSize,
  ownLineRatio,
  passForSizes,
  type SizePace,
} from './size-pace.ts';

const all = { gapOfMany: 60 };

describe('the paces of sizes', () => {
  it('are shared by sizes that take the same tables', () => {
    const paces = createSizePaces();
    const indexes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 100].map((size) =>
      paces.indexOf(ofSize(paces, size)),
    );
    assert.deepEqual(indexes, [0, 0, 1, 1, 2, 2, 3, 3, 3, 3]);
  });

  it('count time only while a party of the size waits', () => {
    const paces = createSizePaces();
    const two = ofSize(paces, 2);
    passForSizes(paces, 500);
    two.waiting = 1;
    passForSizes(paces, 100);
    noteCallOfSize(two, all);
    assert.deepEqual(two, { waiting: 1, busySeconds: 0, calls: 1, gap: (60 + 100) / 2 });
  });

  it('compare the own line with the whole one', () => {
    const paces = createSizePaces();
    const set = (size: number, pace: Partial<SizePace>) => Object.assign(ofSize(paces, size), pace);
    // A million calls leave no doubt.
    set(2, { waiting: 8, calls: 3e6, gap: 80 });
    set(4, { waiting: 2, calls: 1e6, gap: 240 });
    const ratio = (size: number | null, ahead: number, waiting: number) =>
      Math.exp(ownLineRatio(paces, all, { size, ahead, waiting }));
    const near = (value: number, expected: number) =>
      assert.ok(Math.abs(value / expected - 1) < 0.01, `${value}, not ${expected}`);
    // Joins behind all ten: two of its size.
    near(ratio(4, 10, 11), (3 * 241) / (11 * 61));
    near(ratio(2, 10, 11), (9 * 81) / (11 * 61));
    // Is one of the ten: the last, with one of its size before it.
    near(ratio(4, 9, 10), (2 * 241) / (10 * 61));
    near(ratio(2, 9, 10), ((7 / 9) * 9 * 81 + 81) / (10 * 61));
    near(ratio(null, 10, 11), ratio(2, 10, 11) ** 0.75 * ratio(4, 10, 11) ** 0.25);
    assert.equal(ratio(8, 10, 11), ratio(null, 10, 11));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batched } from './batched.ts';

describe('batched', () => {
  it('puts calls of one tick into one batch, each with its own result', async () => {
    const batches: number[][] = [];
    const double = batched<number, number>(
      async (items) => {
        batches.push([...items]);
        return items.map((item) => item * 2);
      },
      { max: 10 },
    );
    assert.deepEqual(await Promise.all([1, 2, 3].map(double)), [2, 4, 6]);
    assert.deepEqual(batches, [[1, 2, 3]]);
    assert.equal(await double(4), 8);
  });

  it('collects calls up to max while a batch is running', async () => {
    const batches: number[][] = [];
    const held: (() => void)[] = [];
    const hold = batched<number, void>(
      async (items) => {
        batches.push([...items]);
        await new Promise<void>((resolve) => held.push(resolve));
        return [];
      },
      { max: 2 },
    );
    const calls = [hold(1)];
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    calls.push(hold(2), hold(3), hold(4));
    for (let batch = 0; batch < 3; batch += 1) {
      while (held.length === 0) await new Promise(setImmediate);
      held.shift()?.();
    }
    await Promise.all(calls);
    assert.deepEqual(batches, [[1], [2, 3], [4]]);
  });

  it('rejects the calls of a failed batch only', async () => {
    let isBroken = true;
    const work = batched<string, string>(
      async (items) => {
        if (isBroken) throw new Error('unavailable');
        return items;
      },
      { max: 10 },
    );
    const answers = await Promise.allSettled([work('a'), work('b')]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    isBroken = false;
    assert.equal(await work('c'), 'c');
  });
});

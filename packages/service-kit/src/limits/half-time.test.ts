import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { atHalfTime } from './half-time.ts';

describe('atHalfTime', () => {
  it('returns the result after as long again as the work took', async () => {
    let workedMs = 0;
    const startedAt = performance.now();
    const result = await atHalfTime(async () => {
      await delay(60);
      workedMs = performance.now() - startedAt;
      return 'done';
    });
    assert.equal(result, 'done');
    const allMs = performance.now() - startedAt;
    // A timer may fire up to a millisecond early.
    assert.ok(allMs >= 2 * workedMs - 2, `${allMs} ms for ${workedMs} ms of work`);
  });

  it('throws what the work throws', async () => {
    await assert.rejects(
      atHalfTime(async () => {
        throw new Error('broken');
      }),
      /broken/,
    );
  });
});

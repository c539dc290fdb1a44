import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { testLogger } from '@queue-manager/service-kit/testing';
import type { Drain } from './drain.ts';
import { createSchedules } from './schedules.ts';

const empty = { outcome: 'empty', forwarded: 0, deadLetters: 0, skipped: 0 } as const;
const minuteMs = 60_000;

/** Schedules on a clock that `pass` moves on, minute by minute. */
function schedule(
  test: TestContext,
  from: string,
  patterns: string[],
  timezone: string,
  drain: Drain,
) {
  test.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.parse(from) });
  const schedules = createSchedules({ patterns, timezone, budgetMs: 1, drain, logger: testLogger });
  schedules.start();
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      test.mock.timers.tick(minuteMs);
      await setImmediate();
    }
  };
  return { schedules, pass };
}

describe('schedules', () => {
  it('run the drain by every pattern, by the clock of their time zone', async (test) => {
    const runs: string[] = [];
    // At 01:00 UTC on 25 October, a Sunday, the clocks of Lisbon go back by an hour.
    const { schedules, pass } = schedule(
      test,
      '2026-10-24T12:00:00Z',
      ['0 22 * * *', '30 9 * * 1-5'],
      'Europe/Lisbon',
      async () => {
        runs.push(new Date().toISOString().slice(0, 16));
        return empty;
      },
    );
    await pass(3 * 24 * 60);
    await schedules.stop();
    await pass(24 * 60);
    assert.deepEqual(runs, [
      '2026-10-24T21:00',
      '2026-10-25T22:00',
      '2026-10-26T09:30',
      '2026-10-26T22:00',
      '2026-10-27T09:30',
    ]);
  });

  it('leave out a run that is due during another, and end that one when they stop', async (test) => {
    const signals: (AbortSignal | undefined)[] = [];
    const ended = Promise.withResolvers<typeof empty>();
    const { schedules, pass } = schedule(
      test,
      '2026-10-24T12:00:30Z',
      ['* * * * *', '*/2 * * * *'],
      'UTC',
      ({ signal }) => {
        signals.push(signal);
        return ended.promise;
      },
    );
    await pass(4);
    assert.equal(signals.length, 1);
    const stopped = schedules.stop();
    assert.equal(signals[0]?.aborted, true);
    assert.equal(await Promise.race([stopped, setImmediate('running')]), 'running');
    ended.resolve(empty);
    await stopped;
  });

  it('go on after a run that failed', async (test) => {
    let runs = 0;
    const { schedules, pass } = schedule(test, '2026-10-24T12:00:30Z', ['* * * * *'], 'UTC', () => {
      runs += 1;
      return Promise.reject(new Error('SQS is unavailable'));
    });
    await pass(2);
    await schedules.stop();
    assert.equal(runs, 2);
  });
});

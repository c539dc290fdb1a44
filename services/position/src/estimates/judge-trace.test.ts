import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TracedArrival } from '@queue-manager/load/trace/trace';
import { gaveUpLateShare, judge, predictWaits, weekOf } from './judge-trace.ts';
import { createRuleBook, ruleNames } from './rules.ts';
import { syntheticDays } from './testing.ts';

const arrival = (
  arrivalSeconds: number,
  waitSeconds: number,
  outcome: TracedArrival['outcome'] = 'served',
  day = '2026-01-01',
): TracedArrival => ({ day, arrivalSeconds, waitSeconds, outcome, isPriority: false });

describe('product rules', () => {
  it('predict by their definitions', () => {
    const book = createRuleBook();
    assert.equal(book.predict(3).constant, 120);
    book.noteCall(1_000, 50);
    book.noteCall(1_010, 0);
    book.noteCall(1_030, 70);
    assert.deepEqual(book.predict(3), {
      'average-gap': 3 * (10 + 0.3 * (20 - 10)),
      'mean-gap': 4 * 15,
      'last-wait': 70,
      'mean-wait': 60,
      constant: 120,
    });
  });

  it('use the last 30 values, and do not count a night as a gap', () => {
    const book = createRuleBook();
    for (let i = 0; i < 5; i++) book.noteCall(i * 100, 500);
    for (let i = 0; i <= 30; i++) book.noteCall(50_000 + i * 10, 40);
    assert.equal(book.predict(0)['mean-gap'], 10);
    assert.equal(book.predict(0)['mean-wait'], 40);
  });
});

describe('judging a trace', () => {
  it('judges guests that waited and were served, and counts those that gave up after their p90', () => {
    const trace = [
      arrival(100, 0),
      arrival(100, 40),
      arrival(110, 90_000, 'abandoned'),
      arrival(120, 1, 'abandoned'),
      arrival(130, 80),
    ];
    const predictions = predictWaits(trace);
    assert.deepEqual(
      predictions.map(({ arrival: { arrivalSeconds } }) => arrivalSeconds),
      [100, 110, 120, 130],
    );
    const verdict = judge(predictions);
    assert.equal(verdict.guests, 2);
    // One party with none before it, and one with two.
    assert.equal(verdict.rules.constant.maeSeconds, (Math.abs(30 - 40) + Math.abs(90 - 80)) / 2);
    assert.equal(verdict.rules.constant.tooLowShare, 0.5);
    assert.equal(gaveUpLateShare(predictions), 0.5);
  });

  it('replays days on one clock, and returns predictions in the order of the file', () => {
    const trace = [
      arrival(50, 20, 'served', '2026-01-09'),
      arrival(86_390, 30, 'served', '2026-01-01'),
      arrival(5, 30, 'served', '2026-01-02'),
    ];
    const predictions = predictWaits(trace);
    assert.deepEqual(
      predictions.map(({ arrival: { day } }) => day),
      ['2026-01-09', '2026-01-01', '2026-01-02'],
    );
    assert.equal(predictions[2]?.rules.constant, 60, 'the guest of the previous night still waits');
    assert.deepEqual(
      predictions.map((guest) => weekOf(guest, '2026-01-01')),
      [2, 1, 1],
    );
  });

  it('predicts from earlier events only', () => {
    const trace = syntheticDays('a desk', 3);
    const [cut] = [Math.floor(trace.length / 2)];
    const now = trace[cut] as TracedArrival;
    // Everything after `now` differs, including how long those waiting at that moment wait.
    const changed = trace.map((guest, index): TracedArrival => {
      const isLater = index > cut;
      const endsLater =
        guest.day === now.day && guest.arrivalSeconds + guest.waitSeconds > now.arrivalSeconds;
      if (!isLater && !endsLater) return guest;
      return { ...guest, waitSeconds: guest.waitSeconds + 77, outcome: 'abandoned' };
    });
    const predictionsOf = (arrivals: TracedArrival[]) =>
      predictWaits(arrivals)
        .filter(({ arrival: guest }) => arrivals.indexOf(guest) <= cut)
        .filter(({ arrival: guest }) => trace[arrivals.indexOf(guest)]?.waitSeconds !== 0)
        .map(({ model, rules }) => ({ model, rules }));
    assert.ok(predictionsOf(trace).length > 50);
    assert.deepEqual(predictionsOf(changed), predictionsOf(trace));
  });

  it('beats every rule on a synthetic desk, and its interval covers 80 % of the waits', () => {
    const { guests, rules, model } = judge(predictWaits(syntheticDays('a desk', 20)));
    assert.ok(guests > 2_000, `${guests} guests`);
    for (const name of ruleNames) {
      assert.ok(
        model.maeSeconds < 0.87 * rules[name].maeSeconds,
        `${model.maeSeconds} s, and ${name} ${rules[name].maeSeconds} s`,
      );
    }
    assert.ok(model.coverage80 > 0.75 && model.coverage80 < 0.85, `${model.coverage80}`);
  });
});

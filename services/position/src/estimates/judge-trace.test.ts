import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TracedArrival } from '@queue-manager/load/trace/trace';
import { gaveUpLateShare, judge, tellGuests, weekOf } from './judge-trace.ts';
import { createRuleBook, ruleNames } from './rules.ts';
import { madeUpDays } from './testing.ts';

const arrival = (
  arrivalSeconds: number,
  waitSeconds: number,
  outcome: TracedArrival['outcome'] = 'served',
  day = '2026-01-01',
): TracedArrival => ({ day, arrivalSeconds, waitSeconds, outcome, isPriority: false });

describe('the rules of products', () => {
  it('are told as they are written', () => {
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

  it('go by the last thirty, and do not take a night for a gap', () => {
    const book = createRuleBook();
    for (let i = 0; i < 5; i++) book.noteCall(i * 100, 500);
    for (let i = 0; i <= 30; i++) book.noteCall(50_000 + i * 10, 40);
    assert.equal(book.predict(0)['mean-gap'], 10);
    assert.equal(book.predict(0)['mean-wait'], 40);
  });
});

describe('judging a trace', () => {
  it('judges those who waited and were served, and counts who gave up after their p90', () => {
    const trace = [
      arrival(100, 0),
      arrival(100, 40),
      arrival(110, 90_000, 'abandoned'),
      arrival(120, 1, 'abandoned'),
      arrival(130, 80),
    ];
    const told = tellGuests(trace);
    assert.deepEqual(
      told.map(({ arrival: { arrivalSeconds } }) => arrivalSeconds),
      [100, 110, 120, 130],
    );
    const verdict = judge(told);
    assert.equal(verdict.guests, 2);
    // Of a party with none before it, and of one with two.
    assert.equal(verdict.rules.constant.maeSeconds, (Math.abs(30 - 40) + Math.abs(90 - 80)) / 2);
    assert.equal(verdict.rules.constant.tooLowShare, 0.5);
    assert.equal(gaveUpLateShare(told), 0.5);
  });

  it('plays the days on one clock and tells in the order of the file', () => {
    const trace = [
      arrival(50, 20, 'served', '2026-01-09'),
      arrival(86_390, 30, 'served', '2026-01-01'),
      arrival(5, 30, 'served', '2026-01-02'),
    ];
    const told = tellGuests(trace);
    assert.deepEqual(
      told.map(({ arrival: { day } }) => day),
      ['2026-01-09', '2026-01-01', '2026-01-02'],
    );
    assert.equal(told[2]?.rules.constant, 60, 'the guest of the night before still waits');
    assert.deepEqual(
      told.map((guest) => weekOf(guest, '2026-01-01')),
      [2, 1, 1],
    );
  });

  it('tells a guest nothing that comes later', () => {
    const trace = madeUpDays('a desk', 3);
    const [cut] = [Math.floor(trace.length / 2)];
    const now = trace[cut] as TracedArrival;
    // From then on everything is otherwise; who waits at that moment waits for another time.
    const otherwise = trace.map((guest, index): TracedArrival => {
      const isLater = index > cut;
      const endsLater =
        guest.day === now.day && guest.arrivalSeconds + guest.waitSeconds > now.arrivalSeconds;
      if (!isLater && !endsLater) return guest;
      return { ...guest, waitSeconds: guest.waitSeconds + 77, outcome: 'abandoned' };
    });
    const toldOf = (arrivals: TracedArrival[]) =>
      tellGuests(arrivals)
        .filter(({ arrival: guest }) => arrivals.indexOf(guest) <= cut)
        .filter(({ arrival: guest }) => trace[arrivals.indexOf(guest)]?.waitSeconds !== 0)
        .map(({ model, rules }) => ({ model, rules }));
    assert.ok(toldOf(trace).length > 50);
    assert.deepEqual(toldOf(otherwise), toldOf(trace));
  });

  it('errs less than every rule at a made-up desk, and keeps the promise of the interval', () => {
    const { guests, rules, model } = judge(tellGuests(madeUpDays('a desk', 20)));
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

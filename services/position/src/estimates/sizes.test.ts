import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModel, estimate, type Model, observe, type Quantiles } from '../model/model.ts';
import { type SyntheticVenue, syntheticEvenings, usualSizes } from './testing.ts';

type Events = ReturnType<typeof syntheticEvenings>;
type Judged = Quantiles & { size: number; waited: number };

const evenings = 30;

/** Two tables for large parties are too few; hosts keep each table for parties that fill it. */
const restaurant: SyntheticVenue = {
  tables: [
    { seats: 2, minutes: 45, count: 10 },
    { seats: 4, minutes: 60, count: 6 },
    { seats: 8, minutes: 90, count: 2 },
  ],
  callsBySize: true,
  arrivalSeconds: 190,
  ...{ sizes: usualSizes, evenings },
};

/** A door that lets parties in one after the other. */
const club: SyntheticVenue = {
  tables: [{ seats: 1, minutes: 1, count: 2 }],
  callsBySize: false,
  arrivalSeconds: 29,
  ...{ sizes: usualSizes, evenings },
};

/** A restaurant that gives any table to the first party in line. */
const bistro: SyntheticVenue = {
  tables: [{ seats: 4, minutes: 50, count: 12 }],
  callsBySize: false,
  arrivalSeconds: 230,
  ...{ sizes: usualSizes, evenings },
};

/** The model as it was without sizes: one that sees only one size. */
const withoutSizes = (events: Events) => events.map((event) => ({ ...event, size: 1 }));

/** Estimates of those that waited and were served, made when they joined, and what became of them. */
function judgeEvenings(events: Events) {
  const model = createModel();
  const estimates = new Map<string, Quantiles>();
  const judged: Judged[] = [];
  let waiting = 0;
  for (const event of events) {
    const { kind, partyId, size, timeMs, joinedAtMs } = event;
    if (kind === 'joined') estimates.set(partyId, ifJoined(model, waiting, size, timeMs));
    observe(model, event);
    waiting += kind === 'joined' ? 1 : -1;
    const waited = (timeMs - joinedAtMs) / 1_000;
    const estimated = estimates.get(partyId);
    if (kind === 'called' && waited > 0 && estimated) judged.push({ ...estimated, size, waited });
  }
  return { model, judged };
}

function ifJoined(model: Model, waiting: number, size: number | null, nowMs = model.timeMs) {
  return estimate(model, { ahead: waiting, lane: 'regular', size, waiting: waiting + 1, nowMs });
}

const meanOf = (values: number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function score(judged: Judged[]) {
  return {
    guests: judged.length,
    maeMinutes: meanOf(judged.map(({ p50, waited }) => Math.abs(p50 - waited))) / 60,
    coverage80: meanOf(
      judged.map(({ p10, p90, waited }) => Number(p10 <= waited && waited <= p90)),
    ),
  };
}

/** Without and with the sizes. */
function compare(events: Events) {
  const { model, judged } = judgeEvenings(events);
  const blind = judgeEvenings(withoutSizes(events)).judged;
  const sizes = judged.map(({ size }) => size);
  const part = (from: number, to: number) => {
    const scoreOf = (all: Judged[]) =>
      score(all.filter((_, i) => from <= (sizes[i] as number) && (sizes[i] as number) <= to));
    return { before: scoreOf(blind), after: scoreOf(judged) };
  };
  return { model, all: part(1, 100), parts: [part(1, 2), part(3, 4), part(5, 100)] };
}

/** Longest over shortest median, of one to eight people. */
function spreadBySize(model: Model, waiting: number): number {
  const medians = usualSizes.map(({ size }) => ifJoined(model, waiting, size).p50);
  return Math.max(...medians) / Math.min(...medians);
}

describe('estimates by size', () => {
  it('have a third less error, and cover each size better, where hosts call by size', () => {
    const { model, all, parts } = compare(syntheticEvenings('a restaurant', restaurant));
    assert.ok(all.after.maeMinutes < 0.7 * all.before.maeMinutes, JSON.stringify(all));
    for (const { before, after } of parts) {
      assert.ok(after.maeMinutes < 0.8 * before.maeMinutes, JSON.stringify({ before, after }));
      const isCloser = Math.abs(after.coverage80 - 0.8) <= Math.abs(before.coverage80 - 0.8) + 0.01;
      assert.ok(isCloser, JSON.stringify({ before, after }));
    }
    assert.ok(spreadBySize(model, 5) > 4);
  });

  for (const [name, venue] of Object.entries({ club, bistro })) {
    it(`do not differ where nobody calls by size: a ${name}`, () => {
      const { model, all } = compare(syntheticEvenings(name, venue));
      assert.ok(all.after.maeMinutes < 1.02 * all.before.maeMinutes, JSON.stringify(all));
      assert.ok(all.after.coverage80 > all.before.coverage80 - 0.01, JSON.stringify(all));
      for (const waiting of [2, 5, 10]) assert.ok(spreadBySize(model, waiting) < 1.05);
    });
  }

  it('are those of a typical party for a size never seen, and at a new venue', () => {
    const sizes = usualSizes.filter(({ size }) => size <= 2 || size >= 5);
    const { model } = judgeEvenings(syntheticEvenings('no fours', { ...restaurant, sizes }));
    const typical = ifJoined(model, 5, null);
    assert.deepEqual(ifJoined(model, 5, 3), typical);
    assert.ok(ifJoined(model, 5, 2).p50 < typical.p50 && typical.p50 < ifJoined(model, 5, 6).p50);
    // The largest seats decide for all that are larger.
    assert.deepEqual(ifJoined(model, 5, 100), ifJoined(model, 5, 8));

    for (const size of [1, 4, 100]) {
      assert.deepEqual(ifJoined(createModel(), 5, size), ifJoined(createModel(), 5, null));
    }
  });

  it('are the same for all sizes if all parties have the same', () => {
    const events = syntheticEvenings('couples', { ...bistro, sizes: [{ size: 2, weight: 1 }] });
    const { judged } = judgeEvenings(events);
    assert.deepEqual(
      judged.map(({ p10, p50, p90 }) => [p10, p50, p90]),
      judgeEvenings(withoutSizes(events)).judged.map(({ p10, p50, p90 }) => [p10, p50, p90]),
    );
  });
});

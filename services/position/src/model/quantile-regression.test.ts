import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomOf } from '@queue-manager/load/random';
import {
  correction,
  createRegression,
  learn,
  type QuantileRegression,
} from './quantile-regression.ts';

const random = randomOf('quantile-regression');
const exponential = (mean: number) => -mean * Math.log(1 - random());

const tell = (regression: QuantileRegression, features: number[]) =>
  [0, 1, 2].map((quantile) => correction(regression, features, quantile)) as [
    number,
    number,
    number,
  ];

const same = (value: number) => [value, value, value];

it('finds the quantiles for each value of a feature', () => {
  const regression = createRegression(2);
  for (let i = 0; i < 6_000; i++) {
    const feature = random() * 2;
    learn(regression, [1, feature], same(1 + 3 * feature + Math.log(exponential(1))));
  }
  for (const feature of [0, 1, 2]) {
    const told = tell(regression, [1, feature]);
    for (const [quantile, level] of [0.1, 0.5, 0.9].entries()) {
      const expected = 1 + 3 * feature + Math.log(-Math.log(1 - level));
      const off = Math.abs((told[quantile] ?? 0) - expected);
      assert.ok(off < 0.35, `${level} at ${feature} is off by ${off}`);
    }
  }
});

it('returns to a tenth on either side soon after a change', () => {
  const regression = createRegression(1);
  const play = (waits: number, mean: number) => {
    let below = 0;
    let above = 0;
    for (let i = 0; i < waits; i++) {
      const wait = Math.log(exponential(mean));
      const [p10, , p90] = tell(regression, [1]);
      if (wait < p10) below++;
      if (wait > p90) above++;
      learn(regression, [1], same(wait));
    }
    return [below / waits, above / waits] as [number, number];
  };
  play(3_000, 60);
  play(150, 300);
  const [below, above] = play(400, 300);
  assert.ok(Math.abs(below - 0.1) < 0.06 && Math.abs(above - 0.1) < 0.06, `${below} ${above}`);
});

it('stays stable at a feature not seen before', () => {
  const regression = createRegression(2);
  for (let i = 0; i < 100_000; i++) learn(regression, [1, 0], same(Math.log(exponential(60))));
  const [, before] = tell(regression, [1, 0]);
  learn(regression, [1, 1], same(20));
  const [, after] = tell(regression, [1, 0]);
  const [, other] = tell(regression, [1, 1]);
  assert.ok(Math.abs(after - before) < 0.1, `${before} became ${after}`);
  assert.ok(other - before < 1, `${before} is ${other} with the feature`);
});

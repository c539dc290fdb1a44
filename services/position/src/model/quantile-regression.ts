/**
 * Three quantiles of the logarithm of a wait, each linear in the features, learned one wait at a time.
 *
 * The quantile (pinball) loss is Koenker and Bassett's (Regression Quantiles, Econometrica 1978). Its gradient
 * is taken with a stochastic Newton step: the inverse second moments of the features, kept by recursive least
 * squares with forgetting (Haykin, Adaptive Filter Theory, chapter 10), over the density at the quantile. So
 * there is no rate of learning to choose, and features need not be scaled alike. The median minimises the mean
 * absolute error. In logarithms, since a wait's error grows with it: the same constants hold for a desk that
 * calls every ten seconds and for a restaurant that calls every ten minutes.
 *
 * Each end of the interval has a margin that grows a little with each wait outside of it and shrinks with each
 * inside, in proportion, so that a tenth stays outside whatever the guests do (Gibbs and Candès, Adaptive
 * Conformal Inference Under Distribution Shift, NeurIPS 2021).
 */
export interface QuantileRegression {
  /** A row of weights a quantile, in the order of `levels`. */
  weights: Float64Array;
  /** The inverse second moments, row by row. */
  inverse: Float64Array;
  /** Added to the logarithm at each quantile; 0 for the median. */
  margins: Float64Array;
}

export const levels = [0.1, 0.5, 0.9] as const;

/** The prior, in waits' worth: so many have to speak against it before they weigh as much as it does. */
const priorWaits = 10;
/** Waits that count: of a busy night or a few calm ones, so that other staff or a new season is learned. */
const memoryWaits = 3_000;
/** 5 % a miss: a wrong interval is put right within some twenty waits; calm, it sways by 2 % of its width. */
const marginStep = 0.05;

/** Of exponential waits, the logarithm's density at a level: how far a step has to go to get there. */
const densities = levels.map((level) => -(1 - level) * Math.log(1 - level));

export function createRegression(features: number): QuantileRegression {
  const inverse = new Float64Array(features * features);
  for (let at = 0; at < inverse.length; at += features + 1) inverse[at] = 1 / priorWaits;
  return {
    weights: new Float64Array(levels.length * features),
    inverse,
    margins: new Float64Array(levels.length),
  };
}

/** What the features add to the prior's logarithm, at the quantile with this index. */
export function correction(
  { weights, margins }: QuantileRegression,
  features: ArrayLike<number>,
  quantile: number,
): number {
  let sum = at(margins, quantile);
  const row = quantile * features.length;
  for (let i = 0; i < features.length; i++) sum += at(weights, row + i) * at(features, i);
  return sum;
}

/** Learns that the logarithm of a wait with these features was beyond its prior by `surprise[quantile]`. */
export function learn(
  regression: QuantileRegression,
  features: ArrayLike<number>,
  surprise: readonly number[],
): void {
  const { weights, margins, inverse } = regression;
  const gains = gainsOf(inverse, features);
  for (const [quantile, level] of levels.entries()) {
    const isAbove = at(surprise, quantile) > correction(regression, features, quantile);
    const slope = isAbove ? level : level - 1;
    const row = quantile * features.length;
    const step = slope / at(densities, quantile);
    for (let i = 0; i < features.length; i++)
      weights[row + i] = at(weights, row + i) + step * at(gains, i);
    if (level !== 0.5) margins[quantile] = at(margins, quantile) + marginStep * slope;
  }
}

/** One step of recursive least squares on the inverse; what a unit of error adds to each weight. */
function gainsOf(inverse: Float64Array, features: ArrayLike<number>): Float64Array {
  const size = features.length;
  const gains = new Float64Array(size);
  let spread = 0;
  let trace = 0;
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let j = 0; j < size; j++) sum += at(inverse, i * size + j) * at(features, j);
    gains[i] = sum;
    spread += sum * at(features, i);
    trace += at(inverse, i * size + i);
  }
  // Nothing is forgotten of what is not seen again: the prior's uncertainty is the most there can be. A venue
  // without a priority lane must not go wild at its first priority guest after a year.
  const kept = trace < size / priorWaits ? 1 - 1 / memoryWaits : 1;
  const total = kept + spread;
  for (let i = 0; i < size; i++) {
    // Both halves from one product, so that the matrix stays symmetric to the last bit.
    for (let j = i; j < size; j++) {
      const less = at(inverse, i * size + j) - (at(gains, i) * at(gains, j)) / total;
      inverse[i * size + j] = less / kept;
      inverse[j * size + i] = less / kept;
    }
  }
  return gains.map((gain) => gain / total);
}

function at(numbers: ArrayLike<number>, index: number): number {
  return numbers[index] ?? 0;
}

/**
 * Online regression of three quantiles of the logarithm of a wait, each linear in the features.
 *
 * Minimises the quantile (pinball) loss of Koenker and Bassett (Regression Quantiles, Econometrica 1978) by stochastic
 * Newton steps: the gradient times the inverse second moments of the features, kept by recursive least squares with
 * forgetting (Haykin, Adaptive Filter Theory, chapter 10), over the density at the quantile. That needs no learning
 * rate and no feature scaling. The median minimises the mean absolute error. Logarithms, because errors grow with the
 * wait: the same constants fit a desk that calls every ten seconds and a restaurant that calls every ten minutes.
 *
 * Each end of the interval has a margin that grows with each wait outside and shrinks with each wait inside, in such
 * proportion that a tenth stays outside on each side, however guests behave (Gibbs and Candès, Adaptive Conformal
 * Inference Under Distribution Shift, NeurIPS 2021).
 */
export interface QuantileRegression {
  /** One row per quantile, in the order of `levels`. */
  weights: Float64Array;
  /** The inverse second moments, row-major. */
  inverse: Float64Array;
  /** Added to the logarithm of each quantile; 0 for the median. */
  margins: Float64Array;
}

export const levels = [0.1, 0.5, 0.9] as const;

/** Weight of the prior, in waits. */
const priorWaits = 10;
/** Effective memory, in waits: a busy night or a few calm ones, so that new staff or a new season is learned. */
const memoryWaits = 3_000;
/** 5 % per miss: corrects a wrong interval within about 20 waits; a right one fluctuates by 2 % of its width. */
const marginStep = 0.05;

/** Density of the logarithm of an exponential wait at each level, which scales the steps. */
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

/** Correction to the logarithm of the prior at a quantile, given by index. */
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

/** Learns that the logarithm of a wait exceeded its prior by `surprise[quantile]`. */
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

/** Updates the inverse by one step of recursive least squares; returns the gain of each weight. */
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
  // Forget only while the uncertainty is below the prior's. Otherwise features not seen for a year (no priority
  // guests, say) would make the first wait that has them blow up the weights.
  const kept = trace < size / priorWaits ? 1 - 1 / memoryWaits : 1;
  const total = kept + spread;
  for (let i = 0; i < size; i++) {
    // Write both halves from one product, so that the matrix stays exactly symmetric.
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

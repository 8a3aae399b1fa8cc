/** How much a point promises, from what the model predicts there. Larger is better; only the order means something. */

import type { Prediction } from './gaussian-process.js';

/** Rates a prediction against the best mean so far. */
export type Acquisition = (prediction: Prediction, best: number) => number;

/**
 * Expected improvement beyond `xi` deviations of the scores. Its logarithm, because the improvement itself is 0 in
 * floating point wherever little is expected, and nothing could be told apart there.
 */
export const expectedImprovement =
  (xi: number): Acquisition =>
  ({ mean, deviation }, best) => {
    const gain = (mean - best - xi) / deviation;
    const expected =
      gain < TAIL ? logDensity(gain) - 2 * Math.log(-gain) : Math.log(density(gain) + gain * cumulative(gain));
    return Math.log(deviation) + expected;
  };

/** The probability of an improvement beyond `xi` deviations of the scores, as a logarithm for the same reason. */
export const probabilityOfImprovement =
  (xi: number): Acquisition =>
  ({ mean, deviation }, best) => {
    const gain = (mean - best - xi) / deviation;
    return gain < TAIL ? logDensity(gain) - Math.log(-gain) : Math.log(cumulative(gain));
  };

/** The upper bound of what may be there: `kappa` deviations above the mean. */
export const upperConfidenceBound =
  (kappa: number): Acquisition =>
  ({ mean, deviation }) =>
    mean + kappa * deviation;

/** Below it, the first term of the asymptotic series is as good as the difference of two tiny numbers. */
const TAIL = -6;

const logDensity = (value: number): number => -(value * value) / 2 - Math.log(2 * Math.PI) / 2;

const density = (value: number): number => Math.exp(logDensity(value));

/** The normal distribution, with a relative error of 1.2e-7 on both sides (Numerical Recipes, `erfcc`). */
function cumulative(value: number): number {
  const distance = Math.abs(value) / Math.SQRT2;
  const share = 1 / (1 + distance / 2);
  const series = ERFC.reduceRight((sum, coefficient) => sum * share + coefficient, 0);
  const tail = (share * Math.exp(series - distance * distance)) / 2;
  return value < 0 ? tail : 1 - tail;
}

const ERFC: readonly number[] = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

/**
 * A Gaussian process with one length for each dimension (Rasmussen and Williams, algorithm 2.1). Its targets have mean 0;
 * its amplitude follows from them in closed form.
 */

import { Factor } from './factor.js';
import type { Places, Point } from './places.js';
import type { Work } from './work.js';

export interface Kernel {
  /** One for each dimension, in coordinates. */
  readonly lengths: readonly number[];
  /** Variance of the noise, as a share of the amplitude. */
  readonly noise: number;
}

export interface Prediction {
  readonly mean: number;
  /** Of the function itself, without noise. */
  readonly deviation: number;
}

/** The least amplitude: constant targets must leave some doubt. */
const LEAST_AMPLITUDE = 1e-6;

export class GaussianProcess {
  readonly #places: Places;
  readonly #rates: Float64Array;
  readonly #factor: Factor;
  /** The inverse of the covariance, times the targets. */
  readonly #weights: Float64Array;
  readonly #amplitude: number;

  private constructor(places: Places, rates: Float64Array, { factor, amplitude }: Fit, weights: Float64Array) {
    this.#places = places;
    this.#rates = rates;
    this.#factor = factor;
    this.#weights = weights;
    this.#amplitude = amplitude;
  }

  static *of(places: Places, targets: readonly number[], kernel: Kernel): Work<GaussianProcess> {
    const rates = ratesOf(kernel.lengths);
    const fit = yield* fitted(yield* places.alike(rates), targets, kernel.noise);
    return new GaussianProcess(places, rates, fit, yield* fit.factor.solveTransposed(fit.whitened));
  }

  *predict(point: Point): Work<Prediction> {
    const likeness = yield* this.#places.alikeTo(point, this.#rates);
    const whitened = this.#factor.solve(likeness);
    const explained = product(whitened, whitened);
    return {
      mean: product(likeness, this.#weights),
      deviation: Math.sqrt(this.#amplitude * Math.max(1 - explained, 1e-12)),
    };
  }

  /** The mean alone costs a fraction of a prediction. */
  *meanAt(point: Point): Work<number> {
    return product(yield* this.#places.alikeTo(point, this.#rates), this.#weights);
  }
}

export interface Fit {
  readonly factor: Factor;
  readonly whitened: Float64Array;
  readonly amplitude: number;
  /** Marginal, as a logarithm. */
  readonly likelihood: number;
}

/** `alike`: how alike the places of the targets are, below the diagonal. */
export function* fitted(alike: Float64Array, targets: readonly number[], noise: number): Work<Fit> {
  const size = targets.length;
  const factor = yield* Factor.of(alike, size, 1 + noise);
  const whitened = factor.solve(Float64Array.from(targets));
  const fit = product(whitened, whitened) / size;
  const amplitude = Math.max(fit, LEAST_AMPLITUDE);
  const likelihood = -(size * Math.log(amplitude) + (size * fit) / amplitude) / 2 - factor.halfLogDeterminant();
  return { factor, whitened, amplitude, likelihood };
}

/** For each dimension, 1 over the square of its length. */
export const ratesOf = (lengths: readonly number[]): Float64Array =>
  new Float64Array(lengths.map((length) => 1 / length ** 2));

function product(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += (one[index] ?? 0) * (other[index] ?? 0);
  return sum;
}

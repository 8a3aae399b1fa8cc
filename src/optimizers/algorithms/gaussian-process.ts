/**
 * A Gaussian process with a Matérn 5/2 kernel, one length for each dimension, fitted by its marginal likelihood
 * (Rasmussen and Williams, algorithm 2.1). Its targets have mean 0; its amplitude follows from them in closed form.
 */

/** A place in the space: a coordinate from 0 to 1 for what has an order, an index for what has none. */
export type Point = readonly number[];

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

const LENGTHS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
const NOISES = [1e-6, 1e-3, 1e-1];
/** Lengths beyond these make all points alike, or none. */
const [SHORTEST, LONGEST] = [0.01, 20];
/** How often each length is tried at twice and at half of itself. */
const SWEEPS = 2;
/** So many trials as the lengths are chosen by say nothing of more lengths than these: all are equal then. */
const MOST_LENGTHS = 20;
/** The least amplitude: constant targets must leave some doubt. */
const LEAST_AMPLITUDE = 1e-6;
const SQRT_5 = Math.sqrt(5);

export class GaussianProcess {
  /** The points, one after the other. */
  readonly #points: Float64Array;
  readonly #ordered: readonly boolean[];
  /** One for each dimension: 1 over the square of its length. */
  readonly #rates: Float64Array;
  readonly #factor: Factor;
  /** The inverse of the covariance, times the targets. */
  readonly #weights: Float64Array;
  readonly #amplitude: number;

  /** `ordered`: whether each dimension has an order; of one that has none, values are equal or 1 apart. */
  constructor(points: readonly Point[], targets: readonly number[], kernel: Kernel, ordered: readonly boolean[]) {
    this.#points = Float64Array.from(points.flat());
    this.#ordered = ordered;
    this.#rates = ratesOf(kernel);
    const fit = fitted(squaredDifferences(points, ordered), targets, kernel);
    this.#factor = fit.factor;
    this.#weights = fit.factor.solveTransposed(fit.whitened);
    this.#amplitude = fit.amplitude;
  }

  predict(point: Point): Prediction {
    const covariances = this.#covariances(point);
    const whitened = this.#factor.solve(covariances);
    const explained = product(whitened, whitened);
    return {
      mean: product(covariances, this.#weights),
      deviation: Math.sqrt(this.#amplitude * Math.max(1 - explained, 1e-12)),
    };
  }

  /** The mean alone costs a fraction of a prediction. */
  meanAt(point: Point): number {
    return product(this.#covariances(point), this.#weights);
  }

  #covariances(point: Point): Float64Array {
    const covariances = new Float64Array(this.#weights.length);
    let part = 0;
    for (let index = 0; index < covariances.length; index += 1) {
      let squared = 0;
      for (let place = 0; place < this.#rates.length; place += 1) {
        const apart = difference(this.#points[part] ?? 0, point[place] ?? 0, this.#ordered[place] ?? true);
        squared += apart * (this.#rates[place] ?? 0);
        part += 1;
      }
      covariances[index] = matern(squared);
    }
    return covariances;
  }
}

/** The kernel under which the targets are most likely: equal lengths first, then each length by itself if they are few. */
export function likeliestKernel(
  points: readonly Point[],
  targets: readonly number[],
  ordered: readonly boolean[],
): Kernel {
  const pairs = squaredDifferences(points, ordered);
  const dimensions = ordered.length;
  const usual = 0.3 * Math.sqrt(Math.max(1, dimensions));
  const rate = (kernel: Kernel): number => fitted(pairs, targets, kernel).likelihood + prior(kernel, usual);
  let chosen: Kernel = { lengths: ordered.map(() => usual), noise: 1e-6 };
  let best = -Infinity;
  const consider = (kernel: Kernel): boolean => {
    const rating = rate(kernel);
    if (!(rating > best)) return false;
    [chosen, best] = [kernel, rating];
    return true;
  };
  for (const length of LENGTHS)
    for (const noise of NOISES) consider({ lengths: ordered.map(() => length * Math.sqrt(dimensions)), noise });
  const sweeps = dimensions > 1 && dimensions <= MOST_LENGTHS ? SWEEPS : 0;
  for (let sweep = 0; sweep < sweeps; sweep += 1)
    for (let place = 0; place < dimensions; place += 1)
      for (const factor of [2, 0.5]) {
        const lengths = chosen.lengths.map((length, index) =>
          index === place ? Math.min(Math.max(length * factor, SHORTEST), LONGEST) : length,
        );
        if (consider({ ...chosen, lengths })) break;
      }
  return chosen;
}

/** Few points leave the lengths open: those near the usual one are likelier, within a factor of e or so. */
const prior = ({ lengths }: Kernel, usual: number): number =>
  lengths.reduce((sum, length) => sum - Math.log(length / usual) ** 2 / 2, 0) / lengths.length;

interface Fit {
  readonly factor: Factor;
  readonly whitened: Float64Array;
  readonly amplitude: number;
  readonly likelihood: number;
}

function fitted(pairs: readonly Float64Array[], targets: readonly number[], kernel: Kernel): Fit {
  const size = targets.length;
  const matrix = new Float64Array(size * size);
  const rates = ratesOf(kernel);
  let pair = 0;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < row; column += 1) {
      let squared = 0;
      for (let place = 0; place < rates.length; place += 1)
        squared += (pairs[place]?.[pair] ?? 0) * (rates[place] ?? 0);
      matrix[row * size + column] = matern(squared);
      pair += 1;
    }
    matrix[row * size + row] = 1 + kernel.noise;
  }
  const factor = factorOf(matrix, size);
  const whitened = factor.solve(Float64Array.from(targets));
  const fit = product(whitened, whitened) / size;
  const amplitude = Math.max(fit, LEAST_AMPLITUDE);
  const likelihood = -(size * Math.log(amplitude) + (size * fit) / amplitude) / 2 - factor.halfLogDeterminant();
  return { factor, whitened, amplitude, likelihood };
}

const ratesOf = ({ lengths }: Kernel): Float64Array => Float64Array.from(lengths, (length) => 1 / length ** 2);

function product(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += (one[index] ?? 0) * (other[index] ?? 0);
  return sum;
}

const matern = (squared: number): number => {
  const scaled = SQRT_5 * Math.sqrt(squared);
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
};

/** Values without order are unit vectors, √½ long: equal, or 1 apart. */
const difference = (one: number, other: number, isOrdered: boolean): number =>
  isOrdered ? (one - other) ** 2 : one === other ? 0 : 1;

/** For each dimension, all pairs below the diagonal, row by row. */
function squaredDifferences(points: readonly Point[], ordered: readonly boolean[]): Float64Array[] {
  return ordered.map((isOrdered, place) => {
    const pairs = new Float64Array((points.length * (points.length - 1)) / 2);
    let pair = 0;
    for (let row = 0; row < points.length; row += 1)
      for (let column = 0; column < row; column += 1) {
        pairs[pair] = difference(points[row]?.[place] ?? 0, points[column]?.[place] ?? 0, isOrdered);
        pair += 1;
      }
    return pairs;
  });
}

/**
 * The Cholesky factor. Points that (nearly) coincide make a matrix that rounding leaves without one: the diagonal grows
 * until it has one, which it must when the diagonal outweighs its row.
 */
function factorOf(matrix: Float64Array, size: number): Factor {
  for (let jitter = 0; ; jitter = Math.max(jitter * 100, 1e-10)) {
    const lower = cholesky(matrix, size, jitter);
    if (lower !== undefined) return new Factor(lower, size);
  }
}

function cholesky(matrix: Float64Array, size: number, jitter: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1)
    for (let column = 0; column <= row; column += 1) {
      let rest = (matrix[row * size + column] ?? 0) + (row === column ? jitter : 0);
      for (let index = 0; index < column; index += 1)
        rest -= (lower[row * size + index] ?? 0) * (lower[column * size + index] ?? 0);
      if (row !== column) lower[row * size + column] = rest / (lower[column * size + column] ?? 1);
      else if (rest > 1e-14) lower[row * size + row] = Math.sqrt(rest);
      else return undefined;
    }
  return lower;
}

/** A lower triangular matrix. */
class Factor {
  constructor(
    readonly lower: Float64Array,
    readonly size: number,
  ) {}

  solve(right: Float64Array): Float64Array {
    const { lower, size } = this;
    const solution = new Float64Array(size);
    for (let row = 0; row < size; row += 1) {
      let rest = right[row] ?? 0;
      const start = row * size;
      for (let column = 0; column < row; column += 1) rest -= (lower[start + column] ?? 0) * (solution[column] ?? 0);
      solution[row] = rest / (lower[start + row] ?? 1);
    }
    return solution;
  }

  solveTransposed(right: Float64Array): Float64Array {
    const { lower, size } = this;
    const solution = new Float64Array(size);
    for (let row = size - 1; row >= 0; row -= 1) {
      let rest = right[row] ?? 0;
      for (let below = row + 1; below < size; below += 1)
        rest -= (lower[below * size + row] ?? 0) * (solution[below] ?? 0);
      solution[row] = rest / (lower[row * size + row] ?? 1);
    }
    return solution;
  }

  halfLogDeterminant(): number {
    let sum = 0;
    for (let row = 0; row < this.size; row += 1) sum += Math.log(this.lower[row * this.size + row] ?? 1);
    return sum;
  }
}

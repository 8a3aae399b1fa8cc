/** A Cholesky factor: the lower triangle whose product with its own transpose is a given matrix. */

import { Piece, type Work } from './work.js';

export class Factor {
  readonly #lower: Float64Array;
  readonly #size: number;

  private constructor(lower: Float64Array, size: number) {
    this.#lower = lower;
    this.#size = size;
  }

  /**
   * The factor of a matrix that is given by what is below its diagonal, and has the same number all along it. Points that
   * (nearly) coincide make a matrix that rounding leaves without one: the diagonal grows until it has one, which it must
   * when the diagonal outweighs its row.
   */
  static *of(below: Float64Array, size: number, diagonal: number): Work<Factor> {
    for (let jitter = 0; ; jitter = Math.max(jitter * 100, 1e-10)) {
      const lower = yield* cholesky(below, size, diagonal + jitter);
      if (lower !== undefined) return new Factor(lower, size);
    }
  }

  /** What the factor times which is `right`. */
  solve(right: Float64Array): Float64Array {
    const lower = this.#lower;
    const size = this.#size;
    const solution = new Float64Array(size);
    for (let row = 0; row < size; row += 1) {
      let rest = right[row] ?? 0;
      const start = row * size;
      for (let column = 0; column < row; column += 1) rest -= (lower[start + column] ?? 0) * (solution[column] ?? 0);
      solution[row] = rest / (lower[start + row] ?? 1);
    }
    return solution;
  }

  /** What its transpose times which is `right`. */
  *solveTransposed(right: Float64Array): Work<Float64Array> {
    const lower = this.#lower;
    const size = this.#size;
    const solution = new Float64Array(size);
    const piece = new Piece();
    for (let row = size - 1; row >= 0; row -= 1) {
      let rest = right[row] ?? 0;
      for (let below = row + 1; below < size; below += 1)
        rest -= (lower[below * size + row] ?? 0) * (solution[below] ?? 0);
      solution[row] = rest / (lower[row * size + row] ?? 1);
      if (piece.isFullWith(size - row)) yield;
    }
    return solution;
  }

  halfLogDeterminant(): number {
    let sum = 0;
    for (let row = 0; row < this.#size; row += 1) sum += Math.log(this.#lower[row * this.#size + row] ?? 1);
    return sum;
  }
}

function* cholesky(below: Float64Array, size: number, diagonal: number): Work<Float64Array | undefined> {
  const lower = new Float64Array(size * size);
  const piece = new Piece();
  for (let row = 0; row < size; row += 1) {
    if (!factorRow(lower, below, size, row, diagonal)) return undefined;
    if (piece.isFullWith((row * row) / 2)) yield;
  }
  return lower;
}

/** @returns whether there is one. */
function factorRow(lower: Float64Array, below: Float64Array, size: number, row: number, diagonal: number): boolean {
  const start = row * size;
  for (let column = 0; column < row; column += 1) {
    let rest = below[start + column] ?? 0;
    for (let index = 0; index < column; index += 1)
      rest -= (lower[start + index] ?? 0) * (lower[column * size + index] ?? 0);
    lower[start + column] = rest / (lower[column * size + column] ?? 1);
  }
  let rest = diagonal;
  for (let index = 0; index < row; index += 1) rest -= (lower[start + index] ?? 0) * (lower[start + index] ?? 0);
  if (!(rest > 1e-14)) return false;
  lower[start + row] = Math.sqrt(rest);
  return true;
}

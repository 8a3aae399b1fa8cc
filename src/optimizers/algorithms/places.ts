/** Places in a search space, and how alike what is measured at them is held to be: a Matérn 5/2 kernel. */

import { Piece, perPiece, type Work } from './work.js';

/** A coordinate from 0 to 1 for each dimension that has an order, an index for each that has none. */
export type Point = readonly number[];

const SQRT_5 = Math.sqrt(5);
/** What the kernel costs besides the distance, in multiplications. */
const KERNEL_OPERATIONS = 20;

export class Places {
  readonly size: number;
  readonly #ordered: readonly boolean[];
  /** Of all points, one after the other. */
  readonly #coordinates: Float64Array;
  /** How many pairs make a piece of work. */
  readonly #pairs: number;

  private constructor(size: number, coordinates: Float64Array, ordered: readonly boolean[]) {
    this.size = size;
    this.#coordinates = coordinates;
    this.#ordered = ordered;
    this.#pairs = perPiece(ordered.length + KERNEL_OPERATIONS);
  }

  /** `ordered`: whether each dimension has an order; of one that has none, values are equal or 1 apart. */
  static *of(points: readonly Point[], ordered: readonly boolean[]): Work<Places> {
    const coordinates = new Float64Array(points.length * ordered.length);
    const piece = new Piece();
    for (const [index, point] of points.entries()) {
      coordinates.set(point, index * ordered.length);
      if (piece.isFullWith(ordered.length)) yield;
    }
    return new Places(points.length, coordinates, ordered);
  }

  /**
   * How alike each two of them are: a square matrix of which only what is below the diagonal is filled.
   *
   * @param rates for each dimension, 1 over the square of its length.
   */
  *alike(rates: Float64Array): Work<Float64Array> {
    const { size } = this;
    const matrix = new Float64Array(size * size);
    const piece = new Piece();
    for (let row = 0; row < size; row += 1) {
      const point = this.#coordinates.subarray(row * rates.length, (row + 1) * rates.length);
      yield* this.#compare(point, rates, matrix.subarray(row * size, row * size + row));
      if (piece.isFullWith(row * (rates.length + KERNEL_OPERATIONS))) yield;
    }
    return matrix;
  }

  /** How alike each of them is to another one. */
  *alikeTo(point: Point, rates: Float64Array): Work<Float64Array> {
    const likeness = new Float64Array(this.size);
    yield* this.#compare(new Float64Array(point), rates, likeness);
    return likeness;
  }

  /** Compares a point with the first of them, as many as there is room for. */
  *#compare(point: Float64Array, rates: Float64Array, likeness: Float64Array): Work<void> {
    for (let from = 0; from < likeness.length; from += this.#pairs) {
      if (from > 0) yield;
      this.#compareSome(point, rates, likeness, from, Math.min(from + this.#pairs, likeness.length));
    }
  }

  #compareSome(point: Float64Array, rates: Float64Array, likeness: Float64Array, from: number, to: number): void {
    const coordinates = this.#coordinates;
    const ordered = this.#ordered;
    const dimensions = rates.length;
    let part = from * dimensions;
    for (let index = from; index < to; index += 1) {
      let squared = 0;
      for (let place = 0; place < dimensions; place += 1) {
        const apart = difference(coordinates[part] ?? 0, point[place] ?? 0, ordered[place] ?? true);
        squared += apart * (rates[place] ?? 0);
        part += 1;
      }
      likeness[index] = matern(squared);
    }
  }
}

const matern = (squared: number): number => {
  const scaled = SQRT_5 * Math.sqrt(squared);
  return (1 + scaled + (scaled * scaled) / 3) * Math.exp(-scaled);
};

/** Values without order are unit vectors, √½ long: equal, or 1 apart. */
const difference = (one: number, other: number, isOrdered: boolean): number =>
  isOrdered ? (one - other) ** 2 : one === other ? 0 : 1;

/** A dimension whose values are listed. */

import type { Dimension } from './dimension.js';
import { Line } from './line.js';
import type { SeededRandom } from './seeded-random.js';

/** A list of values. Numbers are put in order; other values have none. */
export class Choices implements Dimension {
  readonly ordered: boolean;
  readonly count: bigint;
  readonly #values: readonly unknown[];
  readonly #indexes: ReadonlyMap<unknown, number>;
  /** The coordinates of an ordered list. */
  readonly #places: readonly number[];

  /** `values`: one at least. */
  constructor(
    readonly name: string,
    values: readonly unknown[],
  ) {
    const numbers = values.filter(isNumber);
    this.ordered = numbers.length === values.length;
    this.#values = this.ordered ? [...new Set(numbers)].sort(ascending) : [...new Set(values)];
    this.#indexes = new Map(this.#values.map((value, index) => [value, index]));
    this.count = BigInt(this.#values.length);
    const places = this.ordered ? this.#values.map(Number) : [];
    const line = new Line(places[0] ?? 0, places.at(-1) ?? 0, false);
    this.#places = places.map((place) => line.coordinateOf(place) ?? 0.5);
  }

  at(index: bigint): unknown {
    return this.#values[Number(index)];
  }

  indexOf(value: unknown): bigint | undefined {
    const index = this.#indexes.get(value);
    return index === undefined ? undefined : BigInt(index);
  }

  draw(random: SeededRandom): unknown {
    return this.at(random.below(this.count));
  }

  near(coordinate: number): unknown {
    if (!this.ordered)
      return this.#values[Math.min(this.#values.length - 1, Math.floor(coordinate * this.#values.length))];
    return this.#values[this.#nearest(coordinate)];
  }

  /** Of two that are as near as each other, the lower one. */
  #nearest(coordinate: number): number {
    const placeOf = (index: number): number => this.#places[index] ?? Number.POSITIVE_INFINITY;
    const above = firstNotBelow(this.#places, coordinate);
    if (above === 0) return 0;
    const isAboveNearer = placeOf(above) - coordinate < coordinate - placeOf(above - 1);
    return isAboveNearer ? above : firstNotBelow(this.#places, placeOf(above - 1));
  }

  coordinateOf(value: unknown): number | undefined {
    const index = this.#indexes.get(value);
    return index === undefined || !this.ordered ? index : this.#places[index];
  }
}

/** Where the first of ascending numbers lies that is not below a bound; their count when all are. */
function firstNotBelow(numbers: readonly number[], bound: number): number {
  let from = 0;
  let to = numbers.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((numbers[middle] ?? 0) < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

const ascending = (one: number | bigint, other: number | bigint): number => (one < other ? -1 : one > other ? 1 : 0);

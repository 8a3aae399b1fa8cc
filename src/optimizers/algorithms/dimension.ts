/** One axis of a search space: the values of one variable, and their places on a line from 0 to 1. */

import { Line, positiveZero } from './line.js';
import type { SeededRandom } from './seeded-random.js';

export interface Dimension {
  readonly name: string;
  /** Whether neighbours on the line are alike. Otherwise every value is of its own kind, as the values of a choice are. */
  readonly ordered: boolean;
  /** How many values there are; `undefined`: a continuum. */
  readonly count: bigint | undefined;
  /** The value at an index from 0 to `count` - 1. Only where there is a count. */
  at(index: bigint): unknown;
  /** Its index; `undefined` for what is no value of this dimension. */
  indexOf(value: unknown): bigint | undefined;
  /** The value nearest to a coordinate from 0 to 1; beyond them the first and the last. */
  near(coordinate: number): unknown;
  /**
   * Where a value lies, 0 to 1; `undefined` outside of the bounds. Between the bounds a number that no step hits still
   * has its place. A value without order has its index for a coordinate.
   */
  coordinateOf(value: unknown): number | undefined;
  /** A uniform draw, on the logarithmic scale where there is one. */
  draw(random: SeededRandom): unknown;
}

/** How far from a multiple of the step a float may lie, in steps, as for the constraint `step`. */
const STEP_TOLERANCE = 1e-9;

/** Coordinates of integers in parts of 2^52: exact at any size of the integers. */
const PARTS = 2n ** 52n;

/** Floats between two bounds. */
export class Continuum implements Dimension {
  readonly ordered = true;
  readonly count: bigint | undefined;
  readonly #line: Line;

  constructor(
    readonly name: string,
    min: number,
    max: number,
    isLog: boolean,
  ) {
    this.count = min === max ? 1n : undefined;
    this.#line = new Line(min, max, isLog);
  }

  at(): number {
    return this.#line.min;
  }

  indexOf(value: unknown): bigint | undefined {
    return this.count === undefined || value !== this.#line.min ? undefined : 0n;
  }

  near(coordinate: number): number {
    return this.#line.near(coordinate);
  }

  draw(random: SeededRandom): number {
    return this.#line.near(random.next());
  }

  coordinateOf(value: unknown): number | undefined {
    return typeof value === 'number' ? this.#line.coordinateOf(value) : undefined;
  }
}

/** Floats in equal steps. */
export class FloatSteps implements Dimension {
  readonly ordered = true;
  readonly count: bigint;
  readonly #first: number;
  readonly #last: number;
  readonly #step: number;
  readonly #line: Line;

  /** At most 2^53 steps. */
  constructor(
    readonly name: string,
    { first, max, step, isLog }: { first: number; max: number; step: number; isLog: boolean },
  ) {
    const steps = Math.max(0, Math.floor((max - first) / step + STEP_TOLERANCE));
    this.count = BigInt(steps) + 1n;
    this.#first = first;
    this.#step = step;
    this.#last = max;
    this.#last = this.#value(steps);
    this.#line = new Line(first, this.#last, isLog);
  }

  at(index: bigint): number {
    return this.#value(Number(index));
  }

  indexOf(value: unknown): bigint | undefined {
    if (typeof value !== 'number') return undefined;
    const steps = Math.round((value - this.#first) / this.#step);
    if (!(steps >= 0 && steps < Number(this.count))) return undefined;
    const rounding = 2 * Number.EPSILON * (Math.abs(value) + Math.abs(this.#first));
    const isHit = Math.abs(value - this.#value(steps)) <= STEP_TOLERANCE * this.#step + rounding;
    return isHit ? BigInt(steps) : undefined;
  }

  draw(random: SeededRandom): number {
    // Rounding to the nearest step would halve the shares of the first and the last.
    return this.#line.isLog ? this.near(random.next()) : this.at(random.below(this.count));
  }

  near(coordinate: number): number {
    return this.#value(Math.round((this.#line.near(coordinate) - this.#first) / this.#step));
  }

  coordinateOf(value: unknown): number | undefined {
    const index = this.indexOf(value);
    const hit = index === undefined ? value : this.at(index);
    return typeof hit === 'number' ? this.#line.coordinateOf(hit) : undefined;
  }

  #value(steps: number): number {
    const exact = this.#first + steps * this.#step;
    // 0.3 rather than 0.30000000000000004, as long as the step cannot tell them apart.
    const short = Number(exact.toPrecision(15));
    const value = Math.abs(short - exact) <= 0.1 * STEP_TOLERANCE * this.#step ? short : exact;
    return positiveZero(Math.min(Math.max(value, this.#first), this.#last));
  }
}

/** Integers in equal steps: numbers while they are safe, bigints beyond. */
export class IntegerSteps implements Dimension {
  readonly ordered = true;
  readonly count: bigint;
  readonly #first: bigint;
  readonly #step: bigint;
  readonly #line: Line | undefined;

  /** `isLog` needs bounds that are safe. */
  constructor(
    readonly name: string,
    { first, max, step, isLog }: { first: bigint; max: bigint; step: bigint; isLog: boolean },
  ) {
    this.count = (max - first) / step + 1n;
    this.#first = first;
    this.#step = step;
    const last = first + (this.count - 1n) * step;
    this.#line = isLog ? new Line(Number(first), Number(last), true) : undefined;
  }

  at(index: bigint): number | bigint {
    return safeInteger(this.#first + index * this.#step);
  }

  indexOf(value: unknown): bigint | undefined {
    const offset = this.#offsetOf(value);
    return offset === undefined || offset % this.#step !== 0n ? undefined : offset / this.#step;
  }

  draw(random: SeededRandom): number | bigint {
    return this.#line === undefined ? this.at(random.below(this.count)) : this.near(random.next());
  }

  near(coordinate: number): number | bigint {
    if (this.#line === undefined) return this.at(scaled(this.count - 1n, coordinate));
    const steps = Math.round((this.#line.near(coordinate) - Number(this.#first)) / Number(this.#step));
    return this.at(BigInt(steps));
  }

  coordinateOf(value: unknown): number | undefined {
    const offset = this.#offsetOf(value);
    if (offset === undefined) return undefined;
    if (this.#line !== undefined) return this.#line.coordinateOf(Number(value));
    const span = (this.count - 1n) * this.#step;
    return span === 0n ? 0.5 : Number((offset * PARTS) / span) / Number(PARTS);
  }

  #offsetOf(value: unknown): bigint | undefined {
    if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return undefined;
    const offset = (typeof value === 'bigint' ? value : BigInt(Number(value))) - this.#first;
    return offset < 0n || offset > (this.count - 1n) * this.#step ? undefined : offset;
  }
}

/** `coordinate` of `total`, rounded, within 0 and `total`. */
function scaled(total: bigint, coordinate: number): bigint {
  const part = BigInt(Math.round(Math.min(Math.max(coordinate, 0), 1) * Number(PARTS)));
  return (total * part + PARTS / 2n) / PARTS;
}

export const safeInteger = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

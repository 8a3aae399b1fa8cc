/** Floats between two bounds and their places on a line from 0 to 1. */

/** The line between two floats, straight or logarithmic. Halves are taken so that no difference overflows. */
export class Line {
  readonly #from: number;
  readonly #to: number;

  constructor(
    readonly min: number,
    readonly max: number,
    readonly isLog: boolean,
  ) {
    this.#from = this.#place(min);
    this.#to = this.#place(max);
  }

  near(coordinate: number): number {
    if (coordinate <= 0) return this.min;
    if (coordinate >= 1) return this.max;
    const place = this.#from * (1 - coordinate) + this.#to * coordinate;
    const value = this.isLog ? Math.exp(place * 2) : place * 2;
    return positiveZero(Math.min(Math.max(value, this.min), this.max));
  }

  coordinateOf(value: number): number | undefined {
    if (!(value >= this.min && value <= this.max)) return undefined;
    const span = this.#to - this.#from;
    return span === 0 ? 0.5 : (this.#place(value) - this.#from) / span;
  }

  #place(value: number): number {
    return (this.isLog ? Math.log(value) : value) / 2;
  }
}

/** 0 for -0: they are one value, and only one of them is written. */
export const positiveZero = (value: number): number => (value === 0 ? 0 : value);

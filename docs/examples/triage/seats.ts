/** So many at the same time; whoever comes later waits for a free seat, in order of arrival. */
export class Seats {
  readonly #all: number;
  #empty: number;
  readonly #waiting: (() => void)[] = [];

  constructor(seats: number) {
    this.#all = seats;
    this.#empty = seats;
  }

  get taken(): number {
    return this.#all - this.#empty;
  }

  async take(): Promise<void> {
    if (this.#empty > 0) this.#empty -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#empty += 1;
    else next();
  }
}

/** What somebody has started and not seen the end of. */

export class Living {
  readonly #ends = new Set<Promise<unknown>>();

  /** @param end settles when it has ended, or was never started. */
  add(end: Promise<unknown>): void {
    const over = (): void => void this.#ends.delete(end);
    this.#ends.add(end);
    end.then(over, over);
  }

  /** Resolves once nothing is left, also of what is added meanwhile. */
  async none(): Promise<void> {
    while (this.#ends.size > 0) await Promise.allSettled(this.#ends);
  }
}

/** How many streams each principal has open, and how many it may. */

import { CoilyardError } from '../kernel/errors.js';

export class StreamQuota {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  /** @param most streams of one principal at the same time. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Counts one more. @returns what gives it back; idempotent.
   *
   * @throws CoilyardError `rate_limited` when there are as many as there may be.
   */
  take(principal: string): () => void {
    const open = this.#open.get(principal) ?? 0;
    if (open >= this.#most)
      throw new CoilyardError('rate_limited', `${principal} has ${open} streams open, which is all it may have`, {
        details: { principal, limit: this.#most },
      });
    this.#open.set(principal, open + 1);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      const left = (this.#open.get(principal) ?? 1) - 1;
      if (left === 0) this.#open.delete(principal);
      else this.#open.set(principal, left);
    };
  }
}

/** Those who wait until a pool is whole. */

import type { CoilyardError } from '../kernel/errors.js';
import { type Deferred, deferred } from '../kernel/deferred.js';

export class Readiness {
  readonly #isWhole: () => boolean;
  readonly #waiting = new Set<Deferred<void>>();

  constructor(isWhole: () => boolean) {
    this.#isWhole = isWhole;
  }

  /** Resolves when the pool is whole; rejects with what {@link fail} is given. */
  wait(): Promise<void> {
    const one = deferred<void>();
    this.#waiting.add(one);
    this.look();
    return one.promise;
  }

  /** Something changed. */
  look(): void {
    if (!this.#isWhole()) return;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
  }

  fail(error: CoilyardError): void {
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

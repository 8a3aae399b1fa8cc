/** Calls that wait for a worker, first come first served; those that are tried again come before all others. */

import type { Call } from './ledger.js';

export class CallQueue {
  readonly #again = new Set<Call>();
  readonly #waiting = new Set<Call>();

  get size(): number {
    return this.#again.size + this.#waiting.size;
  }

  push(call: Call): void {
    this.#waiting.add(call);
  }

  /** For a call that had its turn before. */
  pushAgain(call: Call): void {
    this.#again.add(call);
  }

  delete(call: Call): void {
    this.#waiting.delete(call);
    this.#again.delete(call);
  }

  /** In the order of serving. Calls may be added and deleted meanwhile. */
  *[Symbol.iterator](): Generator<Call, void, void> {
    yield* this.#again;
    yield* this.#waiting;
  }
}

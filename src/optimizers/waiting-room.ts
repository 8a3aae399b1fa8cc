/** Clients that have asked for a trial while there was none: woken all together when there may be one. */

import type { Clock } from '../kernel/clock.js';
import { LATE, type Patience, waitFor } from './patience.js';

export class WaitingRoom {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #calls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How often all were called so far. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * Resolves with true when called, with false when the time is up; rejects with `cancelled`.
   *
   * @param since how often all had been called when there was nothing: what came later is not missed.
   */
  async wait(patience: Patience, since: number = this.#calls): Promise<boolean> {
    if (since !== this.#calls) return true;
    const heard = await waitFor<true>(this.#clock, patience, (answer) => {
      const call = (): void => answer(true);
      this.#waiting.add(call);
      return () => this.#waiting.delete(call);
    });
    return heard !== LATE;
  }

  callAll(): void {
    this.#calls += 1;
    for (const call of [...this.#waiting]) call();
  }
}

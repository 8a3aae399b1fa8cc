/** Gives a worker a sign of life in every interval, so that it knows that its runtime is there. */

import type { Clock, Timer } from '../kernel/clock.js';

export interface PulseOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly give: () => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#timer = this.#arm();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    const { clock, intervalMs, give } = this.#options;
    return clock.setTimer(intervalMs, () => {
      // Armed first: what `give` brings about may stop it.
      this.#timer = this.#arm();
      give();
    });
  }
}

/**
 * How long a run outlives the last sign of its clients. One timer, however often it is renewed: so a check comes once in each
 * duration, or a little later.
 */

import type { Clock, Timer } from '../kernel/clock.js';

export interface LeaseOptions {
  readonly clock: Clock;
  readonly durationMs: number;
  /** Whether somebody is there all the same, waiting to be answered. */
  readonly isAttended: () => boolean;
  /** Called at every check that it has survived. */
  readonly onHeld: () => void;
  readonly onExpired: () => void;
}

export class Lease {
  readonly #options: LeaseOptions;
  #renewedAtMs: number;
  #timer: Timer | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#renewedAtMs = options.clock.monotonicMs();
    this.#arm(options.durationMs);
  }

  renew(): void {
    this.#renewedAtMs = this.#options.clock.monotonicMs();
  }

  /** It never expires then. Idempotent. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => this.#check(), { keepAlive: false });
  }

  #check(): void {
    if (this.#timer === undefined) return;
    const { clock, durationMs, isAttended, onHeld, onExpired } = this.#options;
    if (isAttended()) this.renew();
    const leftMs = this.#renewedAtMs + durationMs - clock.monotonicMs();
    if (leftMs <= 0) {
      onExpired();
      return;
    }
    this.#arm(leftMs);
    onHeld();
  }
}

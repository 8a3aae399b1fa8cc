/** A token bucket: so many commands at once, and so many per second in the long run. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';

export interface RateOptions {
  /** Commands per second in the long run. */
  readonly ratePerSecond: number;
  /** Commands at once. Default: those of one second. */
  readonly burst?: number;
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, options: RateOptions) {
    this.#clock = clock;
    this.#perMs = options.ratePerSecond / 1000;
    this.#burst = options.burst ?? Math.max(1, options.ratePerSecond);
    this.#tokens = this.#burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Takes a token, or says `rate_limited` and when the next one will be there. */
  take(): CoilyardError | undefined {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs);
    this.#filledAtMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return undefined;
    }
    const retryAfterMs = Math.ceil((1 - this.#tokens) / this.#perMs);
    return new CoilyardError('rate_limited', `the session takes ${this.#perMs * 1000} commands per second`, {
      retryAfterMs,
      details: { ratePerSecond: this.#perMs * 1000, burst: this.#burst },
    });
  }
}

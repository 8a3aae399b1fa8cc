/** A token bucket: so many commands at once, and so many per second in the long run. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';

export interface RateOptions {
  /** Commands per second in the long run. */
  readonly ratePerSecond: number;
  /** Commands at once. Default: those of one second. */
  readonly burst?: number;
}

/** Kept as the time at which the bucket would be full again: one number, which rounding cannot wear away. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #options: Required<RateOptions>;
  readonly #perTokenMs: number;
  /** How far in the future the bucket may be full again while there is still a token. */
  readonly #toleranceMs: number;
  #fullAtMs: number;

  constructor(clock: Clock, { ratePerSecond, burst = Math.max(1, Math.floor(ratePerSecond)) }: RateOptions) {
    this.#clock = clock;
    this.#options = { ratePerSecond, burst };
    this.#perTokenMs = 1000 / ratePerSecond;
    this.#toleranceMs = (burst - 1) * this.#perTokenMs;
    this.#fullAtMs = clock.monotonicMs();
  }

  /** Takes a token, or says `rate_limited` and when the next one will be there. */
  take(): CoilyardError | undefined {
    const nowMs = this.#clock.monotonicMs();
    const fullAtMs = Math.max(nowMs, this.#fullAtMs);
    const waitMs = fullAtMs - this.#toleranceMs - nowMs;
    if (waitMs < ROUNDING_MS) {
      this.#fullAtMs = fullAtMs + this.#perTokenMs;
      return undefined;
    }
    const { ratePerSecond, burst } = this.#options;
    return new CoilyardError('rate_limited', `the session takes ${ratePerSecond} commands per second`, {
      retryAfterMs: Math.ceil(waitMs - ROUNDING_MS),
      details: { ratePerSecond, burst },
    });
  }
}

const ROUNDING_MS = 1e-6;

/** Time to live as data on the shared wheel: putting it off costs one clock reading, not a timer. */

import type { Clock } from '../kernel/clock.js';
import type { TimerWheel, WheelEntry } from '../kernel/timer-wheel.js';

export class Expiry {
  readonly #ttlMs: number | null;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #onExpired: () => void;
  #touchedAtMs: number;
  #entry: WheelEntry | undefined;

  /** @param ttlMs idle life; `null`: for ever. */
  constructor(ttlMs: number | null, clock: Clock, wheel: TimerWheel, onExpired: () => void) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#onExpired = onExpired;
    this.#touchedAtMs = ttlMs === null ? 0 : clock.monotonicMs();
  }

  /** Epoch milliseconds, `null` when there is no expiry. */
  get expiresAtMs(): number | null {
    if (this.#ttlMs === null) return null;
    return Math.round(this.#clock.nowMs() + this.#touchedAtMs + this.#ttlMs - this.#clock.monotonicMs());
  }

  touch(): void {
    if (this.#ttlMs !== null) this.#touchedAtMs = this.#clock.monotonicMs();
  }

  start(): void {
    if (this.#ttlMs === null || this.#entry !== undefined) return;
    this.touch();
    this.#schedule(this.#ttlMs);
  }

  stop(): void {
    this.#entry?.cancel();
    this.#entry = undefined;
  }

  /** The wheel looks once per idle life; what was touched meanwhile is looked at again later. */
  #schedule(ttlMs: number): void {
    this.#entry = this.#wheel.schedule(this.#touchedAtMs + ttlMs, () => {
      if (this.#clock.monotonicMs() >= this.#touchedAtMs + ttlMs) {
        this.#entry = undefined;
        this.#onExpired();
      } else this.#schedule(ttlMs);
    });
  }
}

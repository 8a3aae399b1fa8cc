/** Tells when a worker has given no sign of life for too long. */

import type { Clock, Timer } from '../kernel/clock.js';

export interface LivenessOptions {
  readonly clock: Clock;
  /** How often the other side promises a sign of life. */
  readonly intervalMs: number;
  /** Signs in a row that may be missing. */
  readonly allowedMisses: number;
  /** Called once, with how long nothing was heard. */
  readonly onSilence: (silentMs: number) => void;
}

export class Liveness {
  readonly #options: LivenessOptions;
  #lastSignAtMs: number;
  #timer: Timer;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#lastSignAtMs = options.clock.monotonicMs();
    this.#timer = this.#arm();
  }

  /** Any frame is a sign of life. */
  sign(): void {
    this.#lastSignAtMs = this.#options.clock.monotonicMs();
  }

  stop(): void {
    this.#timer.cancel();
  }

  #arm(): Timer {
    const { clock, intervalMs } = this.#options;
    const dueAtMs = clock.monotonicMs() + intervalMs;
    return clock.setTimer(intervalMs, () => this.#check(clock.monotonicMs() - dueAtMs));
  }

  #check(lateMs: number): void {
    const { clock, intervalMs, allowedMisses, onSilence } = this.#options;
    const nowMs = clock.monotonicMs();
    // A check this late means that this process stood still (a busy loop, a suspended machine): the signs that came
    // meanwhile are still unread, so the worker is given that time again, and they are read before it is judged. No more than
    // that: else a worker that hangs would never be found where this process often stands still for a moment.
    const isLate = lateMs > intervalMs;
    if (isLate) this.#lastSignAtMs = Math.min(nowMs, this.#lastSignAtMs + lateMs);
    const silentMs = nowMs - this.#lastSignAtMs;
    if (!isLate && silentMs > intervalMs * allowedMisses) onSilence(silentMs);
    else this.#timer = this.#arm();
  }
}

/** The system's clock, which a test may put forward: what real processes do takes its time, what a clock decides does not. */

import { type Clock, systemClock, type Timer, type TimerOptions } from '../../src/kernel/clock.js';

interface Armed {
  readonly dueAtMs: number;
  readonly fire: () => void;
  readonly options: TimerOptions | undefined;
  timer: Timer;
}

export class LeapingClock implements Clock {
  readonly #armed = new Set<Armed>();
  #aheadMs = 0;

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#aheadMs;
  }

  setTimer(delayMs: number, fire: () => void, options?: TimerOptions): Timer {
    const armed: Armed = { dueAtMs: this.monotonicMs() + delayMs, fire, options, timer: { cancel: () => {} } };
    this.#armed.add(armed);
    this.#arm(armed);
    return {
      cancel: () => {
        this.#armed.delete(armed);
        armed.timer.cancel();
      },
    };
  }

  /** What falls due by that fires soon, in order. */
  leap(byMs: number): void {
    this.#aheadMs += byMs;
    for (const armed of [...this.#armed].sort((a, b) => a.dueAtMs - b.dueAtMs)) {
      armed.timer.cancel();
      this.#arm(armed);
    }
  }

  #arm(armed: Armed): void {
    const fire = (): void => {
      this.#armed.delete(armed);
      armed.fire();
    };
    armed.timer = systemClock.setTimer(armed.dueAtMs - this.monotonicMs(), fire, armed.options);
  }
}

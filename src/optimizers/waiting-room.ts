/** Clients that have asked for a trial while there was none: woken all together when there may be one. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';

export interface WaitOptions {
  /** After this time one is sent away: it may come again. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class WaitingRoom {
  readonly #clock: Clock;
  readonly #waiting = new Set<(called: boolean) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves with true when called, with false when the time is up; rejects with `cancelled`. */
  wait({ timeoutMs, signal }: WaitOptions): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(settle);
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      const settle = (called: boolean): void => {
        leave();
        resolve(called);
      };
      const onAbort = (): void => {
        leave();
        reject(new CoilyardError('cancelled', 'the client has stopped waiting', { execution: 'not_started' }));
      };
      const timer = this.#clock.setTimer(timeoutMs, () => settle(false), { keepAlive: false });
      this.#waiting.add(settle);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  callAll(): void {
    for (const settle of [...this.#waiting]) settle(true);
  }
}

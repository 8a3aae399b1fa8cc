/** Waiting, but not for ever. */

import type { Clock } from 'coilyard';

/** @throws Error naming `what` did not come in time. */
export function within<Value>(clock: Clock, limitMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const tooLate = (): void => reject(new Error(`${what} took longer than ${limitMs / 1000} s`));
    // A process that is otherwise done does not stay for it.
    const timer = clock.setTimer(limitMs, tooLate, { keepAlive: false });
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

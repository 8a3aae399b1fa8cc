/** Waiting, but not for ever. */

import type { Clock } from 'coilyard';

/** @throws Error naming `what` did not come in time. */
export function within<Value>(clock: Clock, limitMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => reject(new Error(`${what} took longer than ${limitMs / 1000} s`)));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

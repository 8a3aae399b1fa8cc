/** Waiting for something, no longer than whoever waits wants to. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';

export interface Patience {
  /** After this time one is sent away: it may come again. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the wait came to: the time was up. */
export const LATE = Symbol('late');

/**
 * Resolves with what `listen` is answered, or with {@link LATE}; rejects with `cancelled`.
 *
 * @param listen begins to listen, and returns what takes that back.
 */
export function waitFor<T>(
  clock: Clock,
  { timeoutMs, signal }: Patience,
  listen: (answer: (value: T) => void, fail: (error: unknown) => void) => () => void,
): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    let stopListening = (): void => {};
    const leave = (): void => {
      stopListening();
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const answer = (value: T | typeof LATE): void => {
      leave();
      resolve(value);
    };
    const fail = (error: unknown): void => {
      leave();
      reject(error);
    };
    const onAbort = (): void =>
      fail(new CoilyardError('cancelled', 'the client has stopped waiting', { execution: 'not_started' }));
    const timer = clock.setTimer(timeoutMs, () => answer(LATE), { keepAlive: false });
    if (signal?.aborted) {
      onAbort();
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    stopListening = listen(answer, fail);
  });
}

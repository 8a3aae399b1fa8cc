/** Waiting for code of users, which may never answer. */

import { isThenable } from '../kernel/isolate.js';

/** What it answers, or `undefined` as soon as the signal aborts; what comes later is dropped, an error too. */
export function unlessAborted<T>(answer: T | PromiseLike<T>, signal: AbortSignal): T | Promise<T | undefined> {
  if (!isThenable(answer)) return answer;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    const stopListening = (): void => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    Promise.resolve(answer).finally(stopListening).then(resolve, reject);
  });
}

/** Listeners of a call, which belong to strangers. */

import { isolate, isThenable } from '../kernel/isolate.js';
import type { Caller } from './ledger.js';
import type { CallOptions } from './python-port.js';

/** The caller's listeners; one that throws, or whose promise rejects, is not called again. */
export function listenersOf({ onProgress, onLog }: CallOptions): Pick<Caller, 'progress' | 'log'> {
  return {
    ...(onProgress === undefined ? {} : { progress: guarded(onProgress) }),
    ...(onLog === undefined ? {} : { log: guarded(onLog) }),
  };
}

function guarded<T>(listener: (event: T) => unknown): (event: T) => void {
  let isBroken = false;
  const listen = (event: T): unknown => {
    isBroken = true;
    const heard = listener(event);
    isBroken = false;
    if (!isThenable(heard)) return undefined;
    return heard.then(undefined, (error: unknown) => {
      // Of many that fail at the same time the first is told.
      if (isBroken) return;
      isBroken = true;
      throw error;
    });
  };
  return (event) => {
    if (!isBroken) isolate(() => listen(event), 'a listener of a call');
  };
}

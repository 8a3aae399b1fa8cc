/** Listeners of a call, which belong to strangers. */

import { isolate } from '../kernel/isolate.js';
import type { Caller } from './ledger.js';
import type { CallOptions } from './python-port.js';

/** The caller's listeners; one that throws is not called again. */
export function listenersOf({ onProgress, onLog }: CallOptions): Pick<Caller, 'progress' | 'log'> {
  return {
    ...(onProgress === undefined ? {} : { progress: guarded(onProgress) }),
    ...(onLog === undefined ? {} : { log: guarded(onLog) }),
  };
}

function guarded<T>(listener: (event: T) => void): (event: T) => void {
  let isBroken = false;
  return (event) => {
    if (isBroken) return;
    isolate(() => {
      isBroken = true;
      listener(event);
      isBroken = false;
    }, 'a listener of a call');
  };
}

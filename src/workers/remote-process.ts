/**
 * A worker that somebody else started, in the place of an operating system process: it "runs" while its connection
 * stands, and to kill it is to let go of it. A worker that lost its connection ends by itself.
 */

import { deferred } from '../kernel/deferred.js';
import type { Launched, LaunchedExit } from './launcher.js';

export class RemoteProcess implements Launched {
  /** Its process id is of another machine. */
  readonly pid = 0;
  readonly #exit = deferred<LaunchedExit>();
  readonly #letGo: () => void;

  /** @param letGo ends its connection, or takes the invitation back. */
  constructor(letGo: () => void) {
    this.#letGo = letGo;
  }

  get exited(): Promise<LaunchedExit> {
    return this.#exit.promise;
  }

  /** Its connection has ended. */
  detached(cause: unknown): void {
    this.#exit.resolve({ signal: null, code: cause === undefined ? 0 : 1, stderr: [] });
  }

  kill(signal: Parameters<Launched['kill']>[0]): void {
    // There is nothing to wait for from one that hangs: its last words would be said elsewhere.
    if (signal === 'SIGTERM') return;
    this.#letGo();
    this.#exit.resolve({ signal: 'SIGKILL', code: null, stderr: [] });
  }
}

/** A process from a few callbacks: for whatever has a life but no mailbox of requests. */

import { checkOptionalFunction, readingLater } from './arguments.js';
import type { ExitReason } from './exit-reason.js';
import type { Ignore, Process, ProcessOptions } from './process.js';
import { ProcessCore } from './process-core.js';

/** What the code inside a process may do with it. */
export interface ProcessContext {
  readonly process: Process;
  /** Ends the process from within: `terminate` runs, then it is gone. Also for `normal` and `killed` (S2, S4). */
  exit(reason: ExitReason): void;
  /** Switches trapping for all links and signals; returns the old value (S8). */
  trapExit(on: boolean): boolean;
}

export interface SpawnOptions<R = void> extends ProcessOptions {
  /** Runs first; the process has started once it has returned or resolved. May return `IGNORE`. */
  init?(context: ProcessContext): R | PromiseLike<R>;
  /**
   * Runs before an orderly end: `exit` from within, a failed `handleExit`, the parent's exit signal to a process that
   * traps. Not when the process is killed, nor when an exit signal ends one that does not trap (S80).
   */
  terminate?(reason: ExitReason): unknown;
  /** Hears of trapped exits, one at a time; without it they are dropped. `from` is absent when nobody in particular sent it. */
  handleExit?(from: Process | undefined, reason: ExitReason): unknown;
}

/**
 * Starts a process.
 *
 * @returns the process once `init` is through, or `IGNORE` if that is what it returned.
 * @throws what `init` threw, as the `cause` of a `CoilyardError` of the same message; a `CoilyardError` with `details.reason` `already_started` (the name is taken), `noproc` (the
 * parent is dead), `timeout`, or the exit reason's type if the process ended during `init`.
 */
export function spawn<R = void>(options: SpawnOptions<R>): Promise<Process | Extract<R, Ignore>>;
export function spawn(options: SpawnOptions<unknown>): Promise<Process | Ignore> {
  return readingLater('options', () => new SpawnedProcess(options).start(options));
}

class SpawnedProcess extends ProcessCore {
  /** Kept only when something in it may still be called: an idle process holds on to nothing else. */
  readonly #callbacks: SpawnOptions<unknown> | undefined;

  constructor(options: SpawnOptions<unknown>) {
    super(options);
    const { init, terminate, handleExit } = options;
    checkOptionalFunction('init', init);
    checkOptionalFunction('terminate', terminate);
    checkOptionalFunction('handleExit', handleExit);
    this.#callbacks = terminate === undefined && handleExit === undefined ? undefined : options;
  }

  start(options: SpawnOptions<unknown>): Promise<this | Ignore> {
    return this.begin(() => options.init?.(this.#context()), options);
  }

  protected override onExit(from: Process | undefined, reason: ExitReason): unknown {
    return this.#callbacks?.handleExit?.(from, reason);
  }

  protected override onTerminate(reason: ExitReason): unknown {
    return this.#callbacks?.terminate?.(reason);
  }

  #context(): ProcessContext {
    return {
      process: this,
      exit: (reason) => this.end(reason),
      trapExit: (on) => this.setTrapExit(on),
    };
  }
}

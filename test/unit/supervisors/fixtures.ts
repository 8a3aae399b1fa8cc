/** Children that do as they are told, and a log of what happened to them. */

import {
  type ExitReason,
  exitReason,
  type Process,
  type ProcessContext,
  type SpawnOptions,
  spawn,
} from '../../../supervisors/index.js';

export const boom = exitReason.error(new Error('boom'));

/** Records starts and stops of named children, in order, and keeps the latest process of each. */
export class Stage {
  readonly log: string[] = [];
  readonly #current = new Map<string, { process: Process; context: ProcessContext }>();

  /** A start function for a child that traps exits and logs `+name` when it starts and `-name` when it ends in order. */
  child(name: string, options: Partial<SpawnOptions> = {}): (self: Process) => Promise<Process> {
    return (self) =>
      spawn({
        parent: self,
        trapExit: true,
        ...options,
        init: async (context) => {
          this.log.push(`+${name}`);
          this.#current.set(name, { process: context.process, context });
          await options.init?.(context);
        },
        terminate: (reason) => {
          this.log.push(`-${name}`);
          return options.terminate?.(reason);
        },
      });
  }

  process(name: string): Process {
    return this.#get(name).process;
  }

  /** Ends the child from within. */
  end(name: string, reason: ExitReason = boom): void {
    this.#get(name).context.exit(reason);
  }

  /** Kills the child: no `terminate`. */
  kill(name: string): void {
    this.#get(name).process.exit(exitReason.killed);
  }

  /** What was logged since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }

  #get(name: string): { process: Process; context: ProcessContext } {
    const current = this.#current.get(name);
    if (current === undefined) throw new Error(`child ${name} never started`);
    return current;
  }
}

/** A plain child: does not trap, does nothing. */
export const idle = (self: Process): Promise<Process> => spawn({ parent: self });

/** A start function that fails with `boom` from its second start on, or from the first. */
export function failingAfter(starts: number, start: (self: Process) => Promise<Process> = idle) {
  let count = 0;
  return (self: Process): Promise<Process> => {
    count += 1;
    if (count > starts) throw new Error(`start ${count} fails`);
    return start(self);
  };
}

/** The error of a promise that must reject. */
export async function failure(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure');
}

/** The `details.reason` of a promise that must reject with a `CoilyardError`. */
export async function refusal(promise: PromiseLike<unknown>): Promise<unknown> {
  const error = await failure(promise);
  if (typeof error === 'object' && error !== null && 'details' in error) {
    const { details } = error;
    if (typeof details === 'object' && details !== null && 'reason' in details) return details.reason;
  }
  throw error;
}

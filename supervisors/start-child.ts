/** Runs a start function: whatever it throws, returns or never finishes becomes a process, `IGNORE` or an error (S19). */

import type { Clock } from '../src/kernel/clock.js';
import { exitReason } from '../src/kernel/exit-reason.js';
import { isThenable } from '../src/kernel/isolate.js';
import { IGNORE, type Ignore, type Process } from '../src/kernel/process.js';
import { isProcess } from '../src/kernel/process-core.js';
import type { CheckedSpec } from './child-spec.js';
import { badReturn, labelOf, timedOut } from './refusals.js';

/**
 * @param onTimeout kills what the start function has linked to the supervisor so far; called when `startTimeoutMs` is over.
 * @returns what has still to be checked by {@link startedProcess}; may be a promise.
 */
export function startChild(spec: CheckedSpec, self: Process, clock: Clock, onTimeout: () => void): unknown {
  const pending = spec.source.start(self);
  return isThenable(pending) ? withinTime(pending, spec, clock, onTimeout) : pending;
}

/** @throws what is wrong with the value that a start function returned. */
export function startedProcess(spec: CheckedSpec, value: unknown): Process | Ignore {
  if (value === IGNORE || isProcess(value)) return value;
  throw badReturn(`the start function of child ${labelOf(spec.id)}`, value);
}

function withinTime(
  pending: PromiseLike<unknown>,
  { id, recovery }: CheckedSpec,
  clock: Clock,
  onTimeout: () => void,
): PromiseLike<unknown> {
  const startTimeoutMs = recovery?.startTimeoutMs ?? Infinity;
  if (startTimeoutMs === Infinity) return pending;
  return new Promise((resolve, reject) => {
    let over = false;
    const timer = clock.setTimer(startTimeoutMs, () => {
      over = true;
      onTimeout();
      reject(timedOut(`the start of child ${labelOf(id)}`, startTimeoutMs));
    });
    pending.then(
      (result) => {
        timer.cancel();
        // Too late, and nobody would ever stop it.
        if (over && isProcess(result)) result.exit(exitReason.killed);
        resolve(result);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

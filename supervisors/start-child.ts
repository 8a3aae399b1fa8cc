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
 * @throws what the start function threw, or what is wrong with what it returned.
 */
export async function startChild(
  spec: CheckedSpec,
  self: Process,
  clock: Clock,
  onTimeout: () => void,
): Promise<Process | Ignore> {
  const pending = spec.start(self);
  const result = isThenable(pending) ? await withinTime(pending, spec, clock, onTimeout) : pending;
  if (result === IGNORE || isProcess(result)) return result;
  throw badReturn(`the start function of child ${labelOf(spec.id)}`, result);
}

function withinTime(
  pending: PromiseLike<unknown>,
  { id, startTimeoutMs }: CheckedSpec,
  clock: Clock,
  onTimeout: () => void,
): PromiseLike<unknown> {
  if (startTimeoutMs === undefined || startTimeoutMs === Infinity) return pending;
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

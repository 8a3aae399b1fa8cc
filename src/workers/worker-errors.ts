/** Why a worker did not start or did not live: the errors, and the exit reason of its process. */

import { CoilyardError } from '../kernel/errors.js';
import { type ExitReason, exitReason } from '../kernel/exit-reason.js';
import type { Guest } from './attach-registry.js';
import type { LaunchedExit } from './launcher.js';

export const tooSlow = (who: Guest, startTimeoutMs: number): CoilyardError =>
  new CoilyardError(
    'pool_unavailable',
    `worker ${who.workerId} was not ready within ${startTimeoutMs} ms. Raise startTimeoutMs if its imports take longer.`,
    { details: { ...who, startTimeoutMs } },
  );

/** It ended before its hello. The last thing that it printed is usually the cause. */
export function stillborn(who: Guest, { signal, code, stderr }: LaunchedExit): CoilyardError {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const last = stderr.findLast((line) => line.trim() !== '') ?? 'it printed nothing';
  return new CoilyardError('pool_unavailable', `worker ${who.workerId} ended before it was ready (${how}): ${last}`, {
    details: { ...who, signal, code, stderr },
  });
}

export const lost = (who: Guest, what: string, cause?: unknown): CoilyardError =>
  new CoilyardError('worker_lost', `worker ${who.workerId} ${what}`, { details: { ...who }, cause });

export const unkillable = (who: Guest, pid: number | undefined, waitedMs: number): CoilyardError =>
  new CoilyardError('internal', `process ${pid} of ${who.workerId} did not end ${waitedMs} ms after SIGKILL`, {
    details: { ...who, pid },
  });

/** A worker that ends by itself without a failure was drained from outside: a normal end. */
export const reasonOf = ({ signal, code }: LaunchedExit): ExitReason =>
  signal === null && code === 0 ? exitReason.normal : exitReason.signal(signal, code);

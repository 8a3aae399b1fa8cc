/** The errors that the dispatcher gives its callers. */

import { CoilyardError, type Execution, invalidArgument, toCoilyardError } from '../kernel/errors.js';

const RETRY_AFTER_MS = { least: 50, most: 30_000 } as const;

/** NaN fails the comparison too. */
export const checkTimeout = (timeoutMs: number | undefined): CoilyardError | undefined =>
  timeoutMs === undefined || timeoutMs >= 0 ? undefined : invalidArgument('timeoutMs', 'at least 0', timeoutMs);

export const tooLate = (timeoutMs: number, execution: Execution): CoilyardError =>
  new CoilyardError('deadline_exceeded', `the call did not end within ${timeoutMs} ms`, {
    details: { timeoutMs },
    execution,
  });

/** The caller's signal aborted. A signal that aborts because time is up (`AbortSignal.timeout`) is a deadline. */
export function aborted(signal: AbortSignal | undefined, execution: Execution): CoilyardError {
  const cause: unknown = signal?.reason;
  const isDeadline =
    (cause instanceof CoilyardError && cause.code === 'deadline_exceeded') ||
    (cause instanceof Error && cause.name === 'TimeoutError');
  return isDeadline
    ? new CoilyardError('deadline_exceeded', 'the call did not end in time', { execution, cause })
    : new CoilyardError('cancelled', 'the call was cancelled', { execution, cause });
}

/** @param waitMs how long the queue is thought to take to empty. */
export const saturated = (pool: string, queued: number, waitMs: number): CoilyardError =>
  new CoilyardError('pool_saturated', `pool ${pool} has ${queued - 1} calls waiting already`, {
    details: { pool, queued: queued - 1 },
    retryAfterMs: Math.round(Math.min(RETRY_AFTER_MS.most, Math.max(RETRY_AFTER_MS.least, waitMs))),
  });

/** The worker that the call's session belongs to is busy, or is not there. */
export const notAtHome = (pool: string, workerId: string | undefined, waitMs: number): CoilyardError =>
  workerId === undefined
    ? new CoilyardError('pool_unavailable', `the session's worker of pool ${pool} is not there now`, {
        details: { pool, reason: 'strict_affinity' },
        retryAfterMs: RETRY_AFTER_MS.least,
      })
    : new CoilyardError('pool_saturated', `worker ${workerId}, which the session belongs to, is busy`, {
        details: { pool, workerId, reason: 'strict_affinity' },
        retryAfterMs: Math.round(Math.min(RETRY_AFTER_MS.most, Math.max(RETRY_AFTER_MS.least, waitMs))),
      });

/** The frame had no form on the wire: the call never left. */
export function unsendable(thrown: unknown): CoilyardError {
  const { code, message, details, cause } = toCoilyardError(thrown);
  return new CoilyardError(code, message, { details, execution: 'not_started', cause });
}

export const ignoredCancel = (workerId: string, callId: number, target: string): CoilyardError =>
  new CoilyardError('worker_lost', `worker ${workerId} went on with ${target} after it was cancelled`, {
    details: { workerId, callId, target },
  });

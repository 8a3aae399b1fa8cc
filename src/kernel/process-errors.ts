/** How a process fails to start or to be linked: `details.reason` is OTP's word. */

import { CoilyardError, describeThrown, describeValue } from './errors.js';
import { describeExit, type ExitReason } from './exit-reason.js';
import type { Process } from './process.js';

export function noproc(process: Process): CoilyardError {
  return new CoilyardError('invalid_argument', `${process.id} is dead`, {
    details: { reason: 'noproc', process: process.id },
  });
}

/** The error of a start whose process ended before `init` was through: the thrown value itself when there is one. */
export function startFailure(reason: ExitReason | undefined): unknown {
  if (reason?.type === 'error') return reason.error;
  const text = reason === undefined ? 'unknown' : describeExit(reason);
  return new CoilyardError('internal', `the process ended during its start: ${text}`, {
    details: { reason: reason?.type, exitReason: reason },
  });
}

export function nameTaken(key: unknown, holder: Process, cause: unknown): CoilyardError {
  return new CoilyardError('invalid_argument', `the name ${describeValue(key)} is taken by ${holder.id}`, {
    details: { reason: 'already_started', key, process: holder },
    cause,
  });
}

/** What `init` threw, as callers hear of it. Links and monitors hear of the thrown value itself, as the exit reason. */
export function initFailed(thrown: unknown): CoilyardError {
  if (thrown instanceof CoilyardError) return thrown;
  return new CoilyardError('internal', describeThrown(thrown), { details: { reason: 'error' }, cause: thrown });
}

/** The thrown value behind {@link initFailed}. */
export function thrownByInit(error: unknown): unknown {
  return error instanceof CoilyardError && error.details.reason === 'error' && 'cause' in error ? error.cause : error;
}

export function initTimedOut(timeoutMs: number): CoilyardError {
  return new CoilyardError('deadline_exceeded', `init was not through within ${timeoutMs} ms`, {
    details: { reason: 'timeout', timeoutMs },
  });
}

/** The errors of this room: `details.reason` is OTP's word for what went wrong. */

import { CoilyardError, describeThrown, describeValue } from '../src/kernel/errors.js';
import { describeExit, type ExitReason } from '../src/kernel/exit-reason.js';
import { thrownByInit } from '../src/kernel/process-errors.js';

/** OTP's words for an operation that a supervisor, registry or server refuses. */
export type Refusal =
  | 'already_present'
  | 'already_registered'
  | 'already_started'
  | 'calling_self'
  | 'max_children'
  | 'noproc'
  | 'not_found'
  | 'not_owner'
  | 'restarting'
  | 'running';

/** Nothing was done. */
export function refused(
  reason: Refusal,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): CoilyardError {
  return new CoilyardError('invalid_argument', message, { details: { reason, ...details } });
}

/** The error of a child that somebody asked for: a name that is taken says so itself, as newer OTPs do (S23). */
export function startRefused(childId: unknown, cause: unknown): CoilyardError {
  if (cause instanceof CoilyardError && cause.details.reason === 'already_started') return cause;
  return failedToStart(childId, cause);
}

/** A child's start function failed, whatever it threw or returned; the cause is what was thrown first. */
export function failedToStart(childId: unknown, failure: unknown): CoilyardError {
  const cause = thrownByInit(failure);
  return new CoilyardError('internal', `child ${labelOf(childId)} failed to start: ${describeThrown(cause)}`, {
    details: { reason: 'failed_to_start_child', childId },
    cause,
  });
}

/** A callback or start function returned what it may not (S19, S66, S76). */
export function badReturn(where: string, value: unknown): CoilyardError {
  return new CoilyardError('internal', `${where} returned ${describeValue(value)}`, {
    details: { reason: 'bad_return_value', value },
  });
}

/** The process ended before it answered: `details.reason` is the type of its exit reason (S71). */
export function diedBeforeReply(process: { readonly id: string }, exit: ExitReason): CoilyardError {
  return new CoilyardError('internal', `${process.id} ended before it replied: ${describeExit(exit)}`, {
    details: { reason: exit.type, exitReason: exit },
    ...(exit.type === 'error' ? { cause: exit.error } : {}),
  });
}

/** The process was dead when it was called. */
export const deadProcess = (process: { readonly id: string }): CoilyardError =>
  refused('noproc', `${process.id} is dead`);

/** No answer in time; whoever was asked goes on (S72). */
export function timedOut(what: string, timeoutMs: number): CoilyardError {
  return new CoilyardError('deadline_exceeded', `${what}: no answer within ${timeoutMs} ms`, {
    details: { reason: 'timeout', timeoutMs },
  });
}

/** An id as people read it. Ids may be any value. */
export function labelOf(id: unknown): string {
  return typeof id === 'string' ? id : typeof id === 'symbol' ? id.toString() : describeValue(id);
}

/** What each code says, and what helps: for `docs/errors.md`, and for whoever explains a code to a person. */

import type { ErrorCode } from './errors.js';

export interface ErrorExplanation {
  readonly meaning: string;
  readonly remedy: string;
}

/** Total: a code without an explanation does not compile. */
export const errorGuide = {
  session_not_found: {
    meaning: 'No session of this id lives or is stored, or it was stopped while you used it.',
    remedy: 'Check the id; start the session, or create it with `attach_if_exists`.',
  },
  session_expired: {
    meaning: 'The session was idle for longer than its time to live and is gone.',
    remedy: 'Start it again, with a longer `ttlMs` or a touch now and then.',
  },
  session_exists: {
    meaning: 'A session of this id lives or is stored.',
    remedy: 'Attach to it, or choose another id.',
  },
  variable_not_found: {
    meaning: 'The session has no variable of this name or id, or it was deleted.',
    remedy: 'Check the name; `details.variable` says what was asked for.',
  },
  variable_exists: {
    meaning: 'The session has a variable of this name.',
    remedy: 'Set it instead, or choose another name.',
  },
  version_not_found: {
    meaning: 'That version is not among those that are kept; only the last 100 of a variable are.',
    remedy: 'Choose one from the history of the variable.',
  },
  module_not_found: {
    meaning: 'No worker of the pool can make a module of this name.',
    remedy: 'Check the name, and that the pool imports the code that has it.',
  },
  tool_not_found: {
    meaning: 'Neither the runtime nor a worker of the pool has a tool of this name.',
    remedy: 'Check the name, the pool, and that the pool imports the code that has it.',
  },
  unknown_type: {
    meaning: 'There is no type of variable of this name.',
    remedy: 'Choose one of those in `details.expected`, or define it with `defineType`.',
  },
  validation_failed: {
    meaning: 'The value is of another kind than the type of the variable takes.',
    remedy: 'Send a value of that kind: nothing but an integer for a float is converted.',
  },
  invalid_argument: {
    meaning: 'An argument is missing, malformed or out of range.',
    remedy: '`details` says which (`field`), what was expected and what came.',
  },
  constraint_violation: {
    meaning: 'The value is of the right kind and breaks a constraint of the variable.',
    remedy: '`details` has the constraint, what it expects and what came.',
  },
  circular_dependency: {
    meaning: 'The dependency would make a variable depend upon itself.',
    remedy: '`details` has the way round; leave out one of its steps.',
  },
  read_only: {
    meaning: 'The variable is declared read-only.',
    remedy: 'Do not write it, or change the declaration.',
  },
  permission_denied: {
    meaning:
      'The access rules of the variable do not grant this to the calling session, or the principal has neither the scope nor the session.',
    remedy: 'Ask with rights to it; see the rules of the variable and `gateway.principals`.',
  },
  unauthenticated: {
    meaning: 'The call shows no token, or none that is valid.',
    remedy: 'Send `authorization: Bearer <token>`.',
  },
  has_dependents: {
    meaning: 'Other variables depend upon the one to be deleted.',
    remedy: 'Delete those first, or delete with `cascade`.',
  },
  already_optimizing: {
    meaning: 'An optimization of this variable is running and holds it.',
    remedy: 'Wait for it or stop it.',
  },
  not_optimizing: {
    meaning: 'No optimization of this variable is running.',
    remedy: 'Start one first.',
  },
  optimistic_lock_failure: {
    meaning: 'The variable has another version than the write expected: somebody was faster.',
    remedy: 'Read it again, decide again, write again with the new version.',
  },
  rate_limited: {
    meaning: 'More was asked than the limits of the session or of the principal allow.',
    remedy: 'Wait for `retryAfterMs` when it is given; close streams that are no longer read.',
  },
  mailbox_full: {
    meaning: 'As many commands wait in the session as may wait.',
    remedy: 'Wait and try again; send batches instead of single writes.',
  },
  pool_saturated: {
    meaning: 'As many calls wait for the workers of the pool as may wait.',
    remedy: 'Wait and try again, or give the pool more workers.',
  },
  payload_too_large: {
    meaning: 'A message, a value or a document is larger than the limit in `details.limit`.',
    remedy: 'Send or ask for less at once, or raise the limit.',
  },
  deadline_exceeded: {
    meaning: 'The time that the caller gave was over before there was an answer.',
    remedy: 'With `not_started` try again; else read what became of it, or retry with the same request id.',
  },
  cancelled: {
    meaning: 'The caller ended the call before there was an answer.',
    remedy: 'With `not_started` nothing has happened; else read what became of it.',
  },
  session_crashed: {
    meaning: 'The session met a bug while it worked and is restarted from its last commit.',
    remedy: 'Retry with the same request id; the report names the bug.',
  },
  store_unavailable: {
    meaning: 'The store does not answer, or the runtime was stopped (`details.reason` is `runtime_stopped`).',
    remedy: 'Retry with the same request id, once there is a runtime; a watch resumes from its position.',
  },
  pool_unavailable: {
    meaning: 'The pool cannot serve now: its workers fail to start, or it is being restarted.',
    remedy: 'Wait for `retryAfterMs`; the cause says why the workers fail.',
  },
  worker_lost: {
    meaning: 'The worker died or was cut off with the call in hand.',
    remedy: 'Declare the call idempotent to have it tried again by itself.',
  },
  history_compacted: {
    meaning: 'The changes since that position are no longer kept.',
    remedy: 'Start from a fresh snapshot.',
  },
  python_error: {
    meaning: 'The Python code raised; `details` has the type, the message and the traceback.',
    remedy: 'Mend the code that raised.',
  },
  internal: {
    meaning: 'A bug of Coilyard, or of code that it was given.',
    remedy: 'Report it with its cause.',
  },
} as const satisfies Record<ErrorCode, ErrorExplanation>;

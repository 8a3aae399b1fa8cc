/** Runs code of strangers (listeners, observers, hooks) so that its failure never reaches whoever calls it. */

import { emitWarning } from 'node:process';
import { describeThrown } from './errors.js';

/**
 * Calls `listener`. What it throws, or what its promise rejects with, becomes a Node warning: visible on stderr and to
 * `process.on('warning')`, never an uncaught exception.
 *
 * @param who names the listener in the warning: "a monitor of session-1". A function where the name costs something.
 */
export function isolate(listener: () => unknown, who: string | (() => string)): void {
  try {
    const result = listener();
    if (isThenable(result)) result.then(undefined, (error: unknown) => warnOf(error, who));
  } catch (error) {
    warnOf(error, who);
  }
}

/** Whether `value` has to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** A failure that nobody waits for becomes a Node warning. @param who has failed, as of {@link isolate}. */
export function warnOf(error: unknown, who: string | (() => string)): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : describeThrown(error);
  const name = typeof who === 'string' ? who : who();
  emitWarning(`${name} failed: ${describeThrown(error)}`, { type: 'CoilyardWarning', detail });
}

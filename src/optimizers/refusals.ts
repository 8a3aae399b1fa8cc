/** What runs are refused with, and the right that everything but reading needs. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';

/** Throws `variable_not_found`, and `permission_denied` without the right to optimize. */
export function requireRight(session: SessionHandle, variable: string): void {
  if (!session.checkAccess(variable, 'optimize'))
    throw new CoilyardError('permission_denied', `the caller may not optimize ${variable}`, {
      details: { variable, permission: 'optimize' },
    });
}

/** @param what a variable that no run holds, or a run that does not go on. */
export const notOptimizing = (what: string): CoilyardError =>
  new CoilyardError('not_optimizing', `no optimization of ${what} is running`, { details: { subject: what } });

export const overtaken = (optimizationId: string, by: string): CoilyardError =>
  new CoilyardError('optimistic_lock_failure', `the variable is being optimized by ${by}, not by ${optimizationId}`, {
    details: { expected: optimizationId, actual: by },
  });

/** The session keeps the run as one that goes on, and nobody here carries it on. */
export const notCarriedOn = (optimizationId: string): CoilyardError =>
  new CoilyardError('not_optimizing', `nobody here carries on the optimization ${optimizationId}`, {
    details: { optimizationId },
  });

/** The runtime tries the values itself: what it has in hand is not for clients. */
export const driven = (optimizationId: string): CoilyardError =>
  invalidArgument('optimizationId', 'a run without an objective, whose trials clients measure', optimizationId);

/** Throws `not_optimizing` of a run that the session does not keep. */
export function statusIn(session: SessionHandle, optimizationId: string): OptimizationStatus {
  const status = session.optimizationRun(optimizationId);
  if (status === undefined) throw notOptimizing(optimizationId);
  return status;
}

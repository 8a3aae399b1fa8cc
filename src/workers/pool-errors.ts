/** Why a pool serves nobody. */

import { CoilyardError, describeThrown } from '../kernel/errors.js';

/** A place whose worker did not start is tried again in about this time. */
const RETRY_AFTER_MS = 1_000;

export function unavailable(pool: string, cause: unknown, retryAfterMs = RETRY_AFTER_MS): CoilyardError {
  const details = cause instanceof CoilyardError ? cause.details : {};
  return new CoilyardError('pool_unavailable', `pool ${pool} is unavailable: ${describeThrown(cause)}`, {
    details: { ...details, pool },
    execution: 'not_started',
    retryAfterMs: Math.ceil(retryAfterMs),
    cause,
  });
}

export const closed = (pool: string): CoilyardError =>
  new CoilyardError('pool_unavailable', `pool ${pool} is closed`, { details: { pool } });

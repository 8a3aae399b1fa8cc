/** Why a pool serves nobody. */

import { CoilyardError, describeThrown } from '../kernel/errors.js';

export function unavailable(pool: string, cause: unknown, retryAfterMs?: number): CoilyardError {
  const details = cause instanceof CoilyardError ? cause.details : {};
  return new CoilyardError('pool_unavailable', `pool ${pool} is unavailable: ${describeThrown(cause)}`, {
    details: { ...details, pool },
    execution: 'not_started',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  });
}

export const closed = (pool: string): CoilyardError =>
  new CoilyardError('pool_unavailable', `pool ${pool} is closed`, { details: { pool } });

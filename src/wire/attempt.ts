/** What a stranger has sent, read where a failure costs a part of it and not the whole. */

import { type CoilyardError, toCoilyardError } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';

/** What `read` returns, or why it could not be read. */
export function attempt<T>(read: () => T): Result<T, CoilyardError> {
  try {
    return ok(read());
  } catch (error) {
    return err(toCoilyardError(error));
  }
}

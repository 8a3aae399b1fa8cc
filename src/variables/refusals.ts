/** The refusals that more than one command can end with. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { err, type Result } from '../kernel/result.js';
import type { VariableLimits } from './limits.js';

export type Refusal = CoilyardError;

export function checkBatch(field: string, size: number, { maxBatch }: VariableLimits): Refusal | undefined {
  if (size <= maxBatch) return undefined;
  return new CoilyardError('invalid_argument', `${field}: expected at most ${maxBatch}, got ${size}`, {
    details: { field, expected: maxBatch, actual: size },
  });
}

export function variableNotFound(reference: string): CoilyardError {
  return new CoilyardError('variable_not_found', `there is no variable ${describeValue(reference)}`, {
    details: { variable: reference },
  });
}

export const notFound = (reference: string): Result<never, Refusal> => err(variableNotFound(reference));

/** The same refusal, saying which variable it is about. */
export function inVariable(name: string, error: CoilyardError): CoilyardError {
  return new CoilyardError(error.code, `${name}: ${error.message}`, { details: { variable: name, ...error.details } });
}

export function refuse(
  code: CoilyardError['code'],
  message: string,
  details: Readonly<Record<string, unknown>>,
): Result<never, Refusal> {
  return err(new CoilyardError(code, message, { details }));
}

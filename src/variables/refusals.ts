/** The refusals that more than one command can end with. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { err, type Result } from '../kernel/result.js';
import { type Caller, type Permission, permits } from './access.js';
import { MAX_METADATA_KEYS, MAX_VALUE_BYTES, type VariableLimits } from './limits.js';
import { sizeOf } from './plain-data.js';
import { type Metadata, noMetadata } from './value.js';
import type { Variable } from './variable.js';

export type Refusal = CoilyardError;

export function checkAccess(record: Variable, permission: Permission, caller: Caller): Refusal | undefined {
  if (permits(record.accessRules, permission, caller)) return undefined;
  const { id: principal, byRuleOnly } = caller;
  if (byRuleOnly) return notGranted(principal);
  return new CoilyardError('permission_denied', `${describeValue(principal)} may not ${permission} ${record.name}`, {
    details: { variable: record.name, permission, principal },
  });
}

/** Who asks: the calling session, or the owner itself. */
export const callerOf = (
  command: { readonly principal?: string | undefined; readonly byRuleOnly?: boolean | undefined },
  context: { readonly sessionId?: string | undefined },
): Caller => ({ id: command.principal ?? context.sessionId ?? '', byRuleOnly: command.byRuleOnly === true });

/** All that a guest is told of what no rule grants it, whether or not there is such a thing. */
export const notGranted = (principal: string): CoilyardError =>
  new CoilyardError('permission_denied', `no rule grants ${describeValue(principal)} this`, { details: { principal } });

export function checkBatch(field: string, size: number, { maxBatch }: VariableLimits): Refusal | undefined {
  if (size <= maxBatch) return undefined;
  return new CoilyardError('invalid_argument', `${field}: expected at most ${maxBatch}, got ${size}`, {
    details: { field, expected: maxBatch, actual: size },
  });
}

export function checkSize(value: unknown, limits: VariableLimits, field = 'value'): Refusal | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return undefined;
  const limit = limits.maxValueBytes ?? MAX_VALUE_BYTES;
  const size = sizeOf(value, limit);
  if (size <= limit) return undefined;
  return new CoilyardError(
    'payload_too_large',
    `${field}: expected at most ${limit} bytes, got ${Math.ceil(size)} or more`,
    {
      details: { field, limit, actual: Math.ceil(size) },
    },
  );
}

/** Metadata is merged with every write: what is added to what is there has to stay bounded. */
export function checkMetadataKeys(added: Metadata, limits: VariableLimits, present = noMetadata): Refusal | undefined {
  if (added === noMetadata) return undefined;
  const fresh = Object.keys(added).filter((key) => !Object.hasOwn(present, key)).length;
  if (fresh === 0) return undefined;
  const { maxMetadataKeys: limit = MAX_METADATA_KEYS } = limits;
  const count = Object.keys(present).length + fresh;
  if (count <= limit) return undefined;
  return new CoilyardError(
    'payload_too_large',
    `metadata: expected at most ${limit} keys, those of earlier writes included, got ${count}`,
    { details: { field: 'metadata', limit, actual: count } },
  );
}

export function variableNotFound(reference: string): CoilyardError {
  return new CoilyardError('variable_not_found', `there is no variable ${describeValue(reference)}`, {
    details: { variable: reference },
  });
}

export const notFound = (reference: string): Result<never, Refusal> => err(variableNotFound(reference));

/** The same refusal, saying which variable it is about. */
export function inVariable(
  name: string,
  error: CoilyardError,
  details: Readonly<Record<string, unknown>> = {},
): CoilyardError {
  return new CoilyardError(error.code, `${name}: ${error.message}`, {
    details: { variable: name, ...error.details, ...details },
    retryable: error.retryable,
    cause: error.cause,
  });
}

export function refuse(
  code: CoilyardError['code'],
  message: string,
  details: Readonly<Record<string, unknown>>,
): Result<never, Refusal> {
  return err(new CoilyardError(code, message, { details }));
}

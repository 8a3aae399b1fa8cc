/** The types by name, and what registration makes of a type with its constraints: one check for all later writes. */

import { CoilyardError, describeValue } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import { isPlainObject } from '../plain-data.js';
import type { ValueKind } from '../value.js';
import type { Constraints } from '../variable.js';
import { float, integer } from './numbers.js';
import { boolean, choice, module, string } from './texts.js';
import type { Cast, ConstraintCheck, VariableType } from './variable-type.js';

const builtIn: ReadonlyMap<string, VariableType> = new Map(
  [float, integer, string, boolean, choice, module].map((type) => [type.name, type]),
);

export const typeNames: readonly string[] = [...builtIn.keys()];

/** How values of a type travel; an unknown type is a bug, since registration refuses it. */
export const kindOfType = (type: string): ValueKind => builtIn.get(type)?.kind ?? 'json';

/** Casts a value and checks every constraint. Compiled once per variable. */
export type Check = Cast;

/** The constraints of a registration in their normal form (camelCase keys, parsed), or why they are refused. */
export function parseConstraints(
  typeName: string,
  constraints: unknown,
): Result<{ readonly check: Check; readonly constraints: Constraints }, CoilyardError> {
  const type = builtIn.get(typeName);
  if (type === undefined)
    return err(
      new CoilyardError(
        'unknown_type',
        `type: expected one of ${typeNames.join(', ')}, got ${describeValue(typeName)}`,
        {
          details: { field: 'type', expected: typeNames, actual: describeValue(typeName) },
        },
      ),
    );
  if (constraints !== undefined && !isPlainObject(constraints))
    return refuse('constraints', 'a map by name', describeValue(constraints));
  const parsed = new Map<string, unknown>();
  for (const [key, given] of Object.entries(constraints ?? {})) {
    if (given === undefined) continue;
    const name = camelCase(key);
    const rule = Object.hasOwn(type.rules, name) ? type.rules[name] : undefined;
    if (rule === undefined)
      return refuse(`constraints.${key}`, `one of ${Object.keys(type.rules).join(', ') || 'no constraints'}`, key);
    if (parsed.has(name)) return refuse(`constraints.${key}`, `${name} once`, 'it in two spellings');
    const value = rule.parse(given);
    if (value === undefined) return refuse(`constraints.${key}`, rule.expected, describeValue(given));
    parsed.set(name, value);
  }
  const normal: Constraints = Object.freeze(Object.fromEntries(parsed));
  for (const name of type.required ?? [])
    if (!Object.hasOwn(normal, name))
      return refuse(`constraints.${name}`, `${type.rules[name]?.expected} (required for ${typeName})`, 'nothing');
  const contradiction = type.contradiction?.(normal);
  if (contradiction !== undefined) return refuse('constraints', 'bounds that agree', contradiction);
  return ok({ check: checkOf(type, normal), constraints: normal });
}

/** The check of a registered variable. Its type and constraints were parsed before, so they cannot be refused here. */
export function compileCheck(typeName: string, constraints: Constraints): Check {
  const type = builtIn.get(typeName);
  if (type === undefined) throw new TypeError(`a variable of the unknown type ${typeName} was committed`);
  return checkOf(type, constraints);
}

function checkOf(type: VariableType, constraints: Constraints): Check {
  const cast = type.cast(constraints);
  const checks: ConstraintCheck[] = [...(type.combined?.(constraints) ?? [])];
  for (const [constraint, expected] of Object.entries(constraints)) {
    const rule = type.rules[constraint];
    if (rule !== undefined) checks.push({ constraint, refusal: rule.compile(expected) });
  }
  if (checks.length === 0) return cast;
  return (value, kind) => {
    const result = cast(value, kind);
    if (!result.ok) return result;
    for (const { constraint, refusal } of checks) {
      const text = refusal(result.value);
      if (text !== undefined) return err(violation(constraint, constraints[constraint], result.value, text));
    }
    return result;
  };
}

function violation(constraint: string, expected: unknown, actual: unknown, text: string): CoilyardError {
  return new CoilyardError('constraint_violation', text, { details: { constraint, expected, actual } });
}

function refuse(field: string, expected: string, actual: string): Result<never, CoilyardError> {
  return err(
    new CoilyardError('invalid_argument', `${field}: expected ${expected}, got ${actual}`, {
      details: { field, expected, actual },
    }),
  );
}

const camelCase = (key: string): string => key.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

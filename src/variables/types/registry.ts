/** The types by name, and what registration makes of a type with its constraints: one check for all later writes. */

import { CoilyardError, describeValue, invalidArgument } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import { isPlainObject, unreadable } from '../plain-data.js';
import type { ValueKind } from '../value.js';
import type { Constraints } from '../variable.js';
import { list, map } from './collections.js';
import { presented, type UserType } from './define-type.js';
import { float, integer } from './numbers.js';
import { embedding, tensor } from './tensors.js';
import { boolean, choice, module, string } from './texts.js';
import type { Cast, ConstraintCheck, VariableType } from './variable-type.js';

/** Casts a value and checks every constraint. Compiled once per variable. */
export type Check = Cast;

export interface ParsedConstraints {
  /** The type's own name, also when it was asked for by another. */
  readonly type: string;
  readonly check: Check;
  readonly constraints: Constraints;
}

const builtIn: readonly VariableType[] = [
  float,
  integer,
  string,
  boolean,
  choice,
  module,
  list,
  map,
  embedding,
  tensor,
];

const noConstraints: Constraints = Object.freeze({});

/** The types that one runtime knows: those that are built in and those that it was given. */
export class TypeRegistry {
  readonly #types: ReadonlyMap<string, VariableType>;
  /** The checks without constraints, which most variables share. */
  readonly #plain: ReadonlyMap<string, Check>;
  /** Whether what users get of some type differs from what is stored. */
  readonly presents: boolean;

  /** @throws CoilyardError `invalid_argument` when a name is taken. */
  constructor(userTypes: readonly UserType[] = []) {
    const types = new Map<string, VariableType>();
    for (const type of [...builtIn, ...userTypes.map(({ type }) => type)])
      for (const name of [type.name, ...(type.aliases ?? [])]) {
        if (types.has(name)) throw invalidArgument('types', 'a name that no other type has', name);
        types.set(name, type);
      }
    this.#types = types;
    this.#plain = new Map([...types].map(([name, type]) => [name, checkOf(type, noConstraints)]));
    this.presents = userTypes.some(({ type }) => type.present !== undefined);
  }

  get names(): readonly string[] {
    return [...this.#types.keys()];
  }

  /** How values of a type travel; an unknown type is a bug, since registration refuses it. */
  kindOf(type: string): ValueKind {
    return this.#types.get(type)?.kind ?? 'json';
  }

  /** The constraints of a registration in their normal form (camelCase keys, parsed), or why they are refused. */
  parse(typeName: string, constraints: unknown): Result<ParsedConstraints, CoilyardError> {
    const type = this.#types.get(typeName);
    if (type === undefined) return unknownType(this.names, typeName);
    const parsed = parse(type, constraints);
    if (!parsed.ok) return parsed;
    return ok({ type: type.name, check: this.#check(type, parsed.value), constraints: parsed.value });
  }

  /** The check of a registered variable. Its type and constraints were parsed before, so they cannot be refused here. */
  compile(typeName: string, constraints: Constraints): Check {
    const type = this.#types.get(typeName);
    return type === undefined ? () => unknownType(this.names, typeName) : this.#check(type, constraints);
  }

  /** A check that looks at nothing but the type: for values of the past, when constraints may have been others. */
  castOf(typeName: string): Check {
    const type = this.#types.get(typeName);
    if (type === undefined) return () => unknownType(this.names, typeName);
    return castWith(type, Object.hasOwn(type.rules, 'allowNan') ? { allowNan: true } : noConstraints);
  }

  /** What users get for a stored value. */
  present(typeName: string, stored: unknown): Result<unknown, CoilyardError> {
    const type = this.#types.get(typeName);
    return type === undefined ? ok(stored) : presented(type, stored);
  }

  #check(type: VariableType, constraints: Constraints): Check {
    const plain = constraints === noConstraints ? this.#plain.get(type.name) : undefined;
    return plain ?? checkOf(type, constraints);
  }
}

/** The types that every runtime knows. */
export const builtInTypes = new TypeRegistry();

export const typeNames: readonly string[] = builtInTypes.names;

/** How values of a type travel; those of user types are JSON. */
export const kindOfType = (type: string): ValueKind => builtInTypes.kindOf(type);

export const parseConstraints = (typeName: string, constraints: unknown): Result<ParsedConstraints, CoilyardError> =>
  builtInTypes.parse(typeName, constraints);

export const compileCheck = (typeName: string, constraints: Constraints): Check =>
  builtInTypes.compile(typeName, constraints);

function parse(type: VariableType, constraints: unknown): Result<Constraints, CoilyardError> {
  if (constraints !== undefined && !isPlainObject(constraints))
    return refuse('constraints', 'a map by name', describeValue(constraints));
  const parsed = new Map<string, unknown>();
  for (const [key, given] of Object.entries(constraints ?? {})) {
    if (given === undefined) continue;
    const name = Object.hasOwn(type.rules, key) ? key : camelCase(key);
    const rule = Object.hasOwn(type.rules, name) ? type.rules[name] : undefined;
    if (rule === undefined)
      return refuse(`constraints.${key}`, `one of ${Object.keys(type.rules).join(', ') || 'no constraints'}`, key);
    if (parsed.has(name)) return refuse(`constraints.${key}`, `${name} once`, 'it in two spellings');
    const value = rule.parse(given);
    if (value === undefined) return refuse(`constraints.${key}`, rule.expected, describeValue(given));
    parsed.set(name, value);
  }
  const normal: Constraints = parsed.size === 0 ? noConstraints : Object.freeze(Object.fromEntries(parsed));
  for (const name of type.required ?? [])
    if (!Object.hasOwn(normal, name))
      return refuse(`constraints.${name}`, `${type.rules[name]?.expected} (required for ${type.name})`, 'nothing');
  const contradiction = type.contradiction?.(normal);
  if (contradiction !== undefined) return refuse('constraints', 'bounds that agree', contradiction);
  return ok(normal);
}

/** Lists, maps and arrays of users may be proxies, which can throw: a fault of the value, and no reason to crash. */
function castWith(type: VariableType, constraints: Constraints): Check {
  const cast = type.cast(constraints);
  if (type.kind !== 'json' && type.kind !== 'embedding' && type.kind !== 'tensor') return cast;
  return (value, kind) => {
    try {
      return cast(value, kind);
    } catch (error) {
      return unreadable(value, 'value', error);
    }
  };
}

function checkOf(type: VariableType, constraints: Constraints): Check {
  const cast = castWith(type, constraints);
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

const unknownType = (names: readonly string[], typeName: unknown): Result<never, CoilyardError> =>
  err(
    new CoilyardError('unknown_type', `type: expected one of ${names.join(', ')}, got ${describeValue(typeName)}`, {
      details: { field: 'type', expected: names, actual: describeValue(typeName) },
    }),
  );

function refuse(field: string, expected: string, actual: string): Result<never, CoilyardError> {
  return err(
    new CoilyardError('invalid_argument', `${field}: expected ${expected}, got ${actual}`, {
      details: { field, expected, actual },
    }),
  );
}

const camelCase = (key: string): string => key.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());

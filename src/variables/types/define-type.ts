/**
 * Types that users add. Their functions are called while a write is decided: one that throws refuses the write and
 * nothing else happens. They must be quick, because every other command of the session waits for them, and the same
 * input must always give the same output.
 */

import { CoilyardError, describeThrown, invalidArgument } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import { copyPlain } from '../plain-data.js';
import { isPromise } from '../promises.js';
import type { Cast, ConstraintRule, VariableType } from './variable-type.js';

/** Whether the value passes: `true` or nothing for yes, `false` or a text that says what is wrong for no. */
export type ConstraintTest<T> = (value: T, expected: unknown) => boolean | string | undefined;

export interface TypeDefinition<T> {
  /** As it is given to `register`. */
  readonly name: string;
  /** Makes a value the type's own, or throws an error that says what is wrong with it. */
  cast(value: unknown): T;
  /** Constraints by name. */
  readonly constraints?: Readonly<Record<string, ConstraintTest<T>>>;
  /** Plain data for stores, the wire and exports. Needed when `cast` gives anything else. */
  serialize?(value: T): unknown;
  /** The way back. Default: what was serialized goes through `cast`. */
  deserialize?(data: unknown): T;
}

/** A type that a runtime can be given: `startRuntime({ types: [Percent] })`. */
export interface UserType {
  readonly name: string;
  /** @internal */
  readonly type: VariableType;
}

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/** @throws CoilyardError `invalid_argument` for a definition that is malformed. */
export function defineType<T>(definition: TypeDefinition<T>): UserType {
  try {
    return defined(definition);
  } catch (error) {
    if (error instanceof CoilyardError) throw error;
    throw invalidArgument('definition', 'an object that can be read', describeThrown(error));
  }
}

function defined<T>(definition: TypeDefinition<T>): UserType {
  if (typeof definition !== 'object' || definition === null)
    throw invalidArgument('definition', 'an object with a name and a cast', definition);
  const { name, constraints = {} } = definition;
  if (typeof name !== 'string' || !NAME.test(name))
    throw invalidArgument('name', '1 to 64 letters, digits or _ . - that start with a letter', name);
  if (typeof definition.cast !== 'function') throw invalidArgument('cast', 'a function', definition.cast);
  for (const [constraint, test] of Object.entries(constraints))
    if (typeof test !== 'function') throw invalidArgument(`constraints.${constraint}`, 'a function', test);
  const revive = (stored: unknown): T =>
    definition.deserialize === undefined ? definition.cast(stored) : definition.deserialize(stored);
  const rules: [string, ConstraintRule][] = Object.entries(constraints).map(([constraint, test]) => [
    constraint,
    ruleOf(test, revive),
  ]);
  const type: VariableType = {
    name,
    kind: 'json',
    rules: Object.fromEntries(rules),
    cast: () => castOf(definition, revive),
    ...(definition.serialize === undefined && definition.deserialize === undefined ? {} : { present: revive }),
  };
  return Object.freeze({ name, type });
}

function castOf<T>(definition: TypeDefinition<T>, revive: (stored: unknown) => T): Cast {
  return (value, kind) => {
    try {
      // What has a kind was serialized before: it comes from the wire, from a store or from an earlier version.
      const own = definition.cast(kind === undefined ? value : revive(value));
      if (isPromise(own)) return refuse(definition.name, 'its cast answers with a promise');
      return copyPlain(definition.serialize === undefined ? own : definition.serialize(own), 'value');
    } catch (error) {
      return error instanceof CoilyardError ? err(error) : refuse(definition.name, describeThrown(error), error);
    }
  };
}

/** The test sees the value as users see it, although what is stored is plain data. */
function ruleOf<T>(test: ConstraintTest<T>, revive: (stored: unknown) => T): ConstraintRule {
  return {
    expected: 'plain data',
    parse: (constraint) => {
      const copied = copyPlain(constraint, 'constraint');
      return copied.ok ? copied.value : undefined;
    },
    compile: (constraint) => (stored) => {
      try {
        const answer = test(revive(stored), constraint);
        if (isPromise(answer)) return 'the test answers with a promise';
        if (answer === undefined || answer === true) return undefined;
        return typeof answer === 'string' ? answer : 'the value is not allowed';
      } catch (error) {
        return describeThrown(error);
      }
    },
  };
}

function refuse(type: string, reason: string, cause?: unknown): Result<never, CoilyardError> {
  return err(
    new CoilyardError('validation_failed', `value is no ${type}: ${reason}`, {
      details: { field: 'value', expected: type, actual: reason },
      cause,
    }),
  );
}

/** Whether it was made by {@link defineType}. */
export const isUserType = (value: unknown): value is UserType =>
  typeof value === 'object' && value !== null && 'type' in value && 'name' in value && Object.isFrozen(value);

/** What users get for a stored value; `validation_failed` when the type does not understand it any more. */
export function presented(type: VariableType, stored: unknown): Result<unknown, CoilyardError> {
  if (type.present === undefined) return ok(stored);
  try {
    return ok(type.present(stored));
  } catch (error) {
    return refuse(type.name, describeThrown(error), error);
  }
}

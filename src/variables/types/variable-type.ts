/** What a type of variable is: a cast that makes a value the type's own, and the constraints that it understands. */

import { CoilyardError, describeValue } from '../../kernel/errors.js';
import { err, type Result } from '../../kernel/result.js';
import type { ValueKind } from '../value.js';
import type { Constraints } from '../variable.js';

/** Makes the value the type's own (`2` → `2.0`, a bigint that is safe → number), or says what was expected. */
export type Cast = (value: unknown, kind: ValueKind | undefined) => Result<unknown, CoilyardError>;

export interface ConstraintRule {
  /** What a well-formed constraint is, in words, for messages. */
  readonly expected: string;
  /** The constraint in its normal form, `undefined` when it is malformed. */
  parse(constraint: unknown): unknown;
  /** Makes the check of one value. */
  compile(constraint: unknown): ConstraintCheck['refusal'];
}

/** One check of a value that was cast; it answers the refusal's text, or `undefined` when the value passes. */
export interface ConstraintCheck {
  readonly constraint: string;
  readonly refusal: (value: unknown) => string | undefined;
}

export interface VariableType {
  readonly name: string;
  /** Other names under which it may be asked for. */
  readonly aliases?: readonly string[];
  readonly rules: Readonly<Record<string, ConstraintRule>>;
  /** Constraints without which a variable of this type cannot be registered. */
  readonly required?: readonly string[];
  /** Refuses constraints that contradict each other: the text says which. */
  contradiction?(constraints: Constraints): string | undefined;
  cast(constraints: Constraints): Cast;
  /** Checks that need more than one constraint, such as a step counted from the minimum. */
  combined?(constraints: Constraints): readonly ConstraintCheck[];
  /** How a stored value of this type travels. */
  readonly kind: ValueKind;
  /** What users get for a stored value; absent: the stored value itself. May throw. */
  present?(stored: unknown): unknown;
}

/** A constraint that its type looks at itself while it casts. */
export const flag: ConstraintRule = {
  expected: 'true or false',
  parse: (constraint) => (typeof constraint === 'boolean' ? constraint : undefined),
  compile: () => () => undefined,
};

/** The kind is told where the value does not show it: a float may be whole, a text may be the name of a module. */
function describeKind(value: unknown, kind: ValueKind | undefined): string {
  const shown = describeValue(value);
  switch (kind) {
    case 'float':
    case 'integer':
      return `the ${kind} ${shown}`;
    case 'module':
      return `the name of a module ${shown}`;
    case 'embedding':
    case 'tensor':
      return `${kind === 'embedding' ? 'an' : 'a'} ${kind}`;
    default:
      return shown;
  }
}

/** The refusal of a value of the wrong kind. */
export function wrongKind(expected: string, value: unknown, kind?: ValueKind): Result<never, CoilyardError> {
  const actual = describeKind(value, kind);
  return err(
    new CoilyardError('validation_failed', `value must be ${expected}, got ${actual}`, {
      details: { field: 'value', expected, actual, wrongKind: true },
    }),
  );
}

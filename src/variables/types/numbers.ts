/** `float` and `integer`. Integers are exact at any size: `number` while safe, `bigint` beyond. */

import { CoilyardError, describeValue } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import type { Constraints } from '../variable.js';
import { type ConstraintCheck, type ConstraintRule, flag, type VariableType, wrongKind } from './variable-type.js';

/** How far from a multiple of `step` a float may lie, in steps: binary fractions are never exact. */
const STEP_TOLERANCE = 1e-9;

type Numeric = number | bigint;

const isNumeric = (value: unknown): value is Numeric =>
  typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value));

/** A bound or a step: infinity bounds nothing and cannot travel. */
const isLimit = (value: unknown): value is Numeric =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));

/** An integer may have a million digits: nobody wants to read, or wait for, all of them. */
const text = (value: Numeric): string => (typeof value === 'bigint' ? describeValue(value) : `${value}`);

/** Values that were cast before they get here. NaN passes only where `allowNan` let it through: no order holds for it. */
const ordered =
  (refuses: (value: Numeric) => string | undefined) =>
  (value: unknown): string | undefined =>
    isNumeric(value) ? refuses(value) : undefined;

const bound = (word: 'minimum' | 'maximum'): ConstraintRule => ({
  expected: 'a finite number',
  parse: (constraint) => (isLimit(constraint) ? constraint : undefined),
  compile: (constraint) => {
    if (!isLimit(constraint)) return () => undefined;
    return word === 'minimum'
      ? ordered((value) =>
          value < constraint ? `value ${text(value)} is below minimum ${text(constraint)}` : undefined,
        )
      : ordered((value) =>
          value > constraint ? `value ${text(value)} is above maximum ${text(constraint)}` : undefined,
        );
  },
});

/** Multiples are counted from `min`, or from 0 without one: hence the step is checked together with it. */
function stepCheck({ step, min }: Constraints): readonly ConstraintCheck[] {
  if (!isLimit(step)) return [];
  const origin = isLimit(min) ? min : 0;
  const refusal = ordered((value) =>
    isMultiple(step, origin, value)
      ? undefined
      : `value ${text(value)} is not a multiple of step ${text(step)} from ${text(origin)}`,
  );
  return [{ constraint: 'step', refusal }];
}

function isMultiple(step: Numeric, origin: Numeric, value: Numeric): boolean {
  if ([step, origin, value].every(isWhole)) return (BigInt(value) - BigInt(origin)) % BigInt(step) === 0n;
  const [wide, from, far] = [Number(step), Number(origin), Number(value)];
  const steps = (far - from) / wide;
  // The farther from zero, the coarser are floats: their own rounding is no fault of the value.
  const rounding = (2 * Number.EPSILON * (Math.abs(far) + Math.abs(from))) / wide;
  return Math.abs(steps - Math.round(steps)) <= STEP_TOLERANCE + rounding;
}

const isWhole = (part: Numeric): boolean => typeof part === 'bigint' || Number.isInteger(part);

const stepRule: ConstraintRule = {
  expected: 'a finite number above 0',
  parse: (constraint) => (isLimit(constraint) && constraint > 0 ? constraint : undefined),
  compile: () => () => undefined,
};

const contradiction = ({ min, max }: Constraints): string | undefined =>
  isLimit(min) && isLimit(max) && min > max ? `min ${text(min)} is above max ${text(max)}` : undefined;

/** The kind is right, but the value would become another. */
function inexact(value: bigint): Result<never, CoilyardError> {
  const expected = 'an integer that a float holds exactly';
  const actual = describeValue(value);
  return err(
    new CoilyardError('validation_failed', `value must be ${expected}, got ${actual}`, {
      details: { field: 'value', expected, actual },
    }),
  );
}

export const float: VariableType = {
  name: 'float',
  kind: 'float',
  rules: { min: bound('minimum'), max: bound('maximum'), step: stepRule, allowNan: flag },
  contradiction,
  combined: stepCheck,
  cast: (constraints) => {
    const allowNan = constraints.allowNan === true;
    return (value, kind) => {
      if (kind !== undefined && kind !== 'float' && kind !== 'integer') return wrongKind('a number', value, kind);
      const number = typeof value === 'bigint' ? Number(value) : value;
      if (typeof number !== 'number') return wrongKind('a number', value, kind);
      if (!Number.isFinite(number) && (!allowNan || typeof value === 'bigint'))
        return wrongKind('a finite number', value);
      if (typeof value === 'bigint' && BigInt(number) !== value) return inexact(value);
      return ok(number);
    };
  },
};

export const integer: VariableType = {
  name: 'integer',
  kind: 'integer',
  rules: { min: bound('minimum'), max: bound('maximum'), step: stepRule },
  contradiction,
  combined: stepCheck,
  cast: () => (value, kind) => {
    if (kind !== undefined && kind !== 'integer') return wrongKind('an integer', value, kind);
    if (typeof value === 'bigint') {
      const number = Number(value);
      return ok(Number.isSafeInteger(number) ? number : value);
    }
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrongKind('an integer', value, kind);
    if (!Number.isSafeInteger(value)) return wrongKind('an exact integer (a bigint beyond 2^53)', value, kind);
    return ok(value === 0 ? 0 : value);
  },
};

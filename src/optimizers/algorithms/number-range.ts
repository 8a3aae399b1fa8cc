/** What a number may be: its constraints, narrowed by the settings of a study. Every algorithm snaps to the same steps. */

import { invalidArgument } from '../../kernel/errors.js';
import type { Constraints } from '../../variables/variable.js';
import { isGiven } from './config.js';
import { keyOf, type Settings } from './settings.js';

export interface FloatRange {
  readonly kind: 'float';
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly step: number | undefined;
  /** What the steps are counted from: the minimum, or 0 without one. */
  readonly origin: number;
}

export interface IntegerRange {
  readonly kind: 'integer';
  readonly min: bigint | undefined;
  readonly max: bigint | undefined;
  readonly step: bigint;
  readonly origin: bigint;
}

export type NumberRange = FloatRange | IntegerRange;

const STEP_TOLERANCE = 1e-9;

/** The range of a float or an integer; `undefined` for variables of other types. */
export function numberRange(settings: Settings): NumberRange | undefined {
  const { variable } = settings;
  if (variable.type !== 'float' && variable.type !== 'integer') return undefined;
  const { constraints } = variable;
  const read = { min: limit(settings, 'min'), max: limit(settings, 'max'), step: limit(settings, 'step') };
  if (read.step !== undefined && read.step <= 0)
    throw invalidArgument(keyOf(settings, 'step'), 'a number above 0', read.step);
  refuseBeyond(settings, 'min', read.min, constraints);
  refuseBeyond(settings, 'max', read.max, constraints);
  const range =
    variable.type === 'float'
      ? floatRange(constraints, settings, read)
      : integerRange(variable.name, constraints, settings, read);
  if (range.min !== undefined && range.max !== undefined && range.min > range.max)
    throw invalidArgument(
      settings.variable.name,
      'bounds and a step that leave a value',
      `${range.min} to ${range.max}`,
    );
  return range;
}

type Limit = number | bigint;
type Limits = Readonly<Record<'min' | 'max' | 'step', Limit | undefined>>;

function floatRange(constraints: Constraints, settings: Settings, own: Limits): FloatRange {
  const [lower, upper, step] = [asFloat(constraints.min), asFloat(constraints.max), asFloat(constraints.step)];
  const ownStep = asFloat(own.step);
  if (ownStep !== undefined && step !== undefined && !isWhole(ownStep / step))
    throw invalidArgument(keyOf(settings, 'step'), `a multiple of the variable's step ${step}`, own.step);
  const origin = lower ?? 0;
  let min = asFloat(own.min) ?? lower;
  if (min !== undefined && step !== undefined && min !== lower)
    min = origin + Math.ceil((min - origin) / step - STEP_TOLERANCE) * step;
  const max = asFloat(own.max) ?? upper;
  return { kind: 'float', min, max, step: ownStep ?? step, origin: min ?? origin };
}

function integerRange(name: string, constraints: Constraints, settings: Settings, own: Limits): IntegerRange {
  const step = asInteger(constraints.step, `${name}: constraint step`);
  const ownStep = asInteger(own.step, keyOf(settings, 'step'));
  if (ownStep !== undefined && step !== undefined && ownStep % step !== 0n)
    throw invalidArgument(keyOf(settings, 'step'), `a multiple of the variable's step ${step}`, own.step);
  // Steps from a fraction would hit no integer, and whether they do is no question for an optimizer.
  if (step !== undefined) asInteger(constraints.min, `${name}: constraint min`);
  const lower = rounded(constraints.min, Math.ceil);
  const upper = rounded(constraints.max, Math.floor);
  const origin = lower ?? 0n;
  let min = asInteger(own.min, keyOf(settings, 'min')) ?? lower;
  if (min !== undefined && step !== undefined) min += modulo(origin - min, step);
  const max = asInteger(own.max, keyOf(settings, 'max')) ?? upper;
  return { kind: 'integer', min, max, step: ownStep ?? step ?? 1n, origin: min ?? origin };
}

function limit(settings: Settings, key: 'min' | 'max' | 'step'): Limit | undefined {
  const value = settings.given[key];
  if (!isGiven(value)) return undefined;
  if (isLimit(value)) return value;
  throw invalidArgument(keyOf(settings, key), 'a finite number', value);
}

function refuseBeyond(settings: Settings, key: 'min' | 'max', own: Limit | undefined, { min, max }: Constraints): void {
  if (own === undefined) return;
  if (isLimit(min) && own < min)
    throw invalidArgument(keyOf(settings, key), `at least the variable's minimum ${min}`, own);
  if (isLimit(max) && own > max)
    throw invalidArgument(keyOf(settings, key), `at most the variable's maximum ${max}`, own);
}

const isLimit = (value: unknown): value is Limit =>
  typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value));

const asFloat = (value: unknown): number | undefined => (isLimit(value) ? Number(value) : undefined);

function asInteger(value: unknown, field: string): bigint | undefined {
  if (!isLimit(value)) return undefined;
  if (typeof value === 'number' && !Number.isInteger(value)) throw invalidArgument(field, 'a whole number', value);
  return BigInt(value);
}

const rounded = (value: unknown, round: (value: number) => number): bigint | undefined =>
  isLimit(value) ? BigInt(typeof value === 'number' ? round(value) : value) : undefined;

const isWhole = (steps: number): boolean =>
  Math.round(steps) >= 1 && Math.abs(steps - Math.round(steps)) <= STEP_TOLERANCE;

const modulo = (value: bigint, divisor: bigint): bigint => ((value % divisor) + divisor) % divisor;

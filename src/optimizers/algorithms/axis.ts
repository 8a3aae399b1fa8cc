/**
 * A number as a climber sees it: a line that may be open at its ends. Bounded, its coordinates run from 0 to 1; without
 * a bound, they count from the present value in units of its own size.
 */

import { CoilyardError, invalidArgument } from '../../kernel/errors.js';
import { isGiven } from './config.js';
import { type Dimension, safeInteger } from './dimension.js';
import { type FloatRange, type IntegerRange, type NumberRange, numberRange } from './number-range.js';
import type { StudyPlan } from './optimizer.js';
import { dimensionOf } from './search-space.js';
import { keyOf, readSettings, type Settings } from './settings.js';
import { mapped, type Work } from './work.js';

export interface Axis {
  /** The value nearest to a coordinate, within the bounds and on a step. */
  near(coordinate: number): number | bigint;
  /** Where a value of `near` lies. */
  coordinateOf(value: number | bigint): number;
  /** The smallest move that matters: one step, or a ten-thousandth of the line. 0: there is one value only. */
  readonly resolution: number;
  /** Whether the coordinates end at 0 and 1. */
  readonly isBounded: boolean;
  readonly start: number | bigint;
}

/** Of a float without steps. */
const FINEST = 1e-4;
/** The size of a value that is small itself. */
const LEAST_SCALE = { float: 1, integer: 10 } as const;

/** The axes of a study; every variable must be a number. `own`: the keys of the algorithm itself. */
export function* axesOf(plan: StudyPlan, own: readonly string[]): Work<Axis[]> {
  const settings = yield* readSettings(plan, own, ['min', 'max', 'step', 'log']);
  return yield* mapped(settings, axisOf);
}

function axisOf(settings: Settings): Axis {
  const range = numberRange(settings);
  if (range === undefined) throw noNumber(settings);
  return range.min === undefined || range.max === undefined
    ? openAxis(range, settings)
    : boundedAxis(dimensionOf(settings), settings);
}

function noNumber({ variable: { name, type } }: Settings): CoilyardError {
  const expected = 'a float or an integer, for which there is a gradient';
  return new CoilyardError('invalid_argument', `${name}: expected ${expected}, got the type ${type}`, {
    details: { field: name, expected, actual: type, wrongKind: true },
  });
}

function boundedAxis(dimension: Dimension, { variable }: Settings): Axis {
  const near = (coordinate: number): number | bigint => numberFrom(dimension.near(coordinate));
  return {
    near,
    coordinateOf: (value) => dimension.coordinateOf(value) ?? 0,
    resolution: resolutionOf(dimension.count),
    isBounded: true,
    start: near(startOf(dimension, variable.value)),
  };
}

function resolutionOf(count: bigint | undefined): number {
  if (count === undefined) return FINEST;
  return count === 1n ? 0 : Math.max(1 / Number(count - 1n), Number.EPSILON);
}

/** The coordinate of the present value, or of the end of the line that it lies beyond. */
function startOf(dimension: Dimension, present: unknown): number {
  const coordinate = dimension.coordinateOf(present);
  if (coordinate !== undefined) return coordinate;
  const first = numberFrom(dimension.near(0));
  if ((typeof present !== 'number' && typeof present !== 'bigint') || Number.isNaN(present)) return 0.5;
  return present < first ? 0 : 1;
}

function openAxis(range: NumberRange, settings: Settings): Axis {
  if (isGiven(settings.given.log) && settings.given.log !== false)
    throw invalidArgument(keyOf(settings, 'log'), 'false where a bound is missing', settings.given.log);
  return range.kind === 'float' ? openFloats(range, settings) : openIntegers(range, settings);
}

function openFloats(
  { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, step, origin }: FloatRange,
  { variable }: Settings,
): Axis {
  const present = typeof variable.value === 'number' && Number.isFinite(variable.value) ? variable.value : origin;
  const snap = (value: number): number => {
    const within = Math.min(Math.max(value, min), max);
    if (step === undefined) return within;
    const steps = Math.round((within - origin) / step);
    // Rounding may have gone beyond a bound: the step before it does not.
    const inside = [steps, steps - 1, steps + 1]
      .map((count) => origin + count * step)
      .find((at) => at >= min && at <= max);
    return inside ?? within;
  };
  const start = snap(present);
  const scale = Math.max(LEAST_SCALE.float, Math.abs(start));
  return {
    near: (coordinate) => snap(start + coordinate * scale) + 0,
    coordinateOf: (value) => (Number(value) - start) / scale,
    resolution: step === undefined ? FINEST : step / scale,
    isBounded: false,
    start: start + 0,
  };
}

function openIntegers({ min, max, step, origin }: IntegerRange, { variable }: Settings): Axis {
  const snap = (value: bigint): bigint => {
    const beyond = (((value - origin) % step) + step) % step;
    let snapped = 2n * beyond < step ? value - beyond : value - beyond + step;
    if (min !== undefined && snapped < min) snapped += ((min - snapped + step - 1n) / step) * step;
    if (max !== undefined && snapped > max) snapped -= ((snapped - max + step - 1n) / step) * step;
    return snapped;
  };
  const start = snap(wholeNumber(variable.value) ?? origin);
  const scale = Math.min(Math.max(LEAST_SCALE.integer, Math.abs(Number(start)), 10 * Number(step)), Number.MAX_VALUE);
  return {
    near: (coordinate) => {
      const distance = Math.min(Math.max(coordinate * scale, -Number.MAX_VALUE), Number.MAX_VALUE);
      return safeInteger(snap(start + BigInt(Math.round(distance))));
    },
    coordinateOf: (at) => Number(BigInt(at) - start) / scale,
    resolution: Number(step) / scale,
    isBounded: false,
    start: safeInteger(start),
  };
}

function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

const numberFrom = (value: unknown): number | bigint => (typeof value === 'bigint' ? value : Number(value));

/**
 * The values that a study may try: one dimension for each variable, made from its type and constraints and narrowed by
 * the config. Candidates, their indexes (where they can be counted) and their coordinates belong together here.
 */

import { CoilyardError, invalidArgument } from '../../kernel/errors.js';
import { builtInTypes } from '../../variables/types/registry.js';
import { nameOf } from './candidate-name.js';
import { isGiven, readFlag } from './config.js';
import { Choices } from './choices.js';
import { Continuum, type Dimension, FloatSteps, IntegerSteps } from './dimension.js';
import { type NumberRange, numberRange } from './number-range.js';
import type { Candidate, StudyPlan, StudyVariable } from './optimizer.js';
import { keyOf, readSettings, type Settings } from './settings.js';
import type { SeededRandom } from './seeded-random.js';
import { mapped, type Work } from './work.js';

/** Keys that narrow one variable. */
export const narrowingKeys: readonly string[] = Object.freeze(['min', 'max', 'step', 'choices', 'log']);

/** More candidates than these nobody counts: their indexes would be numbers of a thousand digits. */
const MOST_COUNTED = 2n ** 64n;

export class SearchSpace {
  /** How many candidates there are; `undefined` when they are not counted: they are too many, or a continuum. */
  readonly size: bigint | undefined;
  /** Whether the values of each dimension are counted. */
  readonly #isCounted: boolean;

  constructor(readonly dimensions: readonly Dimension[]) {
    this.#isCounted = dimensions.every(({ count }) => count !== undefined);
    this.size = dimensions.reduce<bigint | undefined>((size, { count }) => {
      if (size === undefined || count === undefined) return undefined;
      return size * count > MOST_COUNTED ? undefined : size * count;
    }, 1n);
  }

  /** The candidate at an index below `size`; the last dimension counts fastest. Only where all dimensions are counted. */
  *at(index: bigint): Work<Candidate> {
    let rest = index;
    const values = yield* mapped(this.dimensions.toReversed(), (dimension) => {
      const count = dimension.count ?? 1n;
      const value = dimension.at(rest % count);
      rest /= count;
      return value;
    });
    return values.reverse();
  }

  /** Its index; `undefined` for what is not in this space, or farther than anybody counts. Only where `at` is. */
  *indexOf(candidate: Candidate): Work<bigint | undefined> {
    let index: bigint | undefined = 0n;
    yield* mapped(this.dimensions, (dimension, place) => {
      const own = dimension.indexOf(candidate[place]);
      index = index === undefined || own === undefined ? undefined : index * (dimension.count ?? 1n) + own;
      if (index !== undefined && index > MOST_COUNTED) index = undefined;
    });
    return index;
  }

  /** Equal candidates have equal names; `undefined` for what is not in this space. */
  *nameOf(candidate: Candidate): Work<string | undefined> {
    if (!this.#isCounted)
      return (yield* this.coordinatesOf(candidate)) === undefined ? undefined : yield* nameOf(candidate);
    // Where a float is a step only by rounding, it is the same as the step itself.
    const indexes = yield* mapped(this.dimensions, (dimension, place) => dimension.indexOf(candidate[place]));
    return indexes.includes(undefined) ? undefined : yield* nameOf(indexes);
  }

  draw(random: SeededRandom): Work<Candidate> {
    return mapped(this.dimensions, (dimension) => dimension.draw(random));
  }

  /** Where a candidate lies; `undefined` outside of the bounds. */
  *coordinatesOf(candidate: Candidate): Work<number[] | undefined> {
    const coordinates = yield* mapped(this.dimensions, (dimension, place) => dimension.coordinateOf(candidate[place]));
    return coordinates.every((coordinate) => coordinate !== undefined) ? coordinates : undefined;
  }
}

/** The space of a study, every key of its config checked by name. `own`: the keys of the algorithm itself. */
export function* searchSpace(plan: StudyPlan, own: readonly string[]): Work<SearchSpace> {
  const settings = yield* readSettings(plan, own, narrowingKeys);
  return new SearchSpace(yield* mapped(settings, dimensionOf));
}

/** The dimension of one variable. Refuses what cannot be searched, and says what is missing and how to give it. */
export function dimensionOf(settings: Settings): Dimension {
  const { variable } = settings;
  const { name, type, constraints } = variable;
  const range = numberRange(settings);
  if (range === undefined) refuseNumberKeys(variable, settings);
  const choices = readChoices(variable, settings);
  if (choices !== undefined) return new Choices(name, choices);
  if (range !== undefined) return rangeDimension(name, range, settings);
  if (type === 'boolean') return new Choices(name, [false, true]);
  const listed = type === 'string' ? constraints.enum : constraints.choices;
  if (Array.isArray(listed)) return new Choices(name, listed);
  throw missing(
    name,
    `the values to try: as "${type === 'string' ? 'enum' : 'choices'}" among its constraints or as`,
    settings,
    'choices',
  );
}

function rangeDimension(name: string, range: NumberRange, settings: Settings): Dimension {
  const isLog = readLog(settings, range);
  if (range.kind === 'integer') {
    const first = range.min ?? missingBound(name, 'min', settings);
    const max = range.max ?? missingBound(name, 'max', settings);
    if (isLog && !Number.isSafeInteger(Number(max)))
      throw invalidArgument(keyOf(settings, 'log'), 'false for a maximum beyond 2^53', true);
    return new IntegerSteps(name, { first, max, step: range.step, isLog });
  }
  const first = range.min ?? missingBound(name, 'min', settings);
  const max = range.max ?? missingBound(name, 'max', settings);
  if (range.step === undefined) return new Continuum(name, first, max, isLog);
  if ((max - first) / range.step > Number.MAX_SAFE_INTEGER)
    throw invalidArgument(
      keyOf(settings, 'step'),
      'a step that fits at most 2^53 times between the bounds',
      range.step,
    );
  return new FloatSteps(name, { first, max, step: range.step, isLog });
}

/** Whether the variable is searched on a logarithmic scale. */
export function readLog(settings: Settings, range: NumberRange): boolean {
  const isLog =
    isGiven(settings.given.log) &&
    readFlag({ [keyOf(settings, 'log')]: settings.given.log }, keyOf(settings, 'log')) === true;
  if (isLog && !(range.min !== undefined && range.min > 0))
    throw invalidArgument(keyOf(settings, 'log'), 'false where the minimum is not above 0', true);
  return isLog;
}

function readChoices({ name, type, constraints }: StudyVariable, settings: Settings): unknown[] | undefined {
  const { choices } = settings.given;
  if (!isGiven(choices)) return undefined;
  const key = keyOf(settings, 'choices');
  if (!searchable.has(type)) throw unsearchable(name, type);
  if (!Array.isArray(choices) || choices.length === 0) throw invalidArgument(key, 'a list that is not empty', choices);
  for (const other of ['min', 'max', 'step', 'log'])
    if (isGiven(settings.given[other]))
      throw invalidArgument(keyOf(settings, other), 'nothing beside choices', settings.given[other]);
  const check = builtInTypes.compile(type, constraints);
  return choices.map((choice, index) => {
    // A float may be allowed to be NaN, but it has no place among others.
    if (typeof choice === 'number' && !Number.isFinite(choice))
      throw invalidArgument(`${key}[${index}]`, 'a finite number', choice);
    const checked = check(choice, undefined);
    if (checked.ok) return checked.value;
    throw new CoilyardError('invalid_argument', `${key}[${index}]: ${checked.error.message}`, {
      details: { ...checked.error.details, field: `${key}[${index}]` },
      cause: checked.error,
    });
  });
}

/** Types whose values can be told apart and listed. */
const searchable: ReadonlySet<string> = new Set(['float', 'integer', 'boolean', 'string', 'choice', 'module']);

function refuseNumberKeys({ name, type }: StudyVariable, settings: Settings): void {
  if (!searchable.has(type)) throw unsearchable(name, type);
  for (const key of ['min', 'max', 'step', 'log'])
    if (isGiven(settings.given[key]))
      throw invalidArgument(
        keyOf(settings, key),
        `nothing for ${name}, which is no number (${type})`,
        settings.given[key],
      );
}

const unsearchable = (name: string, type: string): CoilyardError =>
  new CoilyardError(
    'invalid_argument',
    `${name}: expected a variable of type ${[...searchable].join(', ')}, got ${type}`,
    {
      details: { field: name, expected: [...searchable], actual: type, wrongKind: true },
    },
  );

function missingBound(name: string, bound: 'min' | 'max', settings: Settings): never {
  throw missing(name, `a bound: "${bound}" among its constraints or`, settings, bound);
}

function missing(name: string, what: string, settings: Settings, key: string): CoilyardError {
  const expected = `${what} "${keyOf(settings, key)}" in the config`;
  return new CoilyardError('invalid_argument', `${name}: expected ${expected}, got neither`, {
    details: { field: name, expected, actual: 'neither' },
  });
}

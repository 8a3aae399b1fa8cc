/**
 * The values that a study may try: one dimension for each variable, made from its type and constraints and narrowed by
 * the config. Candidates, their indexes (where they can be counted) and their coordinates belong together here.
 */

import { CoilyardError, invalidArgument } from '../../kernel/errors.js';
import { builtInTypes } from '../../variables/types/registry.js';
import { isGiven, readFlag } from './config.js';
import { Choices } from './choices.js';
import { Continuum, type Dimension, FloatSteps, IntegerSteps } from './dimension.js';
import { type NumberRange, numberRange } from './number-range.js';
import type { Candidate, StudyPlan, StudyVariable } from './optimizer.js';
import { keyOf, readSettings, type Settings } from './settings.js';
import type { SeededRandom } from './seeded-random.js';

/** Keys that narrow one variable. */
export const narrowingKeys: readonly string[] = Object.freeze(['min', 'max', 'step', 'choices', 'log']);

export class SearchSpace {
  /** How many candidates there are; `undefined` when one dimension is a continuum. */
  readonly size: bigint | undefined;

  constructor(readonly dimensions: readonly Dimension[]) {
    this.size = dimensions.reduce<bigint | undefined>(
      (size, { count }) => (size === undefined || count === undefined ? undefined : size * count),
      1n,
    );
  }

  /** The candidate at an index below `size`; the last dimension counts fastest. */
  at(index: bigint): Candidate {
    let rest = index;
    const values: unknown[] = [];
    for (const dimension of this.dimensions.toReversed()) {
      const count = dimension.count ?? 1n;
      values.push(dimension.at(rest % count));
      rest /= count;
    }
    return values.reverse();
  }

  /** Its index; `undefined` for what is not in this space. */
  indexOf(candidate: Candidate): bigint | undefined {
    let index = 0n;
    for (const [place, dimension] of this.dimensions.entries()) {
      const own = dimension.indexOf(candidate[place]);
      if (own === undefined) return undefined;
      index = index * (dimension.count ?? 1n) + own;
    }
    return index;
  }

  draw(random: SeededRandom): Candidate {
    return this.dimensions.map((dimension) => dimension.draw(random));
  }

  near(coordinates: readonly number[]): Candidate {
    return this.dimensions.map((dimension, place) => dimension.near(coordinates[place] ?? 0));
  }

  /** Where a candidate lies; `undefined` outside of the bounds. */
  coordinatesOf(candidate: Candidate): number[] | undefined {
    const coordinates: number[] = [];
    for (const [place, dimension] of this.dimensions.entries()) {
      const coordinate = dimension.coordinateOf(candidate[place]);
      if (coordinate === undefined) return undefined;
      coordinates.push(coordinate);
    }
    return coordinates;
  }
}

/** Names a candidate of a space: equal candidates have equal names. */
export const nameOf = (candidate: Candidate): string =>
  candidate.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))).join();

/** The space of a study, every key of its config checked by name. `own`: the keys of the algorithm itself. */
export function searchSpace(plan: StudyPlan, own: readonly string[]): SearchSpace {
  const settings = readSettings(plan, own, narrowingKeys);
  return new SearchSpace(settings.map((each) => dimensionOf(each)));
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

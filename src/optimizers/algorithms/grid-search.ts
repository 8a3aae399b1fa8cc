/**
 * Every combination once, in a fixed order: the values of each variable from low to high or as they are listed, the last
 * variable fastest. The product is counted, never built.
 */

import { invalidArgument } from '../../kernel/errors.js';
import { isGiven, readInteger } from './config.js';
import { Choices } from './choices.js';
import type { Dimension } from './dimension.js';
import type { Candidate, Optimizer, StudyPlan, Suggestion } from './optimizer.js';
import { dimensionOf, narrowingKeys, SearchSpace } from './search-space.js';
import { keyOf, readSettings, type Settings } from './settings.js';
import { mapped, type Work } from './work.js';

/** How many values a float without a step gets. */
const DEFAULT_POINTS = 10;

/** The points of a number are listed in memory. Who wants more gives a step, whose values are counted only. */
const POINTS = { min: 1, max: 10_000 };

/** The same for all variables together. */
const MOST_LISTED = 1_000_000;

/**
 * Config: `n_points` is the most values that any number gets, spread evenly over its steps with both bounds among them;
 * without it, all steps of a number that has some, and 10 values of a float that has none.
 */
export function* gridSearch(plan: StudyPlan): Work<Optimizer> {
  const settings = yield* readSettings(plan, ['n_points'], [...narrowingKeys, 'n_points']);
  const points = plan.variables.length === 1 ? undefined : readInteger(plan.config, 'n_points', POINTS);
  const dimensions: Dimension[] = [];
  let listed = 0n;
  for (const own of settings) {
    const whole = dimensionOf(own);
    const dimension = yield* thinned(whole, own, points);
    if (dimension !== whole) listed += dimension.count ?? 0n;
    if (listed > MOST_LISTED)
      throw invalidArgument('n_points', `at most ${MOST_LISTED} values of all variables together`, Number(listed));
    dimensions.push(dimension);
  }
  const grid = new Grid(new SearchSpace(dimensions));
  yield* grid.tell(plan.variables.map(({ value }) => value));
  return grid;
}

class Grid implements Optimizer {
  readonly sweeps = true;
  readonly #space: SearchSpace;
  /** Points from here on that were tried by others. */
  readonly #tried = new Set<bigint>();
  #next = 0n;

  constructor(space: SearchSpace) {
    this.#space = space;
  }

  *ask(): Work<Suggestion> {
    while (this.#tried.delete(this.#next)) this.#next += 1n;
    const { size } = this.#space;
    if (size !== undefined && this.#next >= size) return { type: 'done' };
    const values = yield* this.#space.at(this.#next);
    this.#next += 1n;
    return { type: 'candidate', values };
  }

  /** Results do not matter; what others have tried is not tried again. */
  *tell(values: Candidate): Work<void> {
    const index = yield* this.#space.indexOf(values);
    if (index !== undefined && index >= this.#next) this.#tried.add(index);
  }
}

function* thinned(dimension: Dimension, settings: Settings, common: number | undefined): Work<Dimension> {
  yield;
  const isList = dimension instanceof Choices;
  const key = keyOf(settings, 'n_points');
  if (isList && isGiven(settings.given.n_points))
    throw invalidArgument(key, `nothing for ${dimension.name}, whose values are listed`, settings.given.n_points);
  if (isList) return dimension;
  const own = readInteger({ [key]: settings.given.n_points }, key, POINTS) ?? common;
  const points = own ?? (dimension.count === undefined ? DEFAULT_POINTS : undefined);
  if (points === undefined || (dimension.count !== undefined && dimension.count <= points)) return dimension;
  const places = Array.from({ length: points }, (_, index) => (points === 1 ? 0.5 : index / (points - 1)));
  return new Choices(dimension.name, yield* mapped(places, (place) => dimension.near(place)));
}

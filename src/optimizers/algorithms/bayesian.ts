/**
 * Bayesian optimization: a stratified start, then the candidate that a Gaussian process of all trials finds the most
 * promising.
 *
 * A trial that failed counts as the worst score seen, so that the search leaves where things fail. A trial that runs
 * counts as an average one (a constant liar), so that those asked beside it go elsewhere. Trials out of bounds are left
 * out.
 */

import { invalidArgument } from '../../kernel/errors.js';
import {
  type Acquisition,
  expectedImprovement,
  probabilityOfImprovement,
  upperConfidenceBound,
} from './acquisition.js';
import { nameOf } from './candidate-name.js';
import { type Config, isGiven, readInteger, readNumber, readWord } from './config.js';
import type { Dimension } from './dimension.js';
import { GaussianProcess } from './gaussian-process.js';
import { Ground } from './ground.js';
import { likeliestKernel } from './likeliest-kernel.js';
import type { Candidate, Optimizer, StudyPlan, Suggestion, TrialResult } from './optimizer.js';
import { Places, type Point } from './places.js';
import type { Direction } from '../../variables/optimization.js';
import { mostPromising } from './promise.js';
import { bestAndLatest, Recollection, type Trial } from './recollection.js';
import { standardised, turnedScore } from './scores.js';
import { type SearchSpace, searchSpace } from './search-space.js';
import { type SeededRandom, seededRandom } from './seeded-random.js';
import { mapped, type Work } from './work.js';

const ownKeys = ['acquisition_function', 'xi', 'kappa', 'n_initial_points', 'seed'] as const;

const DEFAULT_INITIAL_POINTS = 5;
/** The most values that the start is planned with, of all variables together: they are kept until they are tried. */
const MOST_INITIAL_VALUES = 1_000_000;
/** The most trials that the model takes in, the best and the latest half each: its cost grows with their cube. */
const MOST_TRIALS = 150;
/** The same for the choice of its lengths, which takes many fits. */
const MOST_TRIALS_FOR_LENGTHS = 60;

/**
 * Config: `acquisition_function` ei (default), pi or ucb; `xi` (0.01, ei and pi: in standard deviations of the scores);
 * `kappa` (1.96, ucb); `n_initial_points` (5, the present values among them); `seed`.
 */
export function* bayesian(plan: StudyPlan): Work<Optimizer> {
  const space = yield* searchSpace(plan, ownKeys);
  const acquisition = readAcquisition(plan.config);
  const optimizer = new Bayesian(space, {
    acquisition,
    direction: plan.direction,
    initialPoints: readInitialPoints(plan),
    random: seededRandom(plan.config, plan.random),
    present: plan.variables.map(({ value }) => value),
  });
  yield* optimizer.begin();
  return optimizer;
}

function readInitialPoints({ config, variables, maxIterations }: StudyPlan): number {
  const given = readInteger(config, 'n_initial_points', { min: 1 }) ?? DEFAULT_INITIAL_POINTS;
  const points = Math.min(given, maxIterations);
  const most = Math.floor(MOST_INITIAL_VALUES / variables.length);
  if (points > Math.max(most, DEFAULT_INITIAL_POINTS))
    throw invalidArgument('n_initial_points', `at most ${most} for ${variables.length} variables`, given);
  return points;
}

function readAcquisition(config: Config): Acquisition {
  const name = readWord(config, 'acquisition_function', ['ei', 'pi', 'ucb']) ?? 'ei';
  const xi = readNumber(config, 'xi', { min: 0 });
  const kappa = readNumber(config, 'kappa', { min: 0 });
  const stray = name === 'ucb' ? 'xi' : 'kappa';
  if (isGiven(config[stray]))
    throw invalidArgument(stray, `nothing beside acquisition_function ${name}, which does not read it`, config[stray]);
  if (name === 'ucb') return upperConfidenceBound(kappa ?? 1.96);
  return name === 'ei' ? expectedImprovement(xi ?? 0.01) : probabilityOfImprovement(xi ?? 0.01);
}

interface Options {
  readonly acquisition: Acquisition;
  readonly direction: Direction;
  readonly initialPoints: number;
  readonly random: SeededRandom;
  readonly present: Candidate;
}

class Bayesian implements Optimizer {
  readonly #space: SearchSpace;
  readonly #options: Options;
  readonly #ordered: readonly boolean[];
  readonly #ground: Ground;
  readonly #running = new Map<string, readonly number[]>();
  readonly #trials = new Recollection(MOST_TRIALS);
  /** What is tried before there is a model; the last one first. */
  #start: Candidate[] = [];

  constructor(space: SearchSpace, options: Options) {
    this.#space = space;
    this.#options = options;
    this.#ordered = space.dimensions.map(({ ordered }) => ordered);
    this.#ground = new Ground(space);
  }

  /** Once, before it is asked. */
  *begin(): Work<void> {
    const { present, initialPoints, random } = this.#options;
    yield* this.#run(present);
    this.#start = yield* stratified(this.#space, initialPoints - this.#running.size, random);
  }

  *ask(): Work<Suggestion> {
    const values = yield* this.#isStarting() ? this.#initial() : this.#best();
    if (values === undefined) return { type: 'done' };
    yield* this.#run(values);
    return { type: 'candidate', values };
  }

  *tell(values: Candidate, result: TrialResult): Work<void> {
    const point = yield* this.#space.coordinatesOf(values);
    if (point === undefined) return;
    this.#running.delete(yield* nameOf(values));
    yield* this.#ground.take(values);
    this.#trials.add({ values, point, score: turnedScore(result, this.#options.direction) });
  }

  /** A model of failures alone would say nothing. */
  #isStarting(): boolean {
    const begun = this.#trials.size + this.#running.size;
    return begun < this.#options.initialPoints || !this.#trials.isScored;
  }

  *#run(values: Candidate): Work<void> {
    const point = yield* this.#space.coordinatesOf(values);
    if (point === undefined) return;
    yield* this.#ground.take(values);
    this.#running.set(yield* nameOf(values), point);
  }

  *#initial(): Work<Candidate | undefined> {
    for (let planned = this.#start.pop(); planned !== undefined; planned = this.#start.pop())
      if (!(yield* this.#ground.isTaken(planned))) return planned;
    return yield* this.#ground.draw(this.#options.random);
  }

  *#best(): Work<Candidate | undefined> {
    if (this.#ground.isExhausted) return undefined;
    const { trials, scores } = this.#trials.recall();
    const targets = standardised(scores);
    const model = yield* this.#model(trials, targets);
    // What the model holds to be the best trial: with noise, the best score may have been luck.
    let [incumbent, best] = [this.#options.present, -Infinity];
    for (const { values, point } of trials) {
      const mean = yield* model.meanAt(point);
      if (mean > best) [incumbent, best] = [values, mean];
      yield;
    }
    const { acquisition, random } = this.#options;
    return yield* mostPromising({
      space: this.#space,
      ground: this.#ground,
      random,
      incumbent,
      rate: function* (point) {
        return acquisition(yield* model.predict(point), best);
      },
    });
  }

  /** Of the trials, and of those that run. */
  *#model(trials: readonly Trial[], targets: readonly number[]): Work<GaussianProcess> {
    const few = bestAndLatest(targets, MOST_TRIALS_FOR_LENGTHS);
    const placesOf = (points: readonly Point[]): Work<Places> => Places.of(points, this.#ordered);
    const kernel = yield* likeliestKernel(
      yield* placesOf(few.map((index) => trials[index]?.point ?? [])),
      few.map((index) => targets[index] ?? 0),
      this.#ordered.length,
    );
    const running = [...this.#running.values()];
    const points = [...trials.map(({ point }) => point), ...running];
    return yield* GaussianProcess.of(yield* placesOf(points), [...targets, ...running.map(() => 0)], kernel);
  }
}

/** A Latin hypercube: on each dimension, one candidate in each of so many equal parts. */
function* stratified(space: SearchSpace, count: number, random: SeededRandom): Work<Candidate[]> {
  const orders: number[][] = [];
  while (orders.length < space.dimensions.length) {
    orders.push(yield* random.permutation(count));
    yield;
  }
  const candidates: Candidate[] = [];
  while (candidates.length < count) {
    const part = candidates.length;
    const near = (dimension: Dimension, place: number): unknown =>
      dimension.near(((orders[place]?.[part] ?? 0) + random.next()) / count);
    candidates.push(yield* mapped(space.dimensions, near));
    yield;
  }
  return candidates;
}

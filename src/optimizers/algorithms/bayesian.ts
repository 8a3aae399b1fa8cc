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
import { type Config, isGiven, readInteger, readNumber, readWord } from './config.js';
import { GaussianProcess, likeliestKernel } from './gaussian-process.js';
import { Ground } from './ground.js';
import type { Candidate, Optimizer, StudyPlan, Suggestion, TrialResult } from './optimizer.js';
import type { Direction } from '../../variables/optimization.js';
import { mostPromising } from './promise.js';
import { standardised, turnedScore } from './scores.js';
import { nameOf, type SearchSpace, searchSpace } from './search-space.js';
import { type SeededRandom, seededRandom } from './seeded-random.js';

const ownKeys = ['acquisition_function', 'xi', 'kappa', 'n_initial_points', 'seed'] as const;

const DEFAULT_INITIAL_POINTS = 5;
/** The most trials that the model takes in, the best and the latest half each: its cost grows with their cube. */
const MOST_TRIALS = 150;
/** The same for the choice of its lengths, which takes many fits. */
const MOST_TRIALS_FOR_LENGTHS = 60;

/**
 * Config: `acquisition_function` ei (default), pi or ucb; `xi` (0.01, ei and pi: in standard deviations of the scores);
 * `kappa` (1.96, ucb); `n_initial_points` (5, the present values among them); `seed`.
 */
export function bayesian(plan: StudyPlan): Optimizer {
  const space = searchSpace(plan, ownKeys);
  const acquisition = readAcquisition(plan.config);
  const initialPoints = readInteger(plan.config, 'n_initial_points', { min: 1 }) ?? DEFAULT_INITIAL_POINTS;
  return new Bayesian(space, {
    acquisition,
    direction: plan.direction,
    initialPoints: Math.min(initialPoints, plan.maxIterations),
    random: seededRandom(plan.config, plan.random),
    present: plan.variables.map(({ value }) => value),
  });
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

interface Trial {
  readonly values: Candidate;
  readonly point: readonly number[];
  /** Larger is better; `undefined`: it failed. */
  readonly score: number | undefined;
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
  readonly #trials: Trial[] = [];
  readonly #start: Candidate[];

  constructor(space: SearchSpace, options: Options) {
    this.#space = space;
    this.#options = options;
    this.#ordered = space.dimensions.map(({ ordered }) => ordered);
    this.#ground = new Ground(space);
    this.#begin(options.present);
    this.#start = stratified(space, options.initialPoints - this.#running.size, options.random);
  }

  ask(): Suggestion {
    const values = this.#isStarting() ? this.#initial() : this.#best();
    if (values === undefined) return { type: 'done' };
    this.#begin(values);
    return { type: 'candidate', values };
  }

  tell(values: Candidate, result: TrialResult): void {
    const point = this.#space.coordinatesOf(values);
    if (point === undefined) return;
    this.#running.delete(nameOf(values));
    this.#ground.take(values);
    this.#trials.push({ values, point, score: turnedScore(result, this.#options.direction) });
  }

  /** A model of failures alone would say nothing. */
  #isStarting(): boolean {
    const begun = this.#trials.length + this.#running.size;
    return begun < this.#options.initialPoints || this.#trials.every(({ score }) => score === undefined);
  }

  #begin(values: Candidate): void {
    const point = this.#space.coordinatesOf(values);
    if (point === undefined) return;
    this.#ground.take(values);
    this.#running.set(nameOf(values), point);
  }

  #initial(): Candidate | undefined {
    for (let planned = this.#start.pop(); planned !== undefined; planned = this.#start.pop())
      if (!this.#ground.isTaken(planned)) return planned;
    return this.#ground.draw(this.#options.random);
  }

  #best(): Candidate | undefined {
    if (this.#ground.isExhausted) return undefined;
    const { trials, targets } = this.#observed();
    const points = trials.map(({ point }) => point);
    const few = bestAndLatest(targets, MOST_TRIALS_FOR_LENGTHS);
    const kernel = likeliestKernel(
      few.map((index) => points[index] ?? []),
      few.map((index) => targets[index] ?? 0),
      this.#ordered,
    );
    const running = [...this.#running.values()];
    const model = new GaussianProcess(
      [...points, ...running],
      [...targets, ...running.map(() => 0)],
      kernel,
      this.#ordered,
    );
    // What the model holds to be the best trial: with noise, the best score may have been luck.
    const means = points.map((point) => model.meanAt(point));
    const best = Math.max(...means);
    return mostPromising({
      space: this.#space,
      ground: this.#ground,
      random: this.#options.random,
      incumbent: trials[means.indexOf(best)]?.values ?? this.#options.present,
      rate: (point) => this.#options.acquisition(model.predict(point), best),
    });
  }

  /** The trials that the model takes in, with targets of mean 0 and deviation 1. */
  #observed(): { trials: Trial[]; targets: number[] } {
    const worst = this.#trials.reduce((low, { score }) => (score !== undefined && score < low ? score : low), Infinity);
    const scores = this.#trials.map(({ score }) => score ?? worst);
    const kept = bestAndLatest(scores, MOST_TRIALS);
    const trials = kept.flatMap((index) => this.#trials[index] ?? []);
    return { trials, targets: standardised(kept.map((index) => scores[index] ?? worst)) };
  }
}

/** The indexes of the best half and of the latest half of the most that are wanted, in order. */
function bestAndLatest(scores: readonly number[], most: number): number[] {
  const indexes = scores.map((_, index) => index);
  if (indexes.length <= most) return indexes;
  const latest = indexes.slice(-most / 2);
  const others = indexes.slice(0, -most / 2).sort((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0));
  return [...latest, ...others.slice(0, most / 2)].sort((one, other) => one - other);
}

/** A Latin hypercube: on each dimension, one candidate in each of so many equal parts. */
function stratified(space: SearchSpace, count: number, random: SeededRandom): Candidate[] {
  const orders = space.dimensions.map(() => random.permutation(count));
  return Array.from({ length: count }, (_, index) =>
    space.near(orders.map((order) => ((order[index] ?? 0) + random.next()) / count)),
  );
}

/**
 * Climbs along the gradient from the present values: central finite differences, then a line search that turns back
 * until the score has improved. Nothing leaves the bounds, and a bound that stops a variable leaves the others free.
 */

import { type Axis, axesOf } from './axis.js';
import { BatchedSearch, type Search } from './batched-search.js';
import { readNumber, readWord } from './config.js';
import type { Candidate, Optimizer, StudyPlan } from './optimizer.js';
import { type SeededRandom, seededRandom } from './seeded-random.js';
import { spsa } from './spsa.js';

const DEFAULT_LEARNING_RATE = 0.1;
/** From how many other places a climb starts when the trial of its start failed. */
const MOST_STARTS = 10;
/** A probe is narrowed to so much of itself when it finds no way up. */
const NARROWING = 0.25;
/** A line search turns back so often. */
const MOST_TURNS = 8;
/** The share of the gain foretold by the slope that a step must make (Armijo). */
const ENOUGH = 1e-4;
/** A step may grow to so much of a line between bounds. */
const LONGEST_STEP = 0.5;

/**
 * Config: `method` finite_differences (default) or spsa, for noisy objectives; `learning_rate` (0.1: the length of the
 * first step, as a share of the range between the bounds, or of the value's own size where one is missing); `seed`
 * (spsa's directions; where to start again when the trial of the start failed).
 */
export function gradient(plan: StudyPlan): Optimizer {
  const axes = axesOf(plan, ['method', 'learning_rate', 'seed']);
  const method = readWord(plan.config, 'method', ['finite_differences', 'spsa']) ?? 'finite_differences';
  const rate = readNumber(plan.config, 'learning_rate', { min: 0, above: true }) ?? DEFAULT_LEARNING_RATE;
  const random = seededRandom(plan.config, plan.random);
  const isNoisy = method === 'spsa';
  const search = isNoisy ? spsa(axes, { rate, random, maxIterations: plan.maxIterations }) : climb(axes, rate, random);
  return new BatchedSearch(search, {
    direction: plan.direction,
    present: plan.variables.map(({ value }) => value),
    remembers: !isNoisy,
  });
}

interface Place {
  readonly values: Candidate;
  readonly coordinates: readonly number[];
}

interface Scored {
  readonly place: Place;
  readonly score: number;
}

function placeNear(axes: readonly Axis[], coordinates: readonly number[]): Place {
  const values = axes.map((axis, index) => axis.near(coordinates[index] ?? 0));
  return { values, coordinates: axes.map((axis, index) => axis.coordinateOf(values[index] ?? 0)) };
}

function* climb(axes: readonly Axis[], rate: number, random: SeededRandom): Search {
  let at = placeNear(
    axes,
    axes.map((axis) => axis.coordinateOf(axis.start)),
  );
  let reach = rate;
  let probe = rate / 2;
  let starts = 1;
  for (;;) {
    const probes = axes.flatMap((axis, index) => neighbours(axes, at, index, Math.max(probe, axis.resolution)));
    const [score = -Infinity, ...around] = yield [at, ...probes].map(({ values }) => values);
    const highest = around.indexOf(Math.max(...around));
    const neighbour = { place: probes[highest] ?? at, score: around[highest] ?? -Infinity };
    if (score === -Infinity && neighbour.score === -Infinity) {
      if (starts === MOST_STARTS) return;
      starts += 1;
      at = placeNear(
        axes,
        axes.map(() => random.next()),
      );
      continue;
    }
    const slopes = axes.map((_, index) =>
      slopeOf(
        { place: at, score },
        probes.slice(2 * index, 2 * index + 2),
        around.slice(2 * index, 2 * index + 2),
        index,
      ),
    );
    const step = stepFrom(slopes, reach);
    const found = score === -Infinity ? undefined : yield* lineSearch(axes, { place: at, score }, slopes, step);
    const best = found !== undefined && found.score >= neighbour.score ? found : neighbour;
    if (best.score > score) {
      const length = distance(at, best.place);
      reach = length >= reach / 2 ? Math.min(2 * reach, longestStep(axes)) : Math.max(length, probe);
      at = best.place;
    } else if (axes.every(({ resolution }) => probe <= resolution)) return;
    else {
      probe *= NARROWING;
      reach = Math.max(probe, reach * NARROWING);
    }
  }
}

/** The two places beside one, on one axis; at a bound, one of them is the place itself. */
function neighbours(axes: readonly Axis[], { coordinates }: Place, index: number, width: number): Place[] {
  return [-width, width].map((move) => placeNear(axes, coordinates.with(index, (coordinates[index] ?? 0) + move)));
}

interface Slope {
  /** Score per coordinate; all slopes of a place are scaled alike. */
  readonly rise: number;
  /** The move to the top of the parabola through the three places; `undefined` when it opens upwards. */
  readonly top: number | undefined;
}

/** A probe that failed leaves the difference to the other one. Halves, because a difference may overflow. */
function slopeOf(middle: Scored, places: readonly Place[], scores: readonly number[], index: number): Slope {
  const at = middle.place.coordinates[index] ?? 0;
  const [low, high] = places.map((place) => (place.coordinates[index] ?? at) - at);
  const [left, right] = scores.map((score) => (score === -Infinity ? undefined : score / 2 - middle.score / 2));
  const down = low === undefined || low === 0 || left === undefined ? undefined : left / low;
  const up = high === undefined || high === 0 || right === undefined ? undefined : right / high;
  if (down === undefined || up === undefined || low === undefined || high === undefined)
    return { rise: finite(up ?? down ?? 0), top: undefined };
  const curvature = (up - down) / (high - low);
  const rise = finite((up * -low + down * high) / (high - low));
  const top = -rise / (2 * curvature);
  return { rise, top: curvature < 0 && Number.isFinite(top) ? top : undefined };
}

/** To the top on each axis where there is one, else as the slopes are to each other; no farther than `reach` on any. */
function stepFrom(slopes: readonly Slope[], reach: number): number[] {
  const steepest = Math.max(...slopes.map(({ rise }) => Math.abs(rise)));
  return slopes.map(({ rise, top }) => {
    const move = top ?? (steepest === 0 ? 0 : (rise / steepest) * reach);
    return Math.min(Math.max(move, -reach), reach);
  });
}

/** The first place that is enough of an improvement, or the best of those seen on the way back. */
function* lineSearch(
  axes: readonly Axis[],
  from: Scored,
  slopes: readonly Slope[],
  step: readonly number[],
): Generator<readonly Candidate[], Scored | undefined, readonly number[]> {
  let best: Scored | undefined;
  let share = 1;
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const place = placeNear(
      axes,
      from.place.coordinates.map((coordinate, index) => coordinate + share * (step[index] ?? 0)),
    );
    if (distance(from.place, place) === 0) return best;
    const [score = -Infinity] = yield [place.values];
    if (score > (best?.score ?? from.score)) best = { place, score };
    const moves = place.coordinates.map((coordinate, index) => coordinate - (from.place.coordinates[index] ?? 0));
    const foretold = moves.reduce((sum, move, index) => sum + move * (slopes[index]?.rise ?? 0), 0);
    const gain = score / 2 - from.score / 2;
    if (best !== undefined && (gain >= ENOUGH * foretold || !Number.isFinite(foretold))) return best;
    // The top of the parabola with this slope through this place.
    const turned = foretold / (2 * (foretold - gain));
    share *= turned >= 0.1 && turned <= 0.5 ? turned : 0.5;
  }
  return best;
}

const distance = (one: Place, other: Place): number =>
  Math.max(...one.coordinates.map((coordinate, index) => Math.abs(coordinate - (other.coordinates[index] ?? 0))));

const longestStep = (axes: readonly Axis[]): number =>
  axes.every(({ isBounded }) => isBounded) ? LONGEST_STEP : Number.MAX_VALUE;

const finite = (rise: number): number =>
  Number.isNaN(rise) ? 0 : Math.min(Math.max(rise, -Number.MAX_VALUE), Number.MAX_VALUE);

/**
 * Climbs along the gradient from the present values: central finite differences, then a line search that turns back
 * until the score has improved. Nothing leaves the bounds, and a bound that stops a variable leaves the others free.
 */

import { type Axis, axesOf } from './axis.js';
import { BatchedSearch, batchOf, type Search } from './batched-search.js';
import { readNumber, readWord } from './config.js';
import type { Candidate, Optimizer, StudyPlan } from './optimizer.js';
import { type SeededRandom, seededRandom } from './seeded-random.js';
import { spsa } from './spsa.js';
import { mapped, type Work } from './work.js';

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
export function* gradient(plan: StudyPlan): Work<Optimizer> {
  const axes = yield* axesOf(plan, ['method', 'learning_rate', 'seed']);
  const method = readWord(plan.config, 'method', ['finite_differences', 'spsa']) ?? 'finite_differences';
  const rate = readNumber(plan.config, 'learning_rate', { min: 0, above: true }) ?? DEFAULT_LEARNING_RATE;
  const random = seededRandom(plan.config, plan.random);
  const isNoisy = method === 'spsa';
  const search = isNoisy ? spsa(axes, { rate, random, maxIterations: plan.maxIterations }) : climb(axes, rate, random);
  return yield* BatchedSearch.of(search, {
    direction: plan.direction,
    present: plan.variables.map(({ value }) => value),
    remembers: !isNoisy,
  });
}

interface Place {
  readonly values: Candidate;
  readonly coordinates: readonly number[];
}

/** A place as it differs from another one, on one axis. */
interface Probe {
  readonly index: number;
  readonly value: number | bigint;
  readonly coordinate: number;
}

interface Scored {
  readonly place: Place;
  readonly score: number;
}

function* placeNear(axes: readonly Axis[], coordinates: readonly number[]): Work<Place> {
  const values = yield* mapped(axes, (axis, index) => axis.near(coordinates[index] ?? 0));
  return { values, coordinates: yield* mapped(axes, (axis, index) => axis.coordinateOf(values[index] ?? 0)) };
}

/** Without a probe, the place itself. */
function placeOf(place: Place, probe: Probe | undefined): Place {
  if (probe === undefined) return place;
  const { index, value, coordinate } = probe;
  return { values: place.values.with(index, value), coordinates: place.coordinates.with(index, coordinate) };
}

function* climb(axes: readonly Axis[], rate: number, random: SeededRandom): Search {
  let at = yield* placeNear(axes, yield* mapped(axes, (axis) => axis.coordinateOf(axis.start)));
  let reach = rate;
  let width = rate / 2;
  let starts = 1;
  for (;;) {
    const middle = yield* placeNear(axes, at.coordinates);
    const probes = (yield* mapped(axes, (axis, index) => neighbours(axis, at, index, width))).flat();
    const [score = -Infinity, ...around] = yield {
      size: 1 + probes.length,
      at: (index) => placeOf(index === 0 ? at : middle, probes[index - 1]).values,
    };
    const highest = around.indexOf(largest(around));
    const neighbour = { place: placeOf(middle, probes[highest]), score: around[highest] ?? -Infinity };
    if (score === -Infinity && neighbour.score === -Infinity) {
      if (starts === MOST_STARTS) return;
      starts += 1;
      at = yield* placeNear(axes, yield* mapped(axes, () => random.next()));
      continue;
    }
    const slopes = yield* mapped(axes, (_, index) => {
      const [first, behind] = [2 * index, 2 * index + 2];
      return slopeOf(at.coordinates[index] ?? 0, score, probes.slice(first, behind), around.slice(first, behind));
    });
    const step = stepFrom(slopes, reach);
    const found = score === -Infinity ? undefined : yield* lineSearch(axes, { place: at, score }, slopes, step);
    const best = found !== undefined && found.score >= neighbour.score ? found : neighbour;
    if (best.score > score) {
      const length = distance(at, best.place);
      reach = length >= reach / 2 ? Math.min(2 * reach, longestStep(axes)) : Math.max(length, width);
      at = best.place;
    } else if (axes.every(({ resolution }) => width <= resolution)) return;
    else {
      width *= NARROWING;
      reach = Math.max(width, reach * NARROWING);
    }
  }
}

/** The two places beside one, on one axis; at a bound, one of them is the place itself. */
function neighbours(axis: Axis, { coordinates }: Place, index: number, width: number): Probe[] {
  const reach = Math.max(width, axis.resolution);
  return [-reach, reach].map((move) => {
    const value = axis.near((coordinates[index] ?? 0) + move);
    return { index, value, coordinate: axis.coordinateOf(value) };
  });
}

interface Slope {
  /** Score per coordinate; all slopes of a place are scaled alike. */
  readonly rise: number;
  /** The move to the top of the parabola through the three places; `undefined` when it opens upwards. */
  readonly top: number | undefined;
}

/**
 * The slope at a coordinate with that score. A probe that failed leaves the difference to the other one. Halves, because a
 * difference may overflow.
 */
function slopeOf(at: number, score: number, probes: readonly Probe[], scores: readonly number[]): Slope {
  const [low, high] = probes.map(({ coordinate }) => coordinate - at);
  const [left, right] = scores.map((beside) => (beside === -Infinity ? undefined : beside / 2 - score / 2));
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
  const steepest = largest(slopes.map(({ rise }) => Math.abs(rise)));
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
): Search<Scored | undefined> {
  let best: Scored | undefined;
  let share = 1;
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const towards = from.place.coordinates.map((coordinate, index) => coordinate + share * (step[index] ?? 0));
    const place = yield* placeNear(axes, towards);
    if (distance(from.place, place) === 0) return best;
    const [score = -Infinity] = yield batchOf([place.values]);
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
  largest(one.coordinates.map((coordinate, index) => Math.abs(coordinate - (other.coordinates[index] ?? 0))));

/** There may be more of them than a call takes arguments. */
const largest = (numbers: readonly number[]): number =>
  numbers.reduce((most, number) => Math.max(most, number), -Infinity);

const longestStep = (axes: readonly Axis[]): number =>
  axes.every(({ isBounded }) => isBounded) ? LONGEST_STEP : Number.MAX_VALUE;

const finite = (rise: number): number =>
  Number.isNaN(rise) ? 0 : Math.min(Math.max(rise, -Number.MAX_VALUE), Number.MAX_VALUE);

/**
 * Simultaneous perturbation (Spall 1998) for noisy objectives: two trials on opposite sides of a place tell the slope
 * along a random direction, however many variables there are. It never says that it is done.
 */

import type { Axis } from './axis.js';
import { batchOf, type Search } from './batched-search.js';
import type { Candidate } from './optimizer.js';
import type { SeededRandom } from './seeded-random.js';
import { mapped, type Work } from './work.js';

/** Spall's exponents: how fast steps and perturbations shrink. */
const [STEP_DECAY, PERTURBATION_DECAY] = [0.602, 0.101];
/** The place itself is tried every so many steps, so that it can be the best. */
const TRIED_EVERY = 5;
/** A slope may count for so many times the usual one. */
const STEEPEST = 3;

export interface SpsaOptions {
  /** The length of the first perturbation and, about, of the first step, in coordinates. */
  readonly rate: number;
  readonly random: SeededRandom;
  readonly maxIterations: number;
}

export function* spsa(axes: readonly Axis[], { rate, random, maxIterations }: SpsaOptions): Search {
  if (axes.every(({ resolution }) => resolution === 0)) return;
  // Spall: a tenth of the steps that are to be expected keeps the first ones from leaping.
  const stability = maxIterations / 20;
  let at = yield* mapped(axes, (axis) => axis.coordinateOf(axis.start));
  let squares = 0;
  let slopes = 0;
  for (let step = 0; ; step += 1) {
    const width = rate / (step + 1) ** PERTURBATION_DECAY;
    const direction = yield* mapped(
      axes,
      ({ resolution }) => (random.next() < 0.5 ? -1 : 1) * Math.max(width, resolution),
    );
    const middle = at.map((coordinate, index) => inside(axes[index], coordinate, Math.abs(direction[index] ?? 0)));
    const moved = (side: number): Work<Candidate> =>
      mapped(axes, (axis, index) => axis.near((middle[index] ?? 0) + side * (direction[index] ?? 0)));
    const tried = [yield* moved(1), yield* moved(-1)];
    if ((step + 1) % TRIED_EVERY === 0) tried.push(yield* mapped(axes, (axis, index) => axis.near(at[index] ?? 0)));
    const [ahead = -Infinity, behind = -Infinity] = yield batchOf(tried);
    if (ahead === -Infinity || behind === -Infinity) continue;
    const slope = ahead / 2 - behind / 2;
    const usual = { squares: squares + slope * slope, slopes: slopes + 1 };
    // Slopes whose squares overflow or vanish count as they are: by their sign.
    const isMeasurable = Number.isFinite(usual.squares) && usual.squares > 0;
    if (isMeasurable) ({ squares, slopes } = usual);
    const relative = isMeasurable ? slope / Math.sqrt(squares / slopes) : Math.sign(slope);
    const length = rate * ((stability + 1) / (stability + step + 1)) ** STEP_DECAY;
    const move = length * Math.min(Math.max(relative, -STEEPEST), STEEPEST);
    at = at.map((coordinate, index) => inside(axes[index], coordinate + move * Math.sign(direction[index] ?? 0), 0));
  }
}

/** As far from both bounds as the margin asks, where there is room for it. */
function inside(axis: Axis | undefined, coordinate: number, margin: number): number {
  if (axis === undefined || !axis.isBounded) return coordinate;
  const room = Math.min(margin, 0.5);
  return Math.min(Math.max(coordinate, room), 1 - room);
}

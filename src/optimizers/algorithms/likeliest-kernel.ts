/** Chooses the kernel of a Gaussian process: the one under which what was measured is most likely. */

import { fitted, type Kernel, ratesOf } from './gaussian-process.js';
import type { Places } from './places.js';
import type { Work } from './work.js';

const LENGTHS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2];
const NOISES = [1e-6, 1e-3, 1e-1];
/** Lengths beyond these make all points alike, or none. */
const [SHORTEST, LONGEST] = [0.01, 20];
/** How often each length is tried at twice and at half of itself. */
const SWEEPS = 2;
/** So many trials as the lengths are chosen by say nothing of more lengths than these: all are equal then. */
const MOST_LENGTHS = 20;

/** Equal lengths first, then each length by itself if they are few. */
export function* likeliestKernel(places: Places, targets: readonly number[], dimensions: number): Work<Kernel> {
  const usual = 0.3 * Math.sqrt(Math.max(1, dimensions));
  const all = (length: number): number[] => new Array<number>(dimensions).fill(length);
  let chosen: Kernel = { lengths: all(usual), noise: 1e-6 };
  let best = -Infinity;
  function* consider(kernel: Kernel, alike: Float64Array): Work<boolean> {
    const { likelihood } = yield* fitted(alike, targets, kernel.noise);
    yield;
    const rating = likelihood + prior(kernel, usual);
    if (!(rating > best)) return false;
    [chosen, best] = [kernel, rating];
    return true;
  }
  for (const length of LENGTHS) {
    const lengths = all(length * Math.sqrt(dimensions));
    const alike = yield* places.alike(ratesOf(lengths));
    for (const noise of NOISES) yield* consider({ lengths, noise }, alike);
  }
  const sweeps = dimensions > 1 && dimensions <= MOST_LENGTHS ? SWEEPS : 0;
  for (let sweep = 0; sweep < sweeps; sweep += 1)
    for (let place = 0; place < dimensions; place += 1)
      for (const factor of [2, 0.5]) {
        const length = Math.min(Math.max((chosen.lengths[place] ?? usual) * factor, SHORTEST), LONGEST);
        const lengths = chosen.lengths.with(place, length);
        if (yield* consider({ ...chosen, lengths }, yield* places.alike(ratesOf(lengths)))) break;
      }
  return chosen;
}

/** Few points leave the lengths open: those near the usual one are likelier, within a factor of e or so. */
const prior = ({ lengths }: Kernel, usual: number): number =>
  lengths.reduce((sum, length) => sum - Math.log(length / usual) ** 2 / 2, 0) / lengths.length;

/** Which candidates of a space are taken, and a fair draw from those that are not. */

import type { Candidate } from './optimizer.js';
import type { SearchSpace } from './search-space.js';
import type { SeededRandom } from './seeded-random.js';
import type { Work } from './work.js';

/** A continuum that hits taken values so often in a row has hardly any others: its bounds are neighbours. */
const FRUITLESS_DRAWS = 100;

export class Ground {
  readonly #space: SearchSpace;
  /** In a space that can be counted: the indexes that are taken, in order. */
  readonly #indexes: bigint[] = [];
  /** In any other. */
  readonly #names = new Set<string>();

  constructor(space: SearchSpace) {
    this.#space = space;
  }

  /** Whether no candidate is free. */
  get isExhausted(): boolean {
    return this.#space.size !== undefined && BigInt(this.#indexes.length) >= this.#space.size;
  }

  /** Does nothing for what is not in the space. */
  *take(candidate: Candidate): Work<void> {
    if (this.#space.size === undefined) {
      const name = yield* this.#space.nameOf(candidate);
      if (name !== undefined) this.#names.add(name);
      return;
    }
    const index = yield* this.#space.indexOf(candidate);
    if (index === undefined) return;
    const place = this.#placeOf(index);
    if (this.#indexes[place] !== index) this.#indexes.splice(place, 0, index);
  }

  *isTaken(candidate: Candidate): Work<boolean> {
    if (this.#space.size === undefined) {
      const name = yield* this.#space.nameOf(candidate);
      return name !== undefined && this.#names.has(name);
    }
    const index = yield* this.#space.indexOf(candidate);
    return index !== undefined && this.#indexes[this.#placeOf(index)] === index;
  }

  /** A free candidate; `undefined` when there is none. */
  *draw(random: SeededRandom): Work<Candidate | undefined> {
    if (this.isExhausted) return undefined;
    for (let draws = 0; draws < FRUITLESS_DRAWS; draws += 1) {
      const candidate = yield* this.#space.draw(random);
      if (!(yield* this.isTaken(candidate))) return candidate;
      yield;
    }
    if (this.#space.size === undefined) return undefined;
    return yield* this.#space.at(this.#free(random.below(this.#space.size - BigInt(this.#indexes.length))));
  }

  /** The free index with so many free ones before it. */
  #free(rank: bigint): bigint {
    let [low, high] = [0, this.#indexes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#indexes[middle] ?? 0n) - BigInt(middle) <= rank) low = middle + 1;
      else high = middle;
    }
    return rank + BigInt(low);
  }

  /** Where an index stands among the taken, or would. */
  #placeOf(index: bigint): number {
    let [low, high] = [0, this.#indexes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#indexes[middle] ?? 0n) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Finds the free candidate that promises most: all of them in a small space; otherwise a sample of the whole space, and
 * then ever smaller moves around the best of it and around the best trial.
 */

import type { Ground } from './ground.js';
import type { Candidate } from './optimizer.js';
import type { SearchSpace } from './search-space.js';
import type { SeededRandom } from './seeded-random.js';
import { mapped, type Work } from './work.js';

export interface PromiseSearch {
  readonly space: SearchSpace;
  readonly ground: Ground;
  readonly random: SeededRandom;
  /** The best trial so far. */
  readonly incumbent: Candidate;
  /** Larger promises more. */
  readonly rate: (point: readonly number[]) => Work<number>;
}

/** A space of at most so many candidates is rated as a whole. */
const SMALL_SPACE = 500n;
const SAMPLE = 400;
/** How many of the sample moves start from, beside the best trial. */
const STARTS = 3;
const MOVES = 12;
/** Deviations of the moves, in coordinates. */
const REACHES = [0.1, 0.03, 0.01, 0.003, 0.001];

interface Rated {
  readonly candidate: Candidate;
  readonly rating: number;
}

/** `undefined` when no candidate is free. */
export function* mostPromising(search: PromiseSearch): Work<Candidate | undefined> {
  const { space, ground, random } = search;
  const isSmall = space.size !== undefined && space.size <= SMALL_SPACE;
  const size = isSmall ? Number(space.size) : SAMPLE;
  const best: Rated[] = [];
  for (let index = 0; index < size; index += 1) {
    const candidate = yield* isSmall ? space.at(BigInt(index)) : space.draw(random);
    if (yield* ground.isTaken(candidate)) continue;
    best.push(yield* rated(search, candidate));
    best.sort((one, other) => other.rating - one.rating);
    best.length = Math.min(best.length, STARTS);
  }
  const chosen = isSmall ? best[0] : yield* refined(search, best);
  return chosen?.candidate ?? (yield* ground.draw(random));
}

function* refined(search: PromiseSearch, sampled: readonly Rated[]): Work<Rated | undefined> {
  // The best trial is taken itself: it is where moves start, not what is chosen.
  const starts = [{ candidate: search.incumbent, rating: -Infinity }, ...sampled];
  let best: Rated | undefined;
  for (const start of starts) {
    const end = yield* climbed(search, start);
    if (end.rating > (best?.rating ?? -Infinity)) best = end;
  }
  return best;
}

function* climbed(search: PromiseSearch, start: Rated): Work<Rated> {
  let best = start;
  for (const reach of REACHES)
    for (let move = 0; move < MOVES; move += 1) {
      const candidate = yield* moved(search, best.candidate, reach);
      if (yield* search.ground.isTaken(candidate)) continue;
      const next = yield* rated(search, candidate);
      if (next.rating > best.rating) best = next;
    }
  return best;
}

/** One dimension for sure, and each of the others with even odds, by a step or so at least; what has no order is drawn again. */
function moved({ space, random }: PromiseSearch, from: Candidate, reach: number): Work<Candidate> {
  const sure = Math.floor(random.next() * space.dimensions.length);
  return mapped(space.dimensions, (dimension, place) => {
    const coordinate = dimension.coordinateOf(from[place]);
    const isKept = place !== sure && random.next() < 0.5;
    if (coordinate === undefined) return dimension.draw(random);
    if (!dimension.ordered) return isKept ? from[place] : dimension.draw(random);
    // The best trial may be one of others, between two steps.
    if (isKept) return dimension.near(coordinate);
    const step = dimension.count === undefined || dimension.count === 1n ? 0 : 1 / Number(dimension.count - 1n);
    return dimension.near(coordinate + random.normal() * Math.max(reach, step));
  });
}

function* rated({ space, rate }: PromiseSearch, candidate: Candidate): Work<Rated> {
  const rating = yield* rate((yield* space.coordinatesOf(candidate)) ?? []);
  yield;
  return { candidate, rating: Number.isNaN(rating) ? -Infinity : rating };
}

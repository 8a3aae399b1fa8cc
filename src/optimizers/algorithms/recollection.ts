/** The trials that a model takes in, of however many there were: the best half and the latest half of the most it can. */

import type { Candidate } from './optimizer.js';

export interface Trial {
  readonly values: Candidate;
  readonly point: readonly number[];
  /** Larger is better; `undefined`: it failed. */
  readonly score: number | undefined;
}

/** A trial and its place among all there were. */
interface Placed {
  readonly trial: Trial;
  readonly place: number;
}

export interface Recalled {
  readonly trials: readonly Trial[];
  /** Of each of them: the worst of all for one that failed. */
  readonly scores: readonly number[];
}

/**
 * Forgets those that will never be wanted again. The score of failed trials may still fall, so that they are kept beside
 * the best, and compared with them when it matters.
 */
export class Recollection {
  readonly #most: number;
  readonly #latest: Placed[] = [];
  /** The best of those before: of equal ones, the earlier first. */
  readonly #best: Placed[] = [];
  /** The earliest of those before that failed. */
  readonly #failed: Placed[] = [];
  #worst = Infinity;
  #size = 0;

  /** @param most an even number. */
  constructor(most: number) {
    this.#most = most;
  }

  /** All trials there were. */
  get size(): number {
    return this.#size;
  }

  /** Whether any of them has a score. */
  get isScored(): boolean {
    return this.#worst < Infinity;
  }

  add(trial: Trial): void {
    this.#latest.push({ trial, place: this.#size });
    this.#size += 1;
    if (trial.score !== undefined && trial.score < this.#worst) this.#worst = trial.score;
    const [oldest] = this.#latest;
    if (oldest === undefined || this.#latest.length <= this.#most / 2) return;
    this.#latest.shift();
    this.#keep(oldest);
  }

  /** In the order in which they were added. */
  recall(): Recalled {
    const all = [...this.#best, ...this.#failed, ...this.#latest].sort((one, other) => one.place - other.place);
    const scores = all.map(({ trial }) => trial.score ?? this.#worst);
    const wanted = bestAndLatest(scores, this.#most);
    return {
      trials: wanted.flatMap((index) => all[index]?.trial ?? []),
      scores: wanted.map((index) => scores[index] ?? this.#worst),
    };
  }

  #keep(placed: Placed): void {
    const half = this.#most / 2;
    const { score } = placed.trial;
    if (score === undefined) {
      if (this.#failed.length < half) this.#failed.push(placed);
      return;
    }
    const worse = this.#best.findIndex(({ trial }) => (trial.score ?? -Infinity) < score);
    this.#best.splice(worse === -1 ? this.#best.length : worse, 0, placed);
    this.#best.length = Math.min(this.#best.length, half);
  }
}

/** The indexes of the best half and of the latest half of the most that are wanted, in order. */
export function bestAndLatest(scores: readonly number[], most: number): number[] {
  const indexes = scores.map((_, index) => index);
  if (indexes.length <= most) return indexes;
  const latest = indexes.slice(-most / 2);
  const others = indexes.slice(0, -most / 2).sort((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0));
  return [...latest, ...others.slice(0, most / 2)].sort((one, other) => one - other);
}

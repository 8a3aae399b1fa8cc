/**
 * An optimizer out of a search that reads from top to bottom: it yields the candidates whose scores it needs, and goes
 * on when all are known. Those of one batch may be tried at the same time.
 */

import { nameOf } from './candidate-name.js';
import type { Candidate, Optimizer, Suggestion, TrialResult } from './optimizer.js';
import type { Direction } from '../../variables/optimization.js';
import { turnedScore } from './scores.js';
import type { Work } from './work.js';

/** Candidates that are made when they are looked at: all of them may be more than memory holds. */
export interface Batch {
  readonly size: number;
  at(index: number): Candidate;
}

/**
 * Yields batches and is given their scores, larger is better, `-Infinity` for those that failed. Yields nothing where
 * others may have their turn.
 */
export type Search<T = void> = Generator<Batch | undefined, T, readonly number[]>;

export interface BatchOptions {
  readonly direction: Direction;
  /** What the study tries by itself. */
  readonly present: Candidate;
  /** Whether a score is good for ever. Otherwise each batch is tried anew: the objective is noisy. */
  readonly remembers: boolean;
}

/** The batch of a few candidates. */
export const batchOf = (candidates: readonly Candidate[]): Batch => ({
  size: candidates.length,
  at: (index) => candidates[index] ?? [],
});

export class BatchedSearch implements Optimizer {
  readonly #search: Search;
  readonly #options: BatchOptions;
  readonly #scores = new Map<string, number>();
  readonly #running = new Set<string>();
  #batch = batchOf([]);
  /** Of those of the batch that were looked at. */
  #names: string[] = [];
  #isDone = false;

  private constructor(search: Search, options: BatchOptions) {
    this.#search = search;
    this.#options = options;
  }

  static *of(search: Search, options: BatchOptions): Work<BatchedSearch> {
    const batched = new BatchedSearch(search, options);
    if (isNumbers(options.present)) batched.#running.add(yield* nameOf(options.present));
    return batched;
  }

  *ask(): Work<Suggestion> {
    while (!this.#isDone) {
      const values = yield* this.#untold();
      if (values !== undefined) return { type: 'candidate', values };
      const scores = this.#names.flatMap((name) => this.#scores.get(name) ?? []);
      if (scores.length < this.#names.length) return { type: 'wait' };
      yield* this.#advance(scores);
    }
    return { type: 'done' };
  }

  *tell(values: Candidate, result: TrialResult): Work<void> {
    if (!isNumbers(values)) return;
    const name = yield* nameOf(values);
    this.#running.delete(name);
    this.#scores.set(name, turnedScore(result, this.#options.direction) ?? -Infinity);
  }

  /** The next one of the batch that has no score and is not being tried. */
  *#untold(): Work<Candidate | undefined> {
    while (this.#names.length < this.#batch.size) {
      const values = this.#batch.at(this.#names.length);
      const name = yield* nameOf(values);
      this.#names.push(name);
      if (!this.#scores.has(name) && !this.#running.has(name)) {
        this.#running.add(name);
        return values;
      }
      yield;
    }
    return undefined;
  }

  *#advance(scores: readonly number[]): Work<void> {
    let step = this.#search.next(scores);
    while (step.done !== true && step.value === undefined) {
      yield;
      step = this.#search.next([]);
    }
    this.#isDone = step.done === true;
    this.#batch = step.value ?? batchOf([]);
    this.#names = [];
    if (!this.#options.remembers) this.#scores.clear();
  }
}

const isNumbers = (values: Candidate): boolean =>
  values.every((value) => typeof value === 'number' || typeof value === 'bigint');

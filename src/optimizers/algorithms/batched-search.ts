/**
 * An optimizer out of a search that reads from top to bottom: it yields the candidates whose scores it needs, and goes
 * on when all are known. Those of one batch may be tried at the same time.
 */

import type { Candidate, Optimizer, Suggestion, TrialResult } from './optimizer.js';
import type { Direction } from '../../variables/optimization.js';
import { turnedScore } from './scores.js';
import { nameOf } from './search-space.js';

/** Yields candidates and is given their scores, larger is better, `-Infinity` for those that failed. */
export type Search = Generator<readonly Candidate[], void, readonly number[]>;

export interface BatchOptions {
  readonly direction: Direction;
  /** What the study tries by itself. */
  readonly present: Candidate;
  /** Whether a score is good for ever. Otherwise each batch is tried anew: the objective is noisy. */
  readonly remembers: boolean;
}

export class BatchedSearch implements Optimizer {
  readonly #search: Search;
  readonly #options: BatchOptions;
  readonly #scores = new Map<string, number>();
  readonly #running = new Set<string>();
  #batch: readonly Candidate[] = [];
  #untold: Candidate[] = [];
  #isDone = false;

  constructor(search: Search, options: BatchOptions) {
    this.#search = search;
    this.#options = options;
    if (isNumbers(options.present)) this.#running.add(nameOf(options.present));
  }

  ask(): Suggestion {
    while (!this.#isDone) {
      const values = this.#untold.shift();
      if (values !== undefined) {
        this.#running.add(nameOf(values));
        return { type: 'candidate', values };
      }
      const scores = this.#batch.flatMap((candidate) => this.#scores.get(nameOf(candidate)) ?? []);
      if (scores.length < this.#batch.length) return { type: 'wait' };
      this.#advance(scores);
    }
    return { type: 'done' };
  }

  tell(values: Candidate, result: TrialResult): void {
    if (!isNumbers(values)) return;
    const name = nameOf(values);
    this.#running.delete(name);
    this.#scores.set(name, turnedScore(result, this.#options.direction) ?? -Infinity);
    this.#untold = this.#untold.filter((candidate) => nameOf(candidate) !== name);
  }

  #advance(scores: readonly number[]): void {
    const { value, done } = this.#search.next(scores);
    this.#isDone = done === true;
    this.#batch = value ?? [];
    if (!this.#options.remembers) this.#scores.clear();
    const wanted = new Map(this.#batch.map((candidate) => [nameOf(candidate), candidate]));
    for (const name of wanted.keys()) if (this.#scores.has(name) || this.#running.has(name)) wanted.delete(name);
    this.#untold = [...wanted.values()];
  }
}

const isNumbers = (values: Candidate): boolean =>
  values.every((value) => typeof value === 'number' || typeof value === 'bigint');

/** When a run has stopped to improve: a rule over the scores of its completed trials, in the order in which they ended. */

import { type Direction, isBetter } from '../variables/optimization.js';

export interface PlateauRule {
  readonly direction: Direction;
  /** The least that the best score must gain within the window, in units of the score. */
  readonly threshold: number;
  /** How many completed trials must gain it. */
  readonly window: number;
}

export class Plateau {
  readonly #rule: PlateauRule;
  /** The best score as it was after each of the last trials, at the index of the trial modulo the window. */
  readonly #bests: number[] = [];
  #count = 0;
  #best: number | undefined;
  #isReached = false;

  constructor(rule: PlateauRule) {
    this.#rule = rule;
  }

  /** Whether the last `window` trials have gained less than the threshold over the best before them. */
  get isReached(): boolean {
    return this.#isReached;
  }

  add(score: number): void {
    const { direction, threshold, window } = this.#rule;
    const best = this.#best === undefined || isBetter(score, this.#best, direction) ? score : this.#best;
    const before = this.#bests[this.#count % window];
    this.#isReached = before !== undefined && Math.abs(best - before) < threshold;
    this.#bests[this.#count % window] = best;
    this.#best = best;
    this.#count += 1;
  }
}

/** Fewer trials than these say nothing about a plateau. */
const SHORTEST_WINDOW = 10;

/** The window of a run: its `patience`, or as many trials as its optimizer begins with at random, 10 at least. */
export const plateauWindow = (patience: number | undefined, initialPoints: unknown): number =>
  patience ?? Math.max(SHORTEST_WINDOW, Number.isSafeInteger(initialPoints) ? Number(initialPoints) : 0);

/** When a run has stopped to improve. */

import type { Direction } from './optimizer.js';
import { extremes } from './scores.js';

export interface PlateauRule {
  readonly direction: Direction;
  /** The least that the best score must gain within the window, in units of the score. 0: the run never converges. */
  readonly threshold: number;
  /** How many completed trials must gain it. */
  readonly window: number;
}

/** Fewer completed trials than these say nothing about a plateau. */
const SHORTEST_WINDOW = 10;

/** The window of a run: its `patience`, or as many trials as it takes to begin, 10 at least. */
export const plateauWindow = (options: {
  readonly patience?: number | undefined;
  readonly initialPoints?: number | undefined;
}): number => options.patience ?? Math.max(SHORTEST_WINDOW, options.initialPoints ?? 0);

/**
 * Whether the best score gained less than the threshold over the last `window` completed trials. `scores`: of all
 * completed trials, in the order in which they ended.
 */
export function hasConverged(scores: readonly number[], { direction, threshold, window }: PlateauRule): boolean {
  if (threshold <= 0 || scores.length <= window) return false;
  const before = best(scores.slice(0, -window), direction);
  const now = best(scores, direction);
  return Math.abs(now - before) < threshold;
}

/** The best of some scores; of none, the worst there can be. */
export function best(scores: readonly number[], direction: Direction): number {
  const [low, high] = extremes(scores);
  return direction === 'maximize' ? high : low;
}

export const isBetter = (score: number, than: number, direction: Direction): boolean =>
  direction === 'maximize' ? score > than : score < than;

/** Scores as the algorithms want them: larger is better, and of a size that arithmetic survives. */

import type { TrialResult } from './optimizer.js';
import type { Direction } from '../../variables/optimization.js';

/** The score with larger as better; `undefined` for a trial that failed or whose score is no finite number. */
export function turnedScore(result: TrialResult, direction: Direction): number | undefined {
  if (result.state === 'failed' || !Number.isFinite(result.score)) return undefined;
  return direction === 'maximize' ? result.score : -result.score;
}

/** How many times farther than the best lies above the lower quartile a score may lie below it. */
const TAIL = 10;

/**
 * Mean 0 and deviation 1, for finite scores of any size; all 0 when they are equal. A score that is far worse than the
 * others counts as somewhat worse: one explosion must not make all others look alike.
 */
export function standardised(scores: readonly number[]): number[] {
  const [low, high] = extremes(scores);
  if (low === high) return scores.map(() => 0);
  // Halves, because the difference of two large numbers may overflow.
  const span = high / 2 - low / 2;
  const shares = scores.map((score) => (span === 0 ? 0 : (score / 2 - low / 2) / span));
  const quartile = shares.toSorted((one, other) => one - other)[Math.floor(shares.length / 4)] ?? 0;
  const floor = quartile === 1 ? 0 : quartile - TAIL * (1 - quartile);
  const kept = shares.map((share) => Math.max(share, floor));
  const mean = kept.reduce((sum, share) => sum + share, 0) / kept.length;
  const deviation = Math.sqrt(kept.reduce((sum, share) => sum + (share - mean) ** 2, 0) / kept.length);
  return kept.map((share) => (deviation === 0 ? 0 : (share - mean) / deviation));
}

function extremes(scores: readonly number[]): readonly [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const score of scores) {
    if (score < low) low = score;
    if (score > high) high = score;
  }
  return [low, high];
}

import { expect, test } from 'vitest';
import { Plateau, plateauWindow } from '../../../src/optimizers/plateau.js';
import type { Direction } from '../../../src/variables/optimization.js';

/** After how many scores the plateau is reached; `undefined`: never. */
function reachedAfter(scores: readonly number[], direction: Direction = 'maximize', threshold = 0.5, window = 3) {
  const plateau = new Plateau({ direction, threshold, window });
  for (const [index, score] of scores.entries()) {
    plateau.add(score);
    if (plateau.isReached) return index + 1;
  }
  return undefined;
}

test('scores that do not get better are a plateau once the window behind the first one is full', () => {
  expect(reachedAfter([1, 1, 1, 1, 1])).toBe(4);
  expect(reachedAfter([1, 0, -5, 1, 1])).toBe(4);
});

test('it is the best score that counts: worse ones between do not put the plateau off', () => {
  expect(reachedAfter([1, 5, 0, 0, 0, 0])).toBe(5);
});

test('a gain of exactly the threshold is one', () => {
  expect(reachedAfter([1, 1, 1, 1.5, 1.5, 1.5, 1.5])).toBe(7);
  expect(reachedAfter([1, 1, 1, 1.49, 1.49])).toBe(4);
});

test('small gains add up within the window', () => {
  expect(reachedAfter([0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4])).toBeUndefined();
});

test('a score that is minimized gets better downwards', () => {
  expect(reachedAfter([9, 8, 7, 6, 5], 'minimize')).toBeUndefined();
  expect(reachedAfter([5, 6, 7, 8, 9], 'minimize')).toBe(4);
});

test('a jump after the plateau takes it back', () => {
  const plateau = new Plateau({ direction: 'maximize', threshold: 0.5, window: 2 });
  for (const score of [1, 1, 1]) plateau.add(score);
  expect(plateau.isReached).toBe(true);
  plateau.add(9);
  expect(plateau.isReached).toBe(false);
});

test('the window is the patience, else what the optimizer begins with at random, 10 at least', () => {
  expect(plateauWindow(3, 50)).toBe(3);
  expect(plateauWindow(undefined, 50)).toBe(50);
  expect(plateauWindow(undefined, 2)).toBe(10);
});

test('what is no number of trials says nothing of the window', () => {
  for (const nonsense of [undefined, null, 'many', NaN, Infinity, 20.5, -3, {}, 20n])
    expect(plateauWindow(undefined, nonsense)).toBe(10);
});

import { expect, test } from 'vitest';
import { considerately } from '../../../src/optimizers/considerate.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

/** How often others had their turn while three pieces of work were done that take so long each. */
async function turnsOfOthers(tookMs: number): Promise<number> {
  let nowMs = 0;
  let turns = 0;
  let isOver = false;
  const clock = Object.assign(new ManualClock(), { monotonicMs: () => nowMs });
  const other = (): void => {
    turns += 1;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  for (let count = 0; count < 3; count += 1)
    await considerately(clock, async () => {
      nowMs += tookMs;
    });
  isOver = true;
  return turns;
}

test('others have their turn after each suggestion that took long, and wait for no more than one', async () => {
  expect(await turnsOfOthers(20)).toBe(3);
});

test('suggestions that are quick follow one another at once', async () => {
  expect(await turnsOfOthers(0)).toBe(0);
});

test('what the work throws is passed on', async () => {
  const work = (): Promise<never> => Promise.reject(new Error('singular matrix'));
  await expect(considerately(new ManualClock(), work)).rejects.toThrow('singular matrix');
});

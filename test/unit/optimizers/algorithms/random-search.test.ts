import { expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/optimizers/algorithms/seeded-random.js';
import { aFloat, anOptimizer, atOnce, aVariable, fixedRandom, run } from './runs.js';

test('draws are uniform', () => {
  const config = { seed: 5 };
  const { trials } = run('random_search', { variables: [aFloat('x', 0, 10)], config, maxIterations: 2001 }, () => 0);
  const parts = trials.slice(1).map(({ values }) => Math.floor(Number(values[0])));
  const counts = Array.from({ length: 10 }, (_, part) => parts.filter((each) => each === part).length);
  // Five standard deviations.
  expect(Math.max(...counts.map((count) => Math.abs(count - 200)))).toBeLessThan(5 * Math.sqrt(180));
});

test('a logarithmic scale draws as many from each order of magnitude', () => {
  const plan = { variables: [aFloat('x', 1e-4, 1)], config: { seed: 5, log: true }, maxIterations: 1001 };
  const { trials } = run('random_search', plan, () => 0);
  const small = trials.slice(1).filter(({ values }) => Number(values[0]) < 1e-2).length;
  expect(Math.abs(small - 500)).toBeLessThan(5 * Math.sqrt(250));
});

test('the last of many values are found without guessing', () => {
  const optimizer = anOptimizer('random_search', {
    variables: [aVariable('k', 'integer', 0, { min: 0, max: 9_999 })],
    config: { seed: 1 },
  });
  const seen = new Set<unknown>([0]);
  for (let suggestion = optimizer.ask(); suggestion.type === 'candidate'; suggestion = optimizer.ask())
    seen.add(suggestion.values[0]);
  expect(seen.size).toBe(10_000);
});

test('without a seed, runs differ as the random numbers of the runtime do', () => {
  const variables = [aFloat('x', 0, 1)];
  const first = anOptimizer('random_search', { variables }).ask();
  expect(anOptimizer('random_search', { variables }).ask()).toEqual(first);
  expect(anOptimizer('random_search', { variables, random: { ...fixedRandom, next: () => 0.25 } }).ask()).not.toEqual(
    first,
  );
});

test('seeds differ up to 2^53, and a draw of any size is within it', () => {
  const firstOf = (seed: number): number => new SeededRandom(seed).next();
  expect(new Set([0, 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map(firstOf)).size).toBe(5);
  const random = new SeededRandom(1);
  const count = 2n ** 70n + 3n;
  const drawn = Array.from({ length: 200 }, () => random.below(count));
  expect(drawn.every((index) => index >= 0n && index < count)).toBe(true);
  expect(drawn.some((index) => index > count / 2n)).toBe(true);
  expect(atOnce(random.permutation(50)).sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
});

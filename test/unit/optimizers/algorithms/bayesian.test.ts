import { expect, test } from 'vitest';
import { aFloat, anOptimizer, aVariable, complete, failed, median, run } from './runs.js';

const seeds = [1, 2, 3, 4, 5, 6, 7];

test.each(['ei', 'pi', 'ucb'])('%s finds the top of a parabola within 0.01 in 25 trials', (acquisition_function) => {
  const errors = seeds.map((seed) => {
    const top = 0.1 + seed * 0.25;
    const config = { seed, acquisition_function };
    const plan = { variables: [aFloat('x', 0, 2, 0.7)], config, maxIterations: 25 };
    const { best } = run('bayesian', plan, (x: number) => -((x - top) ** 2));
    return Math.abs(Number(best.values[0]) - top);
  });
  expect(Math.max(...errors)).toBeLessThanOrEqual(0.01);
});

const branin = (x: number, y: number): number =>
  (y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6) ** 2 +
  10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) +
  10;

test('it beats random search on two variables (Branin, the median of the seeds)', () => {
  const gapOf = (type: string): number =>
    median(
      seeds.map((seed) => {
        const variables = [aFloat('x', -5, 10), aFloat('y', 0, 15)];
        const plan = { variables, config: { seed }, direction: 'minimize', maxIterations: 35 } as const;
        return (run(type, plan, branin).best.score ?? Infinity) - 0.397887;
      }),
    );
  const gap = gapOf('bayesian');
  expect(gap).toBeLessThan(0.2);
  expect(gap).toBeLessThan(gapOf('random_search') / 3);
});

test('it finds the best of numbers and choices together', () => {
  const variables = [
    aFloat('t', 0, 2),
    aVariable('m', 'choice', 'a', { choices: ['a', 'b', 'c', 'd'] }),
    aVariable('k', 'integer', 3, { min: 1, max: 20 }),
    aVariable('q', 'boolean', false),
  ];
  const worth = (t: number, m: 'a' | 'b' | 'c' | 'd', k: number, q: boolean): number =>
    -((t - 0.6) ** 2) + { a: 0, b: 0.3, c: 0.5, d: 0.1 }[m] - ((k - 13) / 20) ** 2 + (q ? 0.2 : 0);
  const { best } = run('bayesian', { variables, config: { seed: 1 }, maxIterations: 50 }, worth);
  expect(best.values).toEqual([expect.closeTo(0.6, 1), 'c', 13, true]);
});

test('a logarithmic scale finds what lies between orders of magnitude', () => {
  const plan = { variables: [aFloat('rate', 1e-6, 1, 1)], config: { seed: 1, log: true }, maxIterations: 25 };
  const { best } = run('bayesian', plan, (rate: number) => -((Math.log10(rate) + 4) ** 2));
  expect(Math.log10(Number(best.values[0]))).toBeCloseTo(-4, 1);
});

test('a counted space is tried once as a whole', () => {
  const { trials, isDone } = run(
    'bayesian',
    { variables: [aVariable('k', 'integer', 7, { min: 0, max: 20 })], config: { seed: 1 } },
    (k: number) => -((k - 5) ** 2),
  );
  expect(isDone).toBe(true);
  expect(trials.map(({ values }) => Number(values[0])).sort((a, b) => a - b)).toEqual([...Array(21).keys()]);
});

test('trials that run at the same time go to different places', () => {
  const optimizer = anOptimizer('bayesian', {
    variables: [aFloat('x', 0, 1)],
    config: { seed: 1, n_initial_points: 3 },
  });
  for (const x of [0, 0.2, 0.6, 1]) optimizer.tell([x], complete(-((x - 0.4) ** 2)));
  const asked = Array.from({ length: 6 }, () => optimizer.ask()).map((suggestion) =>
    suggestion.type === 'candidate' ? Number(suggestion.values[0]) : Number.NaN,
  );
  const gaps = asked.toSorted((a, b) => a - b).map((x, index, all) => x - (all[index - 1] ?? -1));
  expect(Math.min(...gaps)).toBeGreaterThan(0.001);
});

test('it leaves where trials fail', () => {
  const { trials } = run(
    'bayesian',
    { variables: [aFloat('x', 0, 1, 0.9)], config: { seed: 1 }, maxIterations: 40 },
    (x: number) => (x < 0.5 ? Number.NaN : 1 - x),
  );
  const model = trials.slice(5);
  expect(model.filter(({ score }) => score === undefined).length).toBeLessThan(model.length / 2);
  expect(
    Math.min(...model.flatMap(({ values, score }) => (score === undefined ? [] : [Number(values[0])]))),
  ).toBeLessThan(0.52);
});

test('trials out of bounds and of other kinds are left out', () => {
  const variables = [aFloat('x', 0, 1, 5), aVariable('b', 'boolean', true)];
  const optimizer = anOptimizer('bayesian', { variables, config: { seed: 1, n_initial_points: 1 } });
  optimizer.tell([5, true], complete(1e9));
  optimizer.tell([Number.NaN, true], complete(1e9));
  optimizer.tell(['x', null], failed);
  optimizer.tell([0.5, true], complete(1));
  expect(optimizer.ask().type).toBe('candidate');
});

test('one explosion does not hide the others', () => {
  const { best } = run(
    'bayesian',
    { variables: [aFloat('x', 0, 2)], config: { seed: 2 }, maxIterations: 30 },
    (x: number) => (x > 1.8 ? -1e30 : -((x - 1.2) ** 2)),
  );
  expect(best.values[0]).toBeCloseTo(1.2, 1);
});

test('the start takes one trial from each part of the range', () => {
  const variables = [aFloat('x', 0, 1, 7)];
  const optimizer = anOptimizer('bayesian', { variables, config: { seed: 3, n_initial_points: 10 } });
  const asked = Array.from({ length: 10 }, () => optimizer.ask());
  const parts = asked.map((suggestion) =>
    suggestion.type === 'candidate' ? Math.floor(Number(suggestion.values[0]) * 10) : -1,
  );
  expect(parts.sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
});

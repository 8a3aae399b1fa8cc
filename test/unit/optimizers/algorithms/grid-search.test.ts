import { expect, test } from 'vitest';
import { builtInOptimizers } from '../../../../src/optimizers/algorithms/built-in.js';
import { aFloat, anOptimizer, aVariable, complete, failed, refusalOf, run } from './runs.js';

const valuesOf = (type: string, value: unknown, constraints = {}, config = {}): unknown[] =>
  run('grid_search', { variables: [aVariable('v', type, value, constraints)], config }, () => 0)
    .trials.slice(1)
    .map(({ values }) => values[0]);

test('the grid of each type is its values but the present one, in order', () => {
  expect(valuesOf('choice', 'b', { choices: ['c', 'b', 'a'] })).toEqual(['c', 'a']);
  expect(valuesOf('module', 'x', { choices: ['x', 'y'] })).toEqual(['y']);
  expect(valuesOf('string', 'x', { enum: ['x', 'y'] })).toEqual(['y']);
  expect(valuesOf('boolean', true)).toEqual([false]);
  expect(valuesOf('integer', 5, { min: 1, max: 5 })).toEqual([1, 2, 3, 4]);
  expect(valuesOf('integer', 1, { min: 1, max: 9, step: 3 })).toEqual([4, 7]);
  expect(valuesOf('float', 0.1 + 0.2, { min: 0, max: 0.5, step: 0.1 })).toEqual([0, 0.1, 0.2, 0.4, 0.5]);
  expect(valuesOf('float', 3, { min: 0, max: 9 })).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
});

test('a present value that is not on the grid takes nothing from it', () => {
  expect(valuesOf('float', 0.05, { min: 0, max: 1 }, { n_points: 3 })).toEqual([0, 0.5, 1]);
});

test('a number gets at most n_points values, on its steps and with both bounds', () => {
  expect(valuesOf('integer', 0, { min: 0, max: 100 }, { n_points: 5 })).toEqual([25, 50, 75, 100]);
  expect(valuesOf('integer', 0, { min: 0, max: 3 }, { n_points: 50 })).toEqual([1, 2, 3]);
  expect(valuesOf('float', 1, { min: 1e-4, max: 1 }, { n_points: 5, log: true })).toEqual([
    1e-4,
    expect.closeTo(1e-3, 12),
    expect.closeTo(1e-2, 12),
    expect.closeTo(0.1, 12),
  ]);
});

test('the config narrows the grid', () => {
  expect(valuesOf('integer', 0, { min: 0, max: 100, step: 5 }, { min: 11, max: 31, step: 10 })).toEqual([15, 25]);
  expect(valuesOf('float', 0, { min: 0, max: 1 }, { choices: [0.7, 0.2] })).toEqual([0.2, 0.7]);
  expect(valuesOf('string', '', {}, { choices: ['short', 'long'] })).toEqual(['short', 'long']);
});

test('integers beyond 2^53 are exact', () => {
  expect(valuesOf('integer', 0, { min: 2n ** 53n - 2n, max: 2n ** 53n + 1n })).toEqual([
    Number.MAX_SAFE_INTEGER - 1,
    Number.MAX_SAFE_INTEGER,
    2n ** 53n,
    2n ** 53n + 1n,
  ]);
});

test('the last variable counts fastest', () => {
  const variables = [aVariable('on', 'boolean', true), aVariable('mode', 'choice', 'b', { choices: ['a', 'b'] })];
  const { trials, isDone } = run('grid_search', { variables }, () => 0);
  expect(trials.map(({ values }) => values)).toEqual([
    [true, 'b'],
    [false, 'a'],
    [false, 'b'],
    [true, 'a'],
  ]);
  expect(isDone).toBe(true);
});

test('a product far beyond memory is asked one by one', () => {
  const variables = Array.from({ length: 40 }, (_, place) => aVariable(`v${place}`, 'integer', 0, { min: 0, max: 9 }));
  const optimizer = anOptimizer('grid_search', { variables });
  optimizer.ask();
  expect(optimizer.ask()).toEqual({ type: 'candidate', values: [...Array(39).fill(0), 2] });
});

test('what others have tried is not tried again, however it ended', () => {
  const optimizer = anOptimizer('grid_search', { variables: [aVariable('k', 'integer', 1, { min: 1, max: 5 })] });
  optimizer.tell([3], complete(1));
  optimizer.tell([4], failed);
  optimizer.tell(['elsewhere'], complete(1));
  expect([optimizer.ask(), optimizer.ask(), optimizer.ask()]).toEqual([
    { type: 'candidate', values: [2] },
    { type: 'candidate', values: [5] },
    { type: 'done' },
  ]);
});

test('a grid is a sweep: no plateau ends it', () => {
  const variables = [aVariable('on', 'boolean', true)];
  const sweeping = [...builtInOptimizers.keys()].filter(
    (type) => type !== 'gradient' && anOptimizer(type, { variables }).sweeps,
  );
  expect(sweeping).toEqual(['grid_search']);
});

test('a grid without bounds is refused with what is missing and how to give it', () => {
  expect(refusalOf('grid_search', { variables: [aVariable('t', 'float', 0, { min: 0 })] })).toBe(
    't: expected a bound: "max" among its constraints or "max" in the config, got neither',
  );
  expect(refusalOf('grid_search', { variables: [aFloat('a', 0, 1), aVariable('t', 'float', 0, { max: 0 })] })).toBe(
    't: expected a bound: "min" among its constraints or "space.t.min" in the config, got neither',
  );
});

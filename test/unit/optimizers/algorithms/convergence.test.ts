import { expect, test } from 'vitest';
import { best, hasConverged, isBetter, plateauWindow } from '../../../../src/optimizers/algorithms/convergence.js';

const rule = { direction: 'maximize', threshold: 0.001, window: 10 } as const;
const rising = Array.from({ length: 30 }, (_, index) => index);
const flat = Array<number>(10).fill(0.5);

test('a run converges when the best gained less than the threshold over the window', () => {
  expect(hasConverged([0.5, ...flat], rule)).toBe(true);
  expect(hasConverged([0.5, ...flat.slice(1), 0.501], rule)).toBe(false);
  expect(hasConverged(rising, rule)).toBe(false);
  expect(hasConverged([...rising, ...flat], rule)).toBe(true);
});

test('a run does not converge before there is something beside the window', () => {
  expect(hasConverged(flat, rule)).toBe(false);
  expect(hasConverged([], rule)).toBe(false);
});

test('a threshold of 0 disables the rule', () => {
  expect(hasConverged(Array<number>(1000).fill(1), { ...rule, threshold: 0 })).toBe(false);
});

test('the direction says what a gain is', () => {
  const falling = rising.map((score) => -score);
  expect(hasConverged(falling, rule)).toBe(true);
  expect(hasConverged(falling, { ...rule, direction: 'minimize' })).toBe(false);
  expect([best(rising, 'maximize'), best(rising, 'minimize')]).toEqual([29, 0]);
  expect([isBetter(2, 1, 'maximize'), isBetter(2, 1, 'minimize')]).toEqual([true, false]);
  expect(isBetter(-1e300, best([], 'maximize'), 'maximize')).toBe(true);
});

test('scores of any size are compared', () => {
  expect(hasConverged([-1.7e308, ...Array<number>(9).fill(0), 1.7e308], rule)).toBe(false);
});

test('the window is the patience, or what the start takes, and 10 at least', () => {
  expect([
    plateauWindow({}),
    plateauWindow({ initialPoints: 25 }),
    plateauWindow({ patience: 3, initialPoints: 25 }),
  ]).toEqual([10, 25, 3]);
});

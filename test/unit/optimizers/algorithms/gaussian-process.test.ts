import { expect, test } from 'vitest';
import {
  expectedImprovement,
  probabilityOfImprovement,
  upperConfidenceBound,
} from '../../../../src/optimizers/algorithms/acquisition.js';
import {
  GaussianProcess,
  type Kernel,
  type Prediction,
} from '../../../../src/optimizers/algorithms/gaussian-process.js';
import { likeliestKernel } from '../../../../src/optimizers/algorithms/likeliest-kernel.js';
import { Places, type Point } from '../../../../src/optimizers/algorithms/places.js';
import { standardised } from '../../../../src/optimizers/algorithms/scores.js';
import { atOnce } from './runs.js';

const places = [0, 0.2, 0.4, 0.6, 0.8, 1];
const points = places.map((place) => [place]);

const kernelOf = (all: readonly Point[], scores: readonly number[], ordered: readonly boolean[]): Kernel =>
  atOnce(likeliestKernel(atOnce(Places.of(all, ordered)), standardised(scores), ordered.length));

interface Model {
  predict(point: Point): Prediction;
}

function modelOf(all: readonly Point[], scores: readonly number[], ordered = [true]): Model {
  const places = atOnce(Places.of(all, ordered));
  const process = atOnce(GaussianProcess.of(places, standardised(scores), kernelOf(all, scores, ordered)));
  return { predict: (point) => atOnce(process.predict(point)) };
}

test('the model goes through what it was told, is sure there, and doubts elsewhere', () => {
  const scores = places.map((place) => Math.sin(5 * place));
  const targets = standardised(scores);
  const model = modelOf(points, scores);
  for (const [index, point] of points.entries()) {
    expect(model.predict(point).mean).toBeCloseTo(targets[index] ?? Number.NaN, 2);
    expect(model.predict(point).deviation).toBeLessThan(0.02);
  }
  expect(model.predict([0.9]).deviation).toBeGreaterThan(model.predict([0.81]).deviation);
});

test('points that coincide do not break it, also when their scores contradict', () => {
  const many = Array.from({ length: 40 }, () => [0.5]);
  const model = modelOf(
    many,
    many.map((_, index) => index % 2),
  );
  expect(model.predict([0.5]).mean).toBeCloseTo(0, 1);
  const near = Array.from({ length: 40 }, (_, index) => [0.5 + index * 1e-12]);
  expect(
    Number.isFinite(
      modelOf(
        near,
        near.map((_, index) => index),
      ).predict([0.7]).mean,
    ),
  ).toBe(true);
});

test('equal scores leave doubt and no preference', () => {
  const model = modelOf(
    points,
    places.map(() => 7),
  );
  expect(model.predict([0.5]).mean).toBe(0);
  expect(model.predict([0.5]).deviation).toBeGreaterThan(0);
});

test('a dimension that does not matter gets a longer length than the one that does', () => {
  const grid = places.flatMap((x) => places.map((y) => [x, y]));
  const scores = grid.map(([x = 0]) => Math.sin(8 * x));
  const [first = 0, second = 0] = kernelOf(grid, scores, [true, true]).lengths;
  expect(second).toBeGreaterThan(2 * first);
});

test('values without order are alike only when they are equal', () => {
  const all = [0, 0, 1, 1, 2, 2].map((index) => [index]);
  const model = modelOf(all, [0, 0, 5, 5, 1, 1], [false]);
  const means = [0, 1, 2].map((index) => model.predict([index]).mean);
  expect(means.indexOf(Math.max(...means))).toBe(1);
});

test('scores of any size become numbers of mean 0 and deviation 1', () => {
  for (const scores of [
    [-1e308, 1e308, 0],
    [1e300, 1e300 + 1e285, 1e300],
    [0, 5e-324],
    [-1e-310, 1e-310],
    [1, 2, 3],
  ]) {
    const targets = standardised(scores);
    const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
    expect([mean, targets.every(Number.isFinite)]).toEqual([expect.closeTo(0, 9), true]);
  }
  expect(standardised([3, 3, 3])).toEqual([0, 0, 0]);
  expect(standardised([])).toEqual([]);
});

test('acquisitions prefer more mean and more doubt, and tell places apart where next to nothing is expected', () => {
  for (const rate of [expectedImprovement(0.01), probabilityOfImprovement(0.01), upperConfidenceBound(1.96)]) {
    for (const best of [0, 5, 50]) {
      expect(rate({ mean: 0.1, deviation: 0.5 }, best)).toBeGreaterThan(rate({ mean: 0, deviation: 0.5 }, best));
      expect(rate({ mean: -0.1, deviation: 0.6 }, best)).toBeGreaterThan(rate({ mean: -0.1, deviation: 0.5 }, best));
    }
  }
});

test('the improvement that is expected is the one of the textbook, on both sides of its approximation', () => {
  const rate = expectedImprovement(0);
  // 1 / sqrt(2 pi); the others from tables of the normal distribution.
  expect(Math.exp(rate({ mean: 0, deviation: 1 }, 0))).toBeCloseTo(0.3989423, 6);
  expect(Math.exp(rate({ mean: 1, deviation: 1 }, 0))).toBeCloseTo(1.0833155, 6);
  expect(Math.exp(rate({ mean: -1, deviation: 1 }, 0))).toBeCloseTo(0.0833155, 6);
  const [before, after] = [-5.999, -6.001].map((mean) => rate({ mean, deviation: 1 }, 0));
  expect(Math.abs((before ?? 0) - (after ?? 0))).toBeLessThan(0.1);
});

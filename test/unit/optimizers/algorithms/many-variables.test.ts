import { expect, test } from 'vitest';
import { nameOf } from '../../../../src/optimizers/algorithms/candidate-name.js';
import { Ground } from '../../../../src/optimizers/algorithms/ground.js';
import { searchSpace } from '../../../../src/optimizers/algorithms/search-space.js';
import { aFloat, anOptimizer, atOnce, aVariable, complete, fixedRandom } from './runs.js';

const values = (suggestion: ReturnType<ReturnType<typeof anOptimizer>['ask']>): readonly unknown[] =>
  suggestion.type === 'candidate' ? suggestion.values : [];

test('the neighbours of a climb are made when they are asked for: thousands of variables have thousands of them', () => {
  const variables = Array.from({ length: 10_000 }, (_, index) => aFloat(`v${index}`, 0, 1, 0.5));
  const optimizer = anOptimizer('gradient', { variables, config: { seed: 1 } });
  optimizer.tell(
    variables.map(() => 0.5),
    complete(1),
  );
  const asked = Array.from({ length: 3 }, () => values(optimizer.ask()));
  const apart = asked.map((candidate) =>
    candidate.flatMap((value, index) => (value === 0.5 ? [] : [[index, Number(value).toFixed(3)]])),
  );
  expect(apart).toEqual([[[0, '0.450']], [[0, '0.550']], [[1, '0.450']]]);
});

const lattice = Array.from({ length: 40 }, (_, index) =>
  aVariable(`s${index}`, 'float', 0.5, { min: 0, max: 1, step: 0.1 }),
);
const plan = {
  variables: lattice,
  direction: 'maximize',
  maxIterations: 100,
  config: {},
  random: fixedRandom,
} as const;

test('a candidate is known again in a space beyond counting, also when its steps are hit by rounding only', () => {
  const space = atOnce(searchSpace(plan, []));
  expect(space.size).toBeUndefined();
  const ground = new Ground(space);
  const rounded = lattice.map(() => 0.1 + 0.2);
  atOnce(ground.take(rounded));
  expect(atOnce(ground.isTaken(lattice.map(() => 0.3)))).toBe(true);
  expect(atOnce(ground.isTaken(lattice.map((_, index) => (index === 39 ? 0.4 : 0.3))))).toBe(false);
  atOnce(ground.take(lattice.map(() => 0.35)));
  atOnce(ground.take(lattice.map(() => 'no number')));
  expect(atOnce(ground.isTaken(lattice.map(() => 0.35)))).toBe(false);
  expect(ground.isExhausted).toBe(false);
});

test('a grid beyond counting begins like any other, and leaves out what was tried', () => {
  const optimizer = anOptimizer('grid_search', { variables: lattice });
  optimizer.tell(
    lattice.map((_, index) => (index === 39 ? 0.1 : 0)),
    complete(1),
  );
  const lasts = Array.from({ length: 12 }, () => values(optimizer.ask()).slice(-2));
  expect(lasts.slice(0, 3)).toEqual([
    [0, 0],
    [0, 0.2],
    [0, 0.3],
  ]);
  expect(lasts.at(-1)).toEqual([0.1, 0.1]);
});

test('a name is short, however many values it stands for, and tells them apart', () => {
  const long = Array.from({ length: 10_000 }, (_, index) => index / 7);
  const [one, same, other] = [long, [...long], long.with(9_999, 0)].map((candidate) => atOnce(nameOf(candidate)));
  expect(one?.length).toBeLessThan(100);
  expect(same).toBe(one);
  expect(other).not.toBe(one);
  expect(atOnce(nameOf([1, 'a,b', true]))).toBe('1,"a,b",true');
});

const wide = Array.from({ length: 2_000 }, (_, index) => aFloat(`v${index}`, 0, 1, 0.5));

test('points that would fill the memory are refused, whatever number of variables they are for', () => {
  const asked = { variables: wide, maxIterations: 1_000_000 };
  expect(() => anOptimizer('bayesian', { ...asked, config: { n_initial_points: 501 } })).toThrow(
    'n_initial_points: expected at most 500 for 2000 variables, got 501',
  );
  expect(() => anOptimizer('grid_search', { ...asked, config: { n_points: 501 } })).toThrow(
    'n_points: expected at most 1000000 values of all variables together, got 1000',
  );
  expect(values(anOptimizer('grid_search', { ...asked, config: { n_points: 3 } }).ask())).toHaveLength(2_000);
});

test('points beyond the iterations of a run are none', () => {
  const optimizer = anOptimizer('bayesian', { variables: wide, maxIterations: 2, config: { n_initial_points: 501 } });
  expect(values(optimizer.ask())).toHaveLength(2_000);
});

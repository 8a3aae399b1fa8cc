import { expect, test } from 'vitest';
import { aFloat, anOptimizer, aVariable, complete, failed, type Plan, run } from './runs.js';

const floats = (count: number) => Array.from({ length: count }, (_, index) => aFloat(`v${index}`, 0, 1, 0.5));
/** The present values are steps by rounding only. */
const lattice = Array.from({ length: 30 }, (_, index) =>
  aVariable(`s${index}`, 'float', 0.1 + 0.2, { min: 0, max: 1, step: 0.1 }),
);
const mixed = [
  aFloat('t', 0, 2, 1),
  aVariable('m', 'choice', 'a', { choices: ['a', 'b', 'c', 'd'] }),
  aVariable('k', 'integer', 3, { min: 1, max: 20 }),
  aVariable('q', 'boolean', false),
];

const hill = (...values: number[]): number =>
  -values.reduce((sum, value, index) => sum + (value - ((index * 7) % 10) / 10) ** 2, 0);
const worth = (t: number, m: 'a' | 'b' | 'c' | 'd', k: number, q: boolean): number =>
  -((t - 0.6) ** 2) + { a: 0, b: 0.3, c: 0.5, d: 0.1 }[m] - ((k - 13) / 20) ** 2 + (q ? 0.2 : 0);
const picky = (x: number): number => (x < 0.2 ? Number.NaN : -((x - 0.3) ** 2));

interface Remembered extends Plan {
  readonly what: string;
  readonly type: string;
  readonly objective: (...values: never[]) => number;
  /** The first values of the last trial. */
  readonly last: readonly unknown[];
}

const remembered: readonly Remembered[] = [
  {
    what: 'bayesian over a float',
    ...{ type: 'bayesian', variables: floats(1), config: { seed: 1 }, maxIterations: 40, objective: hill },
    last: [0.000009408970960470692],
  },
  {
    what: 'bayesian where some trials fail',
    ...{ type: 'bayesian', variables: floats(1), config: { seed: 2 }, maxIterations: 30, objective: picky },
    last: [0.34264185294719607],
  },
  {
    what: 'bayesian by an upper bound, over values of all kinds',
    ...{ type: 'bayesian', variables: mixed, config: { seed: 3, acquisition_function: 'ucb' } },
    ...{ maxIterations: 40, objective: worth },
    last: [0.5999319197578277, 'c', 13, true],
  },
  {
    what: 'bayesian by the probability of an improvement, downwards over 25 floats',
    ...{ type: 'bayesian', variables: floats(25), config: { seed: 4, acquisition_function: 'pi' } },
    ...{ direction: 'minimize', maxIterations: 20, objective: hill },
    last: [0.9513824188152219, 0.0008616494268202052, 0.010129362320274244, 0.9676007136744258, 0.15684718384238686],
  },
  {
    what: 'bayesian over 30 floats in steps',
    ...{ type: 'bayesian', variables: lattice, config: { seed: 9 }, maxIterations: 15, objective: hill },
    last: [0.2, 0, 0.4, 0.4, 0],
  },
  {
    what: 'gradient',
    ...{ type: 'gradient', variables: floats(3), config: { seed: 6 }, maxIterations: 30, objective: hill },
    last: [0, 0.7124999999999999, 0.4],
  },
  {
    what: 'spsa',
    ...{ type: 'gradient', variables: floats(3), config: { seed: 7, method: 'spsa' } },
    ...{ maxIterations: 30, objective: hill },
    last: [0.03607322617558578, 0.8442820469094195, 0.23821786523405883],
  },
  {
    what: 'random search over values of all kinds',
    ...{ type: 'random_search', variables: mixed, config: { seed: 8 }, maxIterations: 30, objective: worth },
    last: [1.8900780926745617, 'b', 2, true],
  },
];

/** Engines may round the last digit of an exponential differently. */
const about = (value: unknown): unknown => (typeof value === 'number' ? expect.closeTo(value, 9) : value);

test.each(remembered)('a seed makes the run that it has always made: $what', ({ type, objective, last, ...plan }) => {
  const { trials } = run(type, plan, objective);
  expect(trials.at(-1)?.values.slice(0, last.length)).toEqual(last.map(about));
});

test('a seed makes the suggestion that it has always made, also after more trials than a model takes in', () => {
  const optimizer = anOptimizer('bayesian', {
    variables: floats(2),
    config: { seed: 5, acquisition_function: 'ucb', kappa: 0.1 },
  });
  for (let trial = 0; trial < 300; trial += 1) {
    const [x, y] = [(trial * 0.37) % 1, (trial * 0.61) % 1];
    optimizer.tell([x, y], x < 0.1 ? failed : complete(-((x - 0.3) ** 2) - (y - 0.8) ** 2));
  }
  expect([optimizer.ask(), optimizer.ask()]).toEqual([
    { type: 'candidate', values: [0.2139092380005564, 1].map(about) },
    { type: 'candidate', values: [0.3421589106942727, 0.8233246937327419].map(about) },
  ]);
});

import { expect, test } from 'vitest';
import { builtInOptimizers } from '../../../../src/optimizers/algorithms/built-in.js';
import { CoilyardError } from '../../../../src/kernel/errors.js';
import { aFloat, anOptimizer, aVariable, type Plan, refusalOf } from './runs.js';

const x = aFloat('x', 0, 1);
const y = aFloat('y', 0, 1);

/** Each row: the optimizer, its plan, and what the refusal must say. */
const refusals: readonly (readonly [type: string, plan: Plan, words: readonly string[]])[] = [
  ['bayesian', { variables: [x], config: { xii: 1 } }, ['xii', 'acquisition_function', 'n_initial_points', 'seed']],
  ['gradient', { variables: [x], config: { choices: [1] } }, ['choices', 'learning_rate']],
  ['random_search', { variables: [x], config: { n_points: 3 } }, ['n_points', 'seed']],
  ['random_search', { variables: [x, y], config: { min: 0 } }, ['min', 'space']],
  ['random_search', { variables: [x, y], config: { space: { z: {} } } }, ['space.z', 'x, y']],
  ['random_search', { variables: [x, y], config: { space: { x: { mim: 1 } } } }, ['space.x.mim', 'min, max']],
  ['random_search', { variables: [x], config: { min: 0, space: { x: { min: 0 } } } }, ['space.x.min', 'once']],
  ['random_search', { variables: [x], config: { space: [] } }, ['space', 'an object', 'a list']],
  ['random_search', { variables: [x], config: { min: -1 } }, ['min: ', "variable's minimum 0", '-1']],
  ['random_search', { variables: [x], config: { max: 2 } }, ['max: ', "variable's maximum 1", '2']],
  ['random_search', { variables: [x], config: { min: 0.8, max: 0.2 } }, ['x: ', '0.8 to 0.2']],
  ['random_search', { variables: [x], config: { step: 0 } }, ['step: ', 'above 0']],
  ['random_search', { variables: [x], config: { min: 'low' } }, ['min: ', 'finite number', '"low"']],
  ['random_search', { variables: [x], config: { log: true } }, ['log: ', 'above 0']],
  ['random_search', { variables: [x], config: { log: 'yes' } }, ['log: ', 'true or false']],
  ['random_search', { variables: [x], config: { choices: [0.5, 7] } }, ['choices[1]: ', '7', 'above maximum 1']],
  [
    'bayesian',
    { variables: [aVariable('n', 'float', 0, { allowNan: true })], config: { choices: [1, Number.NaN] } },
    ['choices[1]: ', 'finite'],
  ],
  ['random_search', { variables: [x], config: { choices: [] } }, ['choices: ', 'not empty']],
  ['random_search', { variables: [x], config: { choices: [1], step: 1 } }, ['step: ', 'nothing beside choices']],
  ['random_search', { variables: [x], config: { seed: -1 } }, ['seed: ', 'whole number of at least 0', '-1']],
  ['random_search', { variables: [x], config: { seed: 2n ** 80n } }, ['seed: ', 'at most 9007199254740991', '1208925']],
  ['random_search', { variables: [], config: {} }, ['variables: ', 'one variable at least']],
  [
    'random_search',
    { variables: [aVariable('k', 'integer', 0, { min: 0, max: 9, step: 3 })], config: { step: 4 } },
    ['step: ', 'multiple', '3', '4'],
  ],
  ['random_search', { variables: [aVariable('k', 'integer', 0)], config: { min: 0.5 } }, ['min: ', 'whole number']],
  ['random_search', { variables: [aVariable('s', 'string', '')] }, ['s: ', 'enum', '"choices" in the config']],
  ['random_search', { variables: [aVariable('m', 'module', '')] }, ['m: ', 'choices']],
  ['random_search', { variables: [aVariable('b', 'boolean', true)], config: { min: 0 } }, ['min: ', 'b', 'no number']],
  ['random_search', { variables: [aVariable('l', 'list', [])], config: { choices: [[]] } }, ['l: ', 'list']],
  ['random_search', { variables: [aVariable('e', 'embedding', [])] }, ['e: ', 'embedding']],
  ['grid_search', { variables: [x], config: { n_points: 0 } }, ['n_points: ', 'at least 1', '0']],
  ['grid_search', { variables: [x], config: { n_points: 10 ** 9 } }, ['n_points: ', 'at most 10000', '1000000000']],
  ['grid_search', { variables: [x, y], config: { n_points: 10 ** 9 } }, ['n_points: ', 'at most 10000']],
  [
    'grid_search',
    { variables: [x], config: { space: { x: { n_points: 2n ** 70n } } } },
    ['space.x.n_points: ', '10000'],
  ],
  [
    'grid_search',
    { variables: [aVariable('b', 'boolean', true)], config: { n_points: 3 } },
    ['n_points: ', 'b', 'listed'],
  ],
  ['bayesian', { variables: [x], config: { acquisition_function: 'lcb' } }, ['ei, pi, ucb', '"lcb"']],
  ['bayesian', { variables: [x], config: { acquisition_function: 'ucb', xi: 0.1 } }, ['xi: ', 'ucb']],
  ['bayesian', { variables: [x], config: { kappa: 2 } }, ['kappa: ', 'ei']],
  ['bayesian', { variables: [x], config: { xi: -1 } }, ['xi: ', 'at least 0', '-1']],
  ['bayesian', { variables: [x], config: { n_initial_points: 2.5 } }, ['n_initial_points: ', 'whole number', '2.5']],
  ['gradient', { variables: [x], config: { method: 'adam' } }, ['method: ', 'finite_differences, spsa', '"adam"']],
  ['gradient', { variables: [x], config: { learning_rate: 0 } }, ['learning_rate: ', 'above 0', '0']],
  ['gradient', { variables: [aVariable('f', 'float', 0)], config: { log: true } }, ['log: ', 'true']],
];

test.each(refusals.map(([type, plan, words]) => ({ type, plan, words, told: words.join(', ') })))(
  '$type refuses with the words $told',
  ({ type, plan, words }) => {
    const message = refusalOf(type, plan);
    expect(words.filter((word) => !message.includes(word)).map((word) => `${word} is not in: ${message}`)).toEqual([]);
  },
);

test('a gradient of something that is no number is refused as the wrong kind', () => {
  for (const type of ['boolean', 'choice', 'string', 'module', 'list', 'map', 'embedding', 'tensor'])
    expect(() => anOptimizer('gradient', { variables: [aVariable('v', type, undefined)] })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        details: expect.objectContaining({ field: 'v', actual: type, wrongKind: true }),
      }),
    );
});

test('a key that is null counts as not given, and integers may be bigints', () => {
  const plan = { variables: [x], config: { seed: null, min: undefined, space: null } };
  for (const type of builtInOptimizers.keys())
    if (type !== 'grid_search') expect(refusalOf(type, plan)).toBe('no refusal');
  expect(refusalOf('random_search', { variables: [x], config: { seed: 7n } })).toBe('no refusal');
});

test('a refusal is brief, however long the name that it refuses', () => {
  const long = 'k'.repeat(100_000);
  for (const config of [{ [long]: 1 }, { space: { [long]: {} } }, { space: { x: { [long]: 1 } } }])
    expect(refusalOf('random_search', { variables: [x], config }).length).toBeLessThan(400);
});

test('a refusal is of the class that leaves the house', () => {
  expect(() => anOptimizer('bayesian', { variables: [x], config: { nope: 1 } })).toThrow(CoilyardError);
});

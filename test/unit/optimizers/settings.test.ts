import { expect, test } from 'vitest';
import { studySettings } from '../../../src/optimizers/settings.js';
import { thrown } from '../sessions/harness.js';

const refusedField = (options: object): unknown =>
  thrown(() => studySettings({ optimizer: 'random_search', ...options })).details.field;

test('only the name of the optimizer has to be said', () => {
  expect(studySettings({ optimizer: 'random_search' })).toEqual({
    optimizer: 'random_search',
    config: {},
    maxIterations: 100,
    convergenceThreshold: 0.001,
    patience: undefined,
    direction: 'maximize',
    metric: undefined,
    external: false,
    applyTrials: false,
    parallel: 1,
    timeoutMs: undefined,
    leaseMs: 15_000,
    source: 'typescript',
    requestId: undefined,
  });
});

const anything = [null, '', '5', NaN, {}, [], Symbol('hostile'), () => 1, -1];

test.each(['maxIterations', 'patience', 'parallel', 'leaseMs'])('%s is a whole number within its limits', (field) => {
  for (const value of [...anything, 0, 1.5, 1e9, Infinity, 10n])
    expect(refusedField({ [field]: value }), String(value)).toBe(field);
});

test('the limits themselves are allowed', () => {
  const most = { maxIterations: 1_000_000, patience: 1_000_000, parallel: 1000, leaseMs: 3_600_000 };
  expect(studySettings({ optimizer: 'o', ...most })).toMatchObject(most);
  const least = { maxIterations: 1, patience: 1, parallel: 1, leaseMs: 100, convergenceThreshold: 0 };
  expect(studySettings({ optimizer: 'o', ...least })).toMatchObject(least);
});

test('a threshold is a number from 0, and an endless one says nothing', () => {
  for (const value of [...anything, Infinity, 1n])
    expect(refusedField({ convergenceThreshold: value }), String(value)).toBe('convergenceThreshold');
});

test('a time limit is a number above 0', () => {
  for (const value of [...anything, 0]) expect(refusedField({ timeoutMs: value }), String(value)).toBe('timeoutMs');
  expect(studySettings({ optimizer: 'o', timeoutMs: Infinity }).timeoutMs).toBe(Infinity);
});

test('an optimizer and a metric have a name', () => {
  for (const value of [null, '', 5, {}, [], Symbol('hostile')]) {
    expect(refusedField({ optimizer: value })).toBe('optimizer');
    expect(refusedField({ metric: value })).toBe('metric');
  }
  expect(refusedField({ optimizer: undefined })).toBe('optimizer');
});

test('a direction is one of two words', () => {
  for (const value of ['', 'up', 'MAXIMIZE', 5, true, {}]) expect(refusedField({ direction: value })).toBe('direction');
  expect(studySettings({ optimizer: 'o', direction: 'minimize' }).direction).toBe('minimize');
});

test('a flag is true or false, not something like it', () => {
  for (const field of ['external', 'applyTrials'])
    for (const value of [null, 0, 1, 'true', {}]) expect(refusedField({ [field]: value })).toBe(field);
});

test('a config is an object', () => {
  for (const value of [null, 5, 'seed', [], () => 1]) expect(refusedField({ config: value })).toBe('config');
});

test('trials that set the variables are tried one at a time', () => {
  expect(refusedField({ applyTrials: true, parallel: 2 })).toBe('parallel');
  expect(studySettings({ optimizer: 'o', applyTrials: true, parallel: 1 })).toMatchObject({ applyTrials: true });
});

test('options are an object', () => {
  for (const value of [undefined, null, 5, 'random_search', []])
    expect(thrown(() => Reflect.apply(studySettings, undefined, [value])).details.field).toBe('options');
});

test('a later change of the config by its owner changes nothing', () => {
  const config = { space: { x: { min: 1 } } };
  const settings = studySettings({ optimizer: 'o', config });
  config.space.x.min = 99;
  expect(settings.config).toEqual({ space: { x: { min: 1 } } });
});

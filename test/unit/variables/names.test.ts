import { describe, expect, test } from 'vitest';
import { checkName, matchesGlob } from '../../../src/variables/names.js';
import { Decider } from './decider.js';

test.each([
  'temperature',
  '_',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'a.b:c/d-e_f',
  'größe',
  '温度',
  '𝒳1',
  'var',
  'var_x',
  'var_1x',
  'x'.repeat(128),
])('%s is a name', (name) => {
  expect(checkName(name)).toEqual({ ok: true, value: name });
});

test.each([
  '',
  ' ',
  'a b',
  '1a',
  '-a',
  '.a',
  'a\n',
  'a\u0000',
  'a*',
  'a?',
  'é̀',
  '\ud800',
  'x'.repeat(129),
  'x'.repeat(1_000_000),
  'var_x_1',
  'var__1',
  'var_a_b_99',
  undefined,
  null,
  5,
  ['a'],
  { toString: () => 'a' },
])('%s is no name', (name) => {
  const checked = checkName(name);
  expect(checked).toMatchObject({ ok: false, error: { code: 'invalid_argument', details: { field: 'name' } } });
  if (!checked.ok) expect(checked.error.message.length).toBeLessThan(400);
});

test('names of built-in properties are variables like any other', () => {
  const decider = new Decider();
  for (const name of ['__proto__', 'constructor', 'toString', '__defineGetter__']) {
    expect(decider.value(name)).toBeUndefined();
    const { id } = decider.register(name, 'float', 1);
    decider.set(name, 2);
    expect(decider.value(name)).toBe(2);
    expect(decider.value(id)).toBe(2);
    decider.tell({ type: 'variable.delete', variable: name });
    expect(decider.variable(name)).toBeUndefined();
  }
});

test('a variable is meant by its name and by its id, and an id is never given twice', () => {
  const decider = new Decider();
  const first = decider.register('x', 'float', 1);
  decider.tell({ type: 'variable.delete', variable: first.id });
  const second = decider.register('x', 'float', 2);
  expect(second.id).not.toBe(first.id);
  expect(decider.variable(first.id)).toBeUndefined();
  expect(decider.variable(second.id)).toBe(decider.variable('x'));
  expect(first.id).toMatch(/^var_x_\d+$/);
});

describe('a glob', () => {
  test.each([
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['?', '', false],
    ['?', 'a', true],
    ['?', '𝒳', true],
    ['??', '𝒳', false],
    ['a?c', 'a𝒳c', true],
    ['*?*', '𝒳', true],
    ['**', 'abc', true],
    ['a*b*c', 'aXXbYYbc', true],
    ['a*b*c', 'aXXbYYb', false],
    ['*.temperature', 'llm.temperature', true],
    ['llm.*', 'llmtemperature', false],
    ['[ab]', 'a', false],
    ['[ab]', '[ab]', true],
    ['a\\*', 'a*', false],
    ['a.c', 'abc', false],
    ['A', 'a', false],
    ['*a*a*a*a*a*a*b', 'a'.repeat(120), false],
  ])('%s for %s: %s', (pattern, name, matches) => {
    expect(matchesGlob(pattern, name)).toBe(matches);
  });
});

import { describe, expect, test } from 'vitest';
import { checkName, matchesGlob } from '../../../src/variables/names.js';
import { DomainSession } from '../../support/domain-session.js';

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
  const session = new DomainSession();
  for (const name of ['__proto__', 'constructor', 'toString', '__defineGetter__']) {
    expect(session.state.resolve(name)).toBeUndefined();
    const { id } = session.register(name, 'float', 1);
    session.set(name, 2);
    expect(session.value(name)).toBe(2);
    expect(session.value(id)).toBe(2);
    session.tell({ type: 'variable.delete', variable: name });
    expect(session.state.resolve(name)).toBeUndefined();
  }
});

test('a variable is meant by its name and by its id, and an id is never given twice', () => {
  const session = new DomainSession();
  const first = session.register('x', 'float', 1);
  session.tell({ type: 'variable.delete', variable: first.id });
  const second = session.register('x', 'float', 2);
  expect(second.id).not.toBe(first.id);
  expect(session.state.resolve(first.id)).toBeUndefined();
  expect(session.variable(second.id)).toBe(session.variable('x'));
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

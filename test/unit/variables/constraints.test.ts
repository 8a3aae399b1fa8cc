import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.js';
import type { CoilyardError } from '../../../src/kernel/errors.js';
import { DomainSession } from '../../support/domain-session.js';

type Constraints = Record<string, unknown>;

/** The refusal of `value` by a variable with these constraints, `undefined` when it is taken. */
function refusalOf(type: string, constraints: Constraints, first: unknown, value: unknown): CoilyardError | undefined {
  const session = new DomainSession();
  session.register('v', type, first, { constraints });
  const answer = session.ask({ type: 'variable.set', variable: 'v', value });
  return answer.ok ? undefined : answer.error;
}

/** The refusal of a registration with these constraints. */
const refusedConstraints = (type: string, constraints: unknown, initialValue: unknown = 1): CoilyardError =>
  new DomainSession().refusal({
    type: 'variables.register',
    specs: [{ name: 'v', type, initialValue, constraints: constraints as Constraints }],
  });

describe('bounds of numbers', () => {
  test.each([
    ['float', { min: 0 }, 1, -0.0001, 'min', 0],
    ['float', { max: 0 }, -1, 0.0001, 'max', 0],
    ['float', { min: -1.5, max: 1.5 }, 0, 1.6, 'max', 1.5],
    ['integer', { min: 0 }, 1, -1, 'min', 0],
    ['integer', { max: 0 }, -1, 1, 'max', 0],
    ['integer', { max: 2n ** 60n }, 0, 2n ** 60n + 1n, 'max', 2n ** 60n],
    ['integer', { min: 0.5 }, 1, 0, 'min', 0.5],
  ])(
    '%s with %o refuses what lies beyond, naming the constraint, what was expected and what came',
    (type, constraints, first, beyond, constraint, expected) => {
      expect(refusalOf(type, constraints, first, beyond)).toMatchObject({
        code: 'constraint_violation',
        details: { variable: 'v', constraint, expected, actual: beyond },
      });
    },
  );

  test('a bound itself is inside', () => {
    expect(refusalOf('float', { min: 0, max: 2 }, 1, 0)).toBeUndefined();
    expect(refusalOf('float', { min: 0, max: 2 }, 1, 2)).toBeUndefined();
    expect(refusalOf('float', { min: 0 }, 1, -0)).toBeUndefined();
    expect(refusalOf('integer', { min: 2n ** 60n }, 2n ** 60n, 2n ** 60n)).toBeUndefined();
  });

  test('the message reads as the specification has it', () => {
    expect(refusalOf('float', { max: 2 }, 1, 2.5)?.message).toBe('v: value 2.5 is above maximum 2');
    expect(refusalOf('float', { min: 0 }, 1, -1)?.message).toBe('v: value -1 is below minimum 0');
  });

  test('an integer of a million digits is refused in a short message', () => {
    const error = refusalOf('integer', { max: 10 }, 1, 10n ** 300_000n);
    expect(error?.code).toBe('constraint_violation');
    expect(error?.message.length).toBeLessThan(200);
  });

  test('the initial value is checked as later ones are', () => {
    expect(refusedConstraints('float', { max: 0 }, 1)).toMatchObject({
      code: 'constraint_violation',
      details: { variable: 'v', constraint: 'max', expected: 0, actual: 1 },
    });
  });

  test('no bound holds for NaN where it is allowed, and the infinities obey theirs', () => {
    expect(refusalOf('float', { min: 0, max: 1, step: 0.5, allowNan: true }, 0, Number.NaN)).toBeUndefined();
    expect(refusalOf('float', { max: 1, allowNan: true }, 0, Number.POSITIVE_INFINITY)?.code).toBe(
      'constraint_violation',
    );
  });
});

describe('step', () => {
  test.each<[string, Constraints, unknown, unknown[], unknown[]]>([
    ['float', { step: 0.1 }, 0, [0.1, 0.3, 0.1 + 0.2, 0.7, -0.3, 12_345_678.9, 1_000_000.1, 1e15], [0.15, 0.101, 1e-6]],
    ['float', { min: 0.05, step: 0.1 }, 0.05, [0.15, 0.25, 1.05], [0.1, 0.2]],
    ['float', { min: 0, step: 0.25 }, 0, [0.25, 1e6 + 0.25], [0.3]],
    ['float', { step: 1e-9 }, 0, [1e-9, 3e-9, 0.123456789], [1.5e-9]],
    ['integer', { min: 1, step: 2 }, 1, [3, 5, 2n ** 60n + 1n], [2, 4, 2n ** 60n]],
    ['integer', { min: -5, step: 5 }, -5, [0, 5], [1, -4]],
    ['integer', { step: 3 }, 0, [-3, 9n, 3n * 10n ** 30n], [1, 10n ** 30n]],
    ['integer', { step: 2n ** 60n }, 0, [2n ** 61n], [2n ** 60n + 1n]],
  ])('%s with %o counts from min, or from 0 without one', (type, constraints, first, passes, fails) => {
    for (const value of passes)
      expect([value, refusalOf(type, constraints, first, value)?.code]).toEqual([value, undefined]);
    for (const value of fails)
      expect([value, refusalOf(type, constraints, first, value)?.details.constraint]).toEqual([value, 'step']);
  });

  test('every written multiple of a decimal step passes, however far from zero', () => {
    const session = new DomainSession();
    session.register('v', 'float', 0, { constraints: { step: 0.1 } });
    for (let index = 1; index < 2000; index += 1) {
      const value = Number(`${index * 7919 * index}.${index % 10}`);
      expect(session.ask({ type: 'variable.set', variable: 'v', value }).ok).toBe(true);
    }
  });
});

describe('texts', () => {
  test.each<[Constraints, string, string, string]>([
    [{ minLength: 1 }, 'a', '', 'minLength'],
    [{ maxLength: 0 }, '', 'a', 'maxLength'],
    [{ maxLength: 2 }, '😀😀', '😀😀😀', 'maxLength'],
    [{ minLength: 2 }, 'ab', '😀', 'minLength'],
    [{ min_length: 1, max_length: 3 }, 'a', 'abcd', 'maxLength'],
    [{ pattern: '^[a-z]+$' }, 'abc', 'aBc', 'pattern'],
    [{ pattern: 'b' }, 'abc', 'ac', 'pattern'],
    [{ enum: ['a', 'b'] }, 'a', 'c', 'enum'],
    [{ enum: ['__proto__'] }, '__proto__', 'constructor', 'enum'],
  ])('string with %o refuses a text that breaks it', (constraints, good, bad, constraint) => {
    expect(refusalOf('string', constraints, good, bad)).toMatchObject({
      code: 'constraint_violation',
      details: { variable: 'v', constraint, actual: bad },
    });
  });

  test('choices are exact texts, and the refusal lists some of them however many there are', () => {
    const choices = Array.from({ length: 10_000 }, (_, index) => `choice ${index}`);
    expect(refusalOf('choice', { choices }, 'choice 1', 'choice 9999')).toBeUndefined();
    const error = refusalOf('choice', { choices }, 'choice 1', 'choice');
    expect(error).toMatchObject({
      code: 'constraint_violation',
      details: { constraint: 'choices', expected: choices },
    });
    expect(error?.message).toContain('choice 1');
    expect(error?.message.length).toBeLessThan(1000);
  });

  test('a module takes any name without choices, and only those with them', () => {
    expect(refusalOf('module', {}, 'A', 'B')).toBeUndefined();
    expect(refusalOf('module', { choices: ['A'] }, 'A', 'B')?.code).toBe('constraint_violation');
  });

  test('a pattern that would backtrack without end elsewhere is matched in linear time', () => {
    const evil = {
      '^(a+)+$': 'a',
      '^(a|a)*$': 'a',
      '^(a|aa)+$': 'a',
      '(.*)*x': 'x',
      '^(([a-z])+.)+[A-Z]([a-z])+$': 'abXa',
    };
    for (const [pattern, first] of Object.entries(evil)) {
      const startedAtMs = systemClock.monotonicMs();
      expect(refusalOf('string', { pattern }, first, `${'a'.repeat(20_000)}!`)?.details.constraint).toBe('pattern');
      expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(60_000);
    }
  });

  test('a text that would take a pattern too long is refused by its length', () => {
    const pattern = '([a-c]{1,30}){1,30}[x-z]$';
    expect(refusalOf('string', { pattern }, 'aax', `${'a'.repeat(1000)}x`)).toBeUndefined();
    const startedAtMs = systemClock.monotonicMs();
    const error = refusalOf('string', { pattern }, 'aax', `${'a'.repeat(1_000_000)}x`);
    expect(error).toMatchObject({ code: 'constraint_violation', details: { constraint: 'pattern' } });
    expect(error?.message).toContain('length 1000001');
    expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(10_000);
    expect(refusalOf('string', { pattern: '^a+$' }, 'a', 'a'.repeat(1_000_000))).toBeUndefined();
  });

  test.each<[unknown, string]>([
    ['(a', 'an open group'],
    ['a{100000}', 'a repetition without measure'],
    ['((a{900}){900}){900}', 'nested repetitions'],
    ['(?=a)', 'a look-ahead'],
    ['(a)\\1', 'a reference back'],
    ['('.repeat(900), 'depth'],
    ['a'.repeat(5000), 'length'],
    ['\ud800', 'half a character'],
    [5, 'no text'],
    [/a/, 'a JavaScript expression'],
  ])('the pattern %s is refused at registration: %s', (pattern) => {
    expect(refusedConstraints('string', { pattern }, 'a')).toMatchObject({
      code: 'invalid_argument',
      details: { variable: 'v', field: 'constraints.pattern' },
    });
  });
});

describe('constraints themselves', () => {
  test.each<[string, unknown, string]>([
    ['float', { minimum: 0 }, 'constraints.minimum'],
    ['float', { minLength: 0 }, 'constraints.minLength'],
    ['float', { __proto__: null, constructor: 1 }, 'constraints.constructor'],
    ['float', JSON.parse('{"__proto__": 1}'), 'constraints.__proto__'],
    ['float', { toString: 1 }, 'constraints.toString'],
    ['integer', { allowNan: true }, 'constraints.allowNan'],
    ['boolean', { min: 0 }, 'constraints.min'],
    ['float', { min: '0' }, 'constraints.min'],
    ['float', { min: null }, 'constraints.min'],
    ['float', { min: true }, 'constraints.min'],
    ['float', { min: Number.NaN }, 'constraints.min'],
    ['float', { max: Number.POSITIVE_INFINITY }, 'constraints.max'],
    ['float', { step: 0 }, 'constraints.step'],
    ['float', { step: -1 }, 'constraints.step'],
    ['float', { step: Number.POSITIVE_INFINITY }, 'constraints.step'],
    ['float', { allowNan: 1 }, 'constraints.allowNan'],
    ['string', { minLength: -1 }, 'constraints.minLength'],
    ['string', { minLength: 1.5 }, 'constraints.minLength'],
    ['string', { enum: [] }, 'constraints.enum'],
    ['string', { enum: 'abc' }, 'constraints.enum'],
    ['string', { enum: ['a', 1] }, 'constraints.enum'],
    ['string', { enum: ['\ud800'] }, 'constraints.enum'],
    ['choice', {}, 'constraints.choices'],
    ['choice', undefined, 'constraints.choices'],
    ['choice', { choices: undefined }, 'constraints.choices'],
    ['choice', { choices: [] }, 'constraints.choices'],
    ['module', { choices: [null] }, 'constraints.choices'],
    ['float', { min: 0, max: -1 }, 'constraints'],
    ['integer', { min: 2n ** 60n, max: 2n ** 59n }, 'constraints'],
    ['string', { minLength: 2, maxLength: 1 }, 'constraints'],
    ['string', { min_length: 1, minLength: 2 }, 'constraints.minLength'],
    ['float', [], 'constraints'],
    ['float', 'min', 'constraints'],
    ['float', null, 'constraints'],
    ['float', new Map([['min', 0]]), 'constraints'],
  ])('%s with %o is refused by the name of the offending place', (type, constraints, field) => {
    const error = refusedConstraints(type, constraints, type === 'float' || type === 'integer' ? 0 : 'a');
    expect(error).toMatchObject({ code: 'invalid_argument', details: { variable: 'v', field } });
    expect(error.message.length).toBeLessThan(500);
  });

  test('keys are taken in snake_case and kept in camelCase', () => {
    const variable = new DomainSession().register('v', 'string', 'ab', {
      constraints: { min_length: 1, max_length: 5 },
    });
    expect(variable.constraints).toEqual({ minLength: 1, maxLength: 5 });
  });

  test('what the caller does to its constraints afterwards changes nothing', () => {
    const session = new DomainSession();
    const choices = ['a', 'b'];
    const given = { choices };
    session.register('v', 'choice', 'a', { constraints: given });
    choices.push('c');
    given.choices = ['c'];
    expect(session.variable('v').constraints).toEqual({ choices: ['a', 'b'] });
    expect(session.refusal({ type: 'variable.set', variable: 'v', value: 'c' }).code).toBe('constraint_violation');
  });
});

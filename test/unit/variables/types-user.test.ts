import { describe, expect, test } from 'vitest';
import { defineType } from '../../../src/variables/types/define-type.js';
import { TypeRegistry } from '../../../src/variables/types/registry.js';
import { DomainSession } from '../../support/domain-session.js';

class Celsius {
  readonly degrees: number;
  constructor(degrees: number) {
    this.degrees = degrees;
  }
}

const celsius = defineType<Celsius>({
  name: 'celsius',
  cast: (value) => {
    const degrees = value instanceof Celsius ? value.degrees : value;
    if (typeof degrees !== 'number' || degrees < -273.15) throw new Error('there is no such temperature');
    return new Celsius(degrees);
  },
  constraints: {
    warmest: ({ degrees }, expected) => degrees <= Number(expected) || `${degrees} is warmer than ${expected}`,
    angry: () => {
      throw new Error('no mood for this');
    },
  },
  serialize: ({ degrees }) => degrees,
  deserialize: (data) => new Celsius(Number(data)),
});

const percent = defineType({
  name: 'percent',
  cast: (value) => {
    if (typeof value !== 'number' || value < 0 || value > 100) throw new RangeError('0 to 100');
    return value;
  },
});

const types = new TypeRegistry([celsius, percent]);
const withTypes = () => new DomainSession({ types });

describe('a type of a user', () => {
  test('casts, and is stored as the plain data that it serializes to', () => {
    const session = withTypes();
    session.register('t', 'celsius', new Celsius(20));
    expect(session.value('t')).toBe(20);
    const presented = types.present('celsius', session.value('t'));
    expect(presented.ok && presented.value).toEqual(new Celsius(20));
  });

  test('whose cast throws refuses the write with what was thrown, and nothing else happens', () => {
    const session = withTypes();
    session.register('p', 'percent', 50);
    const before = session.picture();
    expect(session.refusal({ type: 'variable.set', variable: 'p', value: 101 })).toMatchObject({
      code: 'validation_failed',
      message: 'p: value is no percent: 0 to 100',
      details: { variable: 'p', expected: 'percent' },
    });
    expect(session.picture()).toEqual(before);
  });

  test('checks its own constraints, which see the value as users see it', () => {
    const session = withTypes();
    session.register('t', 'celsius', 20, { constraints: { warmest: 30 } });
    expect(session.refusal({ type: 'variable.set', variable: 't', value: 31 })).toMatchObject({
      code: 'constraint_violation',
      message: 't: 31 is warmer than 30',
      details: { constraint: 'warmest', expected: 30 },
    });
    expect(session.set('t', 30).value).toBe(30);
  });

  test('whose constraint throws refuses the write', () => {
    const session = withTypes();
    const specs = [{ name: 't', type: 'celsius', initialValue: 1, constraints: { angry: true } }];
    expect(session.refusal({ type: 'variables.register', specs })).toMatchObject({
      code: 'constraint_violation',
      message: 't: no mood for this',
    });
  });

  test('that answers with a promise refuses the write, and the promise harms nobody', () => {
    const lazy = defineType({ name: 'lazy', cast: () => Promise.reject(new Error('later')) });
    const session = new DomainSession({ types: new TypeRegistry([lazy]) });
    const specs = [{ name: 'x', type: 'lazy', initialValue: 1 }];
    expect(session.refusal({ type: 'variables.register', specs }).code).toBe('validation_failed');
  });

  test('that keeps what is no plain data without serializing it is refused', () => {
    const odd = defineType({ name: 'odd', cast: () => new Celsius(1) });
    const session = new DomainSession({ types: new TypeRegistry([odd]) });
    const specs = [{ name: 'x', type: 'odd', initialValue: 1 }];
    expect(session.refusal({ type: 'variables.register', specs }).code).toBe('validation_failed');
  });

  test('goes back to an earlier version through deserialize', () => {
    const session = withTypes();
    session.register('t', 'celsius', 20);
    session.set('t', 21);
    expect(session.tell({ type: 'variable.rollback', variable: 't', version: 0 }).variable.value).toBe(20);
  });

  test('is given to functions of computed variables as users see it', () => {
    const session = withTypes();
    session.register('t', 'celsius', 20);
    session.register('f', 'float', undefined, {
      dependencies: ['t'],
      compute: ({ t }) => (t instanceof Celsius ? t.degrees * 1.8 + 32 : Number.NaN),
    });
    expect(session.value('f')).toBe(68);
  });
});

test('types belong to a runtime: another registry does not know them', () => {
  const session = new DomainSession();
  const specs = [{ name: 'x', type: 'percent', initialValue: 1 }];
  expect(session.refusal({ type: 'variables.register', specs })).toMatchObject({
    code: 'unknown_type',
    details: { expected: expect.arrayContaining(['float', 'tensor']), actual: '"percent"' },
  });
});

test('an unknown type lists those that there are, of users too', () => {
  const session = withTypes();
  const specs = [{ name: 'x', type: 'flaot', initialValue: 1 }];
  expect(session.refusal({ type: 'variables.register', specs }).details.expected).toContain('celsius');
});

test('two types of one name are refused', () => {
  expect(() => new TypeRegistry([defineType({ name: 'float', cast: (value) => value })])).toThrow(/types: expected/);
});

test.each([
  [{ name: '', cast: (): unknown => 1 }, 'name'],
  [{ name: 'x y', cast: (): unknown => 1 }, 'name'],
  [{ name: 'x' }, 'cast'],
  [{ name: 'x', cast: (): unknown => 1, constraints: { a: 1 } }, 'constraints.a'],
])('a malformed definition %o is refused at %s', (definition, field) => {
  expect(() => defineType(definition as never)).toThrow(
    expect.objectContaining({ details: expect.objectContaining({ field }) }),
  );
});

import { describe, expect, test } from 'vitest';
import type { ValueKind } from '../../../src/variables/value.js';
import { DomainSession } from '../../support/domain-session.js';

const EXACT = 2n ** 53n + 1n;

interface Row {
  readonly value: unknown;
  readonly kind?: ValueKind;
  /** What is stored. */
  readonly becomes: unknown;
}
interface Refused {
  readonly value: unknown;
  readonly kind?: ValueKind;
}

const valid = { float: 0, integer: 0, string: '', boolean: false, choice: 'a', module: 'Predict' } as const;
const constraints = { choice: { choices: ['a', 'b'] } };

const nothingOf = [undefined, null, Symbol('s'), () => 1, {}, [], new Date(0), Object(1), Object('a'), Object(true)];
const others = (values: readonly unknown[]): Refused[] => [...values, ...nothingOf].map((value) => ({ value }));

const table: Record<keyof typeof valid, { readonly accepts: readonly Row[]; readonly refuses: readonly Refused[] }> = {
  float: {
    accepts: [
      { value: 0.5, becomes: 0.5 },
      { value: 2, becomes: 2 },
      { value: 2, kind: 'integer', becomes: 2 },
      { value: 2, kind: 'float', becomes: 2 },
      { value: 2n, becomes: 2 },
      { value: 2n ** 60n, kind: 'integer', becomes: 2 ** 60 },
      { value: -(2n ** 1000n), becomes: -(2 ** 1000) },
      { value: -0, becomes: -0 },
      { value: Number.MAX_VALUE, becomes: Number.MAX_VALUE },
      { value: Number.MIN_VALUE, becomes: Number.MIN_VALUE },
    ],
    refuses: [
      ...others([true, false, '', '1', '0.5', Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
      { value: 10n ** 400n },
      { value: EXACT },
      { value: -EXACT, kind: 'integer' },
      { value: 1, kind: 'text' },
      { value: 1, kind: 'json' },
      { value: true, kind: 'boolean' },
      { value: null, kind: 'null' },
    ],
  },
  integer: {
    accepts: [
      { value: 2, becomes: 2 },
      { value: 2.0, becomes: 2 },
      { value: 2, kind: 'integer', becomes: 2 },
      { value: -0, becomes: 0 },
      { value: 5n, becomes: 5 },
      { value: BigInt(Number.MAX_SAFE_INTEGER), becomes: Number.MAX_SAFE_INTEGER },
      { value: BigInt(Number.MIN_SAFE_INTEGER), becomes: Number.MIN_SAFE_INTEGER },
      { value: 2n ** 53n, becomes: 2n ** 53n },
      { value: EXACT, becomes: EXACT },
      { value: EXACT, kind: 'integer', becomes: EXACT },
      { value: -EXACT, becomes: -EXACT },
      { value: 10n ** 1000n, becomes: 10n ** 1000n },
    ],
    refuses: [
      ...others([true, false, '1', 0.5, Number.NaN, Number.POSITIVE_INFINITY]),
      { value: 2, kind: 'float' },
      { value: 2.5, kind: 'integer' },
      { value: 2, kind: 'text' },
      // Beyond 2^53 a `number` has lost its last digits already.
      { value: 2 ** 53 },
      { value: 1e300 },
    ],
  },
  string: {
    accepts: [
      { value: '', becomes: '' },
      { value: 'text', kind: 'text', becomes: 'text' },
      { value: '\u0000 😀 __proto__', becomes: '\u0000 😀 __proto__' },
    ],
    refuses: [
      ...others([1, 1n, true, Number.NaN]),
      { value: 'a', kind: 'module' },
      { value: 'a', kind: 'json' },
      { value: '\ud800' },
    ],
  },
  boolean: {
    accepts: [
      { value: true, becomes: true },
      { value: false, becomes: false },
      { value: true, kind: 'boolean', becomes: true },
    ],
    refuses: others([0, 1, 0n, 1n, '', 'true', 'false', Number.NaN]),
  },
  choice: {
    accepts: [
      { value: 'a', becomes: 'a' },
      { value: 'b', kind: 'text', becomes: 'b' },
      { value: 'b', kind: 'module', becomes: 'b' },
    ],
    refuses: [...others([0, 1n, true]), { value: 'a', kind: 'json' }, { value: 1, kind: 'integer' }],
  },
  module: {
    accepts: [
      { value: 'ChainOfThought', becomes: 'ChainOfThought' },
      { value: 'ChainOfThought', kind: 'text', becomes: 'ChainOfThought' },
      { value: 'ChainOfThought', kind: 'module', becomes: 'ChainOfThought' },
    ],
    refuses: [...others([0, 1n, true]), { value: 'Predict', kind: 'json' }, { value: '\udfff' }],
  },
};

function aVariable(type: keyof typeof valid): DomainSession {
  const session = new DomainSession();
  session.register('v', type, valid[type], type === 'choice' ? { constraints: constraints.choice } : {});
  return session;
}

const told = ({ value, kind }: Refused): string => {
  const text = typeof value === 'bigint' ? `${value}`.slice(0, 20) : Object.is(value, -0) ? '-0' : String(value);
  return `${typeof value} ${text}${kind === undefined ? '' : ` as ${kind}`}`;
};

for (const type of Object.keys(valid) as (keyof typeof valid)[]) {
  describe(`a variable of type ${type}`, () => {
    test.each(table[type].accepts.map((row) => [told(row), row] as const))('takes %s', (_name, row) => {
      const session = aVariable(type);
      expect(session.set('v', row.value, { kind: row.kind }).value).toBe(row.becomes);
      const again = new DomainSession();
      const more = type === 'choice' ? { constraints: constraints.choice } : {};
      expect(again.register('v', type, row.value, { kind: row.kind, ...more }).value).toBe(row.becomes);
    });

    test.each(table[type].refuses.map((row) => [told(row), row] as const))('refuses %s', (_name, row) => {
      const session = aVariable(type);
      const error = session.refusal({ type: 'variable.set', variable: 'v', value: row.value, kind: row.kind });
      expect(error).toMatchObject({
        code: 'validation_failed',
        execution: 'not_started',
        retryable: false,
        details: { variable: 'v', field: 'value' },
      });
      expect(error.message.length).toBeLessThan(300);
      expect(session.variable('v').version).toBe(0);
    });
  });
}

test('NaN and the infinities are taken by a float exactly when allowNan says so', () => {
  const session = new DomainSession();
  session.register('v', 'float', Number.NaN, { constraints: { allowNan: true } });
  for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1])
    expect(session.set('v', value).value).toBe(value);
  expect(session.refusal({ type: 'variable.set', variable: 'v', value: 10n ** 400n }).code).toBe('validation_failed');
  session.register('w', 'float', 0, { constraints: { allow_nan: false } });
  expect(session.refusal({ type: 'variable.set', variable: 'w', value: Number.NaN }).code).toBe('validation_failed');
});

test('an integer that a float cannot hold is of the right kind, and the refusal says what was expected and what came', () => {
  const error = aVariable('float').refusal({ type: 'variable.set', variable: 'v', value: EXACT });
  expect(error.message).toBe('v: value must be an integer that a float holds exactly, got 9007199254740993n');
  expect(error.details).toEqual({
    variable: 'v',
    field: 'value',
    expected: 'an integer that a float holds exactly',
    actual: '9007199254740993n',
  });
});

test.each<[keyof typeof valid, unknown, ValueKind | undefined, string]>([
  ['float', null, 'null', 'v: value must be a number, got null'],
  ['float', null, undefined, 'v: value must be a number, got null'],
  ['float', 'x', 'text', 'v: value must be a number, got "x"'],
  ['integer', 2, 'float', 'v: value must be an integer, got the float 2'],
  ['string', 2, 'integer', 'v: value must be a text, got the integer 2'],
  ['boolean', [1], 'json', 'v: value must be true or false, got a list of 1'],
  ['float', {}, undefined, 'v: value must be a number, got an object (Object)'],
  ['integer', 'Predict', 'module', 'v: value must be an integer, got the name of a module "Predict"'],
  ['float', new Float32Array(1), 'embedding', 'v: value must be a number, got an embedding'],
  ['float', () => 1, undefined, 'v: value must be a number, got a function'],
])('a variable of type %s says of %s as %s: %s', (type, value, kind, message) => {
  const error = aVariable(type).refusal({ type: 'variable.set', variable: 'v', value, kind });
  expect(error.message).toBe(message);
});

test('a refusal of the wrong kind says so, for callers that tell TypeError from ValueError', () => {
  const session = aVariable('integer');
  const error = session.refusal({ type: 'variable.set', variable: 'v', value: 2, kind: 'float' });
  expect(error.details).toMatchObject({ wrongKind: true });
  expect(error.message).toContain('float');
});

test('an unknown type is refused and the known ones are listed', () => {
  for (const type of ['', 'Float', '__proto__', 'constructor', undefined, null, 5]) {
    const error = new DomainSession().refusal({
      type: 'variables.register',
      specs: [{ name: 'v', type: type as string, initialValue: 1 }],
    });
    expect(error.code).toBe('unknown_type');
    expect(error.message).toContain('float');
  }
});

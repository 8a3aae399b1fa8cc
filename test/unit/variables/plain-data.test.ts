import { expect, test } from 'vitest';
import { copyMetadata, copyPlain } from '../../../src/variables/plain-data.js';
import { DomainSession } from '../../support/domain-session.js';

const copied = (value: unknown): unknown => {
  const result = copyPlain(value, 'value');
  if (!result.ok) throw result.error;
  return result.value;
};

test('a copy is deep, equal and frozen all the way down', () => {
  const given = { a: [1, 2n ** 70n, 'x', true, null, { b: [] }] };
  const copy = copied(given);
  expect(copy).toEqual(given);
  given.a.push(3);
  expect(copy).toEqual({ a: [1, 2n ** 70n, 'x', true, null, { b: [] }] });
  expect(Object.isFrozen(copy)).toBe(true);
  expect(() => (copy as typeof given).a.push(1)).toThrow(TypeError);
});

test('any key is only a key', () => {
  const copy = copied(JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'));
  expect(Object.keys(copy as object)).toEqual(['__proto__', 'constructor']);
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('a key without a value is left out', () => {
  expect(copied({ a: undefined, b: 1 })).toEqual({ b: 1 });
});

const cycle: unknown[] = [];
cycle.push(cycle);
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

test.each<[string, unknown, string]>([
  ['a cycle', { a: cycle }, 'value.a[0]'],
  ['too deep a nest', deep(101), 'value[0]'],
  ['NaN', { a: { b: Number.NaN } }, 'value.a.b'],
  ['an infinity', [1, Number.POSITIVE_INFINITY], 'value[1]'],
  ['a date', { at: new Date(0) }, 'value.at'],
  ['a map', new Map(), 'value'],
  ['a set', [new Set()], 'value[0]'],
  ['an instance', { a: new (class Mine {})() }, 'value.a'],
  ['a function', { a: () => 1 }, 'value.a'],
  ['a symbol', [Symbol('s')], 'value[0]'],
  ['a hole', new Array(2), 'value[0]'],
  ['undefined in a list', [1, undefined], 'value[1]'],
  ['half a character', ['\ud800'], 'value[0]'],
  ['half a character in a key', { '\ud800': 1 }, 'value'],
  ['a typed array', new Float32Array(2), 'value'],
])('%s is refused with the path of the offending place', (_name, value, place) => {
  const result = copyPlain(value, 'value');
  expect(result).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
  if (!result.ok) expect(String(result.error.details.field).startsWith(place)).toBe(true);
});

test('a hundred lists within each other are taken', () => {
  expect(copied(deep(100))).toEqual(deep(100));
});

test('a value of more than a million parts is refused, however it is nested', () => {
  const shared = Array.from({ length: 1000 }, () => 1);
  expect(
    copyPlain(
      Array.from({ length: 999_999 }, () => 1),
      'value',
    ).ok,
  ).toBe(true);
  expect(
    copyPlain(
      Array.from({ length: 1000 }, () => shared),
      'value',
    ),
  ).toMatchObject({ ok: false });
});

test('a refusal stays short where keys are long', () => {
  const result = copyPlain({ ['k'.repeat(1_000_000)]: Number.NaN }, 'value');
  if (!result.ok) expect(result.error.message.length).toBeLessThan(500);
  expect(result.ok).toBe(false);
});

test('metadata is a map by name, and absent metadata is empty', () => {
  expect(copyMetadata(undefined, 'metadata')).toEqual({ ok: true, value: {} });
  expect(copyMetadata({ iteration: 42, tags: ['a'] }, 'metadata')).toEqual({
    ok: true,
    value: { iteration: 42, tags: ['a'] },
  });
  for (const metadata of [null, 5, 'text', [], new Map(), new Date(0)])
    expect(copyMetadata(metadata, 'metadata')).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
});

test('data whose getters and proxies throw is refused, and crashes nobody', () => {
  const broken = {
    get a(): never {
      throw new Error('a broken getter');
    },
  };
  const trap = (): never => {
    throw new Error('a trap');
  };
  const guarded = [
    new Proxy({}, { ownKeys: trap }),
    new Proxy({}, { getPrototypeOf: trap }),
    new Proxy([], { get: trap }),
  ];
  for (const value of [broken, [broken], { b: broken }, ...guarded]) {
    expect(copyPlain(value, 'value')).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
    expect(copyMetadata(value, 'metadata')).toMatchObject({ ok: false, error: { code: 'validation_failed' } });
    const session = new DomainSession();
    session.register('x', 'map', {});
    session.register('l', 'list', []);
    for (const variable of ['x', 'l'])
      expect(session.ask({ type: 'variable.set', variable, value })).toMatchObject({ ok: false });
  }
  expect(copyPlain(broken, 'value')).toMatchObject({ error: { message: expect.stringContaining('a broken getter') } });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExactJson, stringifyExactJson } from '../../../src/variables/exact-json.js';
import { copyPlain } from '../../../src/variables/plain-data.js';
import { aSession } from '../sessions/harness.js';

const stored = (text: string): unknown => {
  const copied = copyPlain(parseExactJson(text, 'v'), 'v');
  if (!copied.ok) throw copied.error;
  return copied.value;
};
const thereAndBack = (text: string): string => stringifyExactJson(stored(text), 'v');

describe('in lists and maps', () => {
  test.each([
    '[2.0]',
    '[2.0,3]',
    '[0.5,1.0,0.25]',
    '[-0.0,0.0,0]',
    '{"a":2.0,"b":2,"c":[1.0,{"d":-3.0,"e":9007199254740993}]}',
    '{"__proto__":1.0,"a":1}',
    '[1e+21,1.0]',
    '["2.0",2,true]',
  ])('%s leaves as it came', (text) => {
    expect(thereAndBack(text)).toBe(text);
  });

  test.each([
    ['[2.00,1e3,1E+0,10e-1]', '[2.0,1000.0,1.0,1.0]'],
    ['[2.0,"1"]', '[2.0,"1"]'],
    ['[ 2.0 , 1 ]', '[2.0,1]'],
    ['[1e400, 1.0]', undefined],
  ])('%s leaves as %s, whatever spelling it came in', (text, expected) => {
    if (expected === undefined) expect(() => thereAndBack(text)).toThrow();
    else expect(thereAndBack(text)).toBe(expected);
  });

  test('any mixture of integers and floats keeps the kind of each', () => {
    const number = fc.oneof(
      fc.integer().map(String),
      fc.integer().map((whole) => `${whole}.0`),
      fc.bigInt().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }).map(String),
    );
    const json = fc.letrec<{ value: string; list: string; map: string }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        number,
        fc.string().map((text) => JSON.stringify(text)),
        tie('list'),
        tie('map'),
      ),
      list: fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
      map: fc
        .uniqueArray(
          fc.tuple(
            fc.string({ minLength: 1 }).filter((key) => !/^\d+$/.test(key)),
            tie('value'),
          ),
          {
            maxLength: 5,
            selector: ([key]) => key,
          },
        )
        .map((members) => `{${members.map(([key, item]) => `${JSON.stringify(key)}:${item}`).join(',')}}`),
    }));
    const isFloat = (text: string): boolean => /[.e]/.test(text);
    const numbersIn = (text: string): string[] =>
      (text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d[\d.e+-]*/g) ?? []).map(
        (word) => `${isFloat(word) ? 'float' : 'integer'} ${isFloat(word) ? Number(word) : BigInt(word)}`,
      );
    fc.assert(
      fc.property(fc.oneof(json.list, json.map), (text) => {
        expect(numbersIn(thereAndBack(text))).toEqual(numbersIn(text));
      }),
    );
  });
});

test('what remembers its floats looks and behaves as plain data', () => {
  const list = stored('[2.0,{"a":1.0},3]');
  expect(list).toStrictEqual([2, { a: 1 }, 3]);
  expect(JSON.stringify(list)).toBe('[2,{"a":1},3]');
  expect(structuredClone(list)).toStrictEqual([2, { a: 1 }, 3]);
});

test('numbers of TypeScript are integers when they are whole, also in place of a float that came', () => {
  expect(stringifyExactJson([2, 2.5, -0], 'v')).toBe('[2,2.5,-0.0]');
  const list = parseExactJson('[2.0, 1]', 'v') as number[];
  list[0] = 3;
  expect(stringifyExactJson(list, 'v')).toBe('[3,1]');
});

test('a variable keeps them through writes, history and rollback, and a session that imports it gets them', async () => {
  const text = '{"weights":[1.0,0.5],"n":2,"f":2.0,"zero":-0.0,"far":1e+21}';
  const { session, sessions } = await aSession();
  await session.register('m', 'map', {}, { metadata: { f: 1 } });
  await session.set('m', parseExactJson(text, 'v'), { metadata: { deep: parseExactJson('[3.0,3]', 'v') } });
  await session.set('m', {});
  await session.rollback('m', 1);
  await session.register('other', 'map', session.get('m'));
  for (const format of ['json', 'yaml'] as const) {
    const copy = await sessions.start();
    await copy.import(await session.export({ format, includeHistory: true }), { format, mergeStrategy: 'replace' });
    expect(stringifyExactJson(copy.get('m'), 'm')).toBe(text);
    expect(stringifyExactJson(copy.get('other'), 'm')).toBe(text);
    const [, , earlier] = copy.history('m');
    expect(stringifyExactJson(earlier?.value, 'v')).toBe(text);
    expect(stringifyExactJson(earlier?.metadata, 'v')).toContain('"deep":[3.0,3]');
  }
});

test('a variable keeps them through writes, history, rollback and export', async () => {
  const { session } = await aSession();
  const value = parseExactJson('{"weights":[1.0,0.5],"n":2,"f":2.0}', 'v');
  await session.register('m', 'map', value);
  await session.set('m', {});
  await session.rollback('m', 0);
  await session.register('other', 'map', session.get('m'));
  const bytes = await session.export({ filterPattern: '^(m|other)$' });
  expect(new TextDecoder().decode(bytes).match(/\{"weights".*?\}/g)).toEqual(
    Array(2).fill('{"weights":[1.0,0.5],"n":2,"f":2.0}'),
  );
});

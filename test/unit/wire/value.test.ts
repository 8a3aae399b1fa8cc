import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Value } from '../../../src/gen/coilyard/v1/value.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import {
  type DecodedValue,
  decodeRecord,
  decodeValue,
  decodeValues,
  encodeRecord,
  encodeValue,
  encodeValues,
} from '../../../src/wire/value.js';
import { copyMetadata, mergeMetadata } from '../../../src/variables/plain-data.js';
import { bytesOf, Tensor } from '../../../src/variables/tensor.js';

/** Over the wire and back, through the bytes. */
const roundTrip = (value: unknown): DecodedValue =>
  decodeValue(Value.decode(Value.encode(encodeValue(value)).finish()), 'v');

const failure = (act: () => unknown): CoilyardError => {
  try {
    act();
  } catch (error) {
    if (error instanceof CoilyardError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '"\\'),
  fc.string({ unit: 'grapheme' }),
);
const whole = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n }), fc.bigInt({ max: -(2n ** 53n) }));
const float = fc.double({ noNaN: true, noDefaultInfinity: true });
const scalar = fc.oneof(whole, float, fc.string({ unit: 'grapheme' }), fc.boolean(), fc.constant(null));
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, scalar, tie('list'), tie('map')),
  list: fc.array(tie('tree'), { maxLength: 5 }),
  map: fc.array(fc.tuple(key, tie('tree')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}));

test('any plain data comes back as it was', () => {
  fc.assert(
    fc.property(tree, (value) => {
      expect(roundTrip(value)).toEqual({ kind: expect.any(String), value });
    }),
    { numRuns: 500 },
  );
});

test.each([
  [2 ** 53 - 1, 'integer'],
  [2n ** 53n + 1n, 'integer'],
  [-(2n ** 63n), 'integer'],
  [2n ** 63n, 'integer'],
  [-(10n ** 100n) + 1n, 'integer'],
  [0.1, 'float'],
  [-0, 'float'],
  [1e20, 'float'],
  ['', 'text'],
  [false, 'boolean'],
  [null, 'null'],
])('%s travels as %s and comes back exact', (value, kind) => {
  expect(roundTrip(value)).toEqual({ kind, value });
});

test.each([Number.NaN, Infinity, -Infinity])('%s comes through as a float: the domain decides about it', (value) => {
  expect(roundTrip(value)).toEqual({ kind: 'float', value });
});

test('a safe big integer becomes a number', () => {
  expect(decodeValue({ kind: { $case: 'bigInteger', value: '-42' } }, 'v')).toEqual({ kind: 'integer', value: -42 });
});

test.each(['', '-', '+1', '1.0', '0x10', ' 1', '1\n', '1'.repeat(4301)])('big_integer text %j is refused', (value) => {
  expect(failure(() => decodeValue({ kind: { $case: 'bigInteger', value } }, 'v')).details.field).toBe('v');
});

test('a value without a kind is refused with the name of the field', () => {
  for (const message of [undefined, { kind: undefined }])
    expect(failure(() => decodeValue(message, 'writes[3].value'))).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'writes[3].value' },
    });
});

test('the kind that is asked for is the kind that travels', () => {
  expect(encodeValue(2, 'float')).toEqual({ kind: { $case: 'float', value: 2 } });
  expect(encodeValue('Predict', 'module')).toEqual({ kind: { $case: 'module', value: 'Predict' } });
  expect(encodeValue('a', 'json')).toEqual({ kind: { $case: 'json', value: '"a"' } });
  expect(encodeValue(null, 'float')).toEqual({ kind: { $case: 'null', value: {} } });
});

test.each([
  ['2', 'float'],
  [2.5, 'integer'],
  [Infinity, 'integer'],
  [1, 'boolean'],
  [1, 'text'],
  ['\ud800', 'text'],
  [['\ud800'], 'json'],
  [[Number.NaN], 'json'],
  [[undefined], 'json'],
  [new Date(0), 'json'],
  [() => 1, 'json'],
  [Symbol('s'), 'json'],
  [{ toJSON: () => 1 }, 'json'],
  [10n ** 4300n, 'integer'],
  [undefined, undefined],
] as const)('%s has no form as %s', (value, kind) => {
  expect(failure(() => encodeValue(value, kind, 'here'))).toMatchObject({ code: 'invalid_argument' });
});

test('a key __proto__ stays a key and changes no prototype', () => {
  const text = '{"__proto__":{"polluted":1},"big":12345678901234567890}';
  for (const value of [text, text.replace(/\d{5,}/, '1')]) {
    const decoded = decodeValue({ kind: { $case: 'json', value } }, 'v').value;
    expect(Object.keys(Object(decoded))).toContain('__proto__');
    expect(Object(decoded).polluted).toBeUndefined();
  }
  const record = decodeRecord(encodeValues([['__proto__', { polluted: 1 }]]), 'metadata');
  expect(Object.hasOwn(record, '__proto__')).toBe(true);
  expect(record.polluted).toBeUndefined();
});

test('integers in JSON are exact at any size and floats stay floats', () => {
  const value = '[9007199254740993, -170141183460469231731687303715884105729, 1e400, 1.5, 12345678901234567890.5]';
  expect(decodeValue({ kind: { $case: 'json', value } }, 'v').value).toEqual([
    9007199254740993n,
    -170141183460469231731687303715884105729n,
    Infinity,
    1.5,
    12345678901234567000,
  ]);
  expect(encodeValue([2n ** 64n, 1e20, -0, 1]).kind?.value).toBe('[18446744073709551616,1e+20,-0.0,1]');
});

test('digits inside a string are not numbers', () => {
  const value = JSON.stringify(['\\"[[[', '1'.repeat(5000), '\\\\', '{']);
  expect(decodeValue({ kind: { $case: 'json', value } }, 'v').value).toEqual(JSON.parse(value));
});

test('of a key that comes twice the last value counts, exact or not', () => {
  for (const big of ['', ',"b":12345678901234567890'])
    expect(decodeValue({ kind: { $case: 'json', value: `{"a":1,"a":2${big}}` } }, 'v').value).toMatchObject({ a: 2 });
});

test.each([
  ['nesting', `${'['.repeat(129)}${']'.repeat(129)}`],
  ['nesting that would exhaust a stack', '['.repeat(1_000_000)],
  ['values', `[${'1,'.repeat(1_000_000)}1]`],
  ['digits', `[${'9'.repeat(4301)}]`],
  ['not JSON', '{"a":'],
  ['not JSON with a long number', '[12345678901234567890'],
  ['a quote that never closes', `["${'\\"'.repeat(1000)}`],
  ['nothing', ''],
])('JSON with too much is refused: %s', (_what, value) => {
  expect(failure(() => decodeValue({ kind: { $case: 'json', value } }, 'v'))).toMatchObject({
    code: 'invalid_argument',
    details: { field: 'v' },
  });
});

test('nesting is bounded on the way out too, a value that contains itself included', () => {
  const loop: unknown[] = [];
  loop.push(loop);
  expect(failure(() => encodeValue(loop)).code).toBe('invalid_argument');
});

test('a Map travels as a map', () => {
  expect(encodeValue(new Map([['__proto__', 1n]])).kind?.value).toBe('{"__proto__":1}');
});

test('entries that are undefined are left out, null is not', () => {
  const values = encodeValues([
    ['a', undefined],
    ['b', null],
  ]);
  expect(decodeValues(values, 'arguments')).toEqual(new Map([['b', null]]));
});

test('whole floats by name leave as floats, through records and copies too', () => {
  const values = new Map<string, Value>([
    ['float', { kind: { $case: 'float', value: 2 } }],
    ['integer', { kind: { $case: 'integer', value: 2n } }],
  ]);
  expect(encodeValues(decodeValues(values, 'arguments'))).toEqual(values);
  const metadata = copyMetadata(decodeRecord(values, 'metadata'), 'metadata');
  if (!metadata.ok) throw metadata.error;
  expect(encodeRecord(metadata.value)).toEqual(values);
  const merged = mergeMetadata(mergeMetadata(metadata.value, { more: 1 }), { integer: 2 });
  expect(encodeRecord(merged)).toEqual(new Map([...values, ['more', { kind: { $case: 'integer', value: 1n } }]]));
  expect(encodeRecord(mergeMetadata(metadata.value, { float: 2 })).get('float')?.kind?.$case).toBe('integer');
});

/** What comes back of it is a tensor, equal to this one. */
function expectTensor(found: DecodedValue, expected: Tensor): void {
  expect(found.kind).toBe('tensor');
  expect(found.value instanceof Tensor && found.value.equals(expected)).toBe(true);
}

test('a tensor comes back as it was, and nothing that its bytes lay beside is kept alive by it', () => {
  const tensor = new Tensor('float32', [3, 1], Float32Array.of(1, 2, 3));
  expectTensor(roundTrip(tensor), tensor);
  expect(encodeValue(tensor, 'embedding').kind?.$case).toBe('embedding');
  const { value } = roundTrip(tensor);
  expect(value instanceof Tensor && bytesOf(value).buffer.byteLength).toBe(12);
});

test('a tensor is sent without a copy of its bytes', () => {
  const tensor = new Tensor('int8', [2], Int8Array.of(1, 2));
  const { kind } = encodeValue(tensor);
  expect(kind?.$case === 'tensor' && kind.value.data.buffer).toBe(bytesOf(tensor).buffer);
});

test.each([
  ['Float32Array', Float32Array.of(1.5, 2), 'float32'],
  ['Float64Array', Float64Array.of(1.5, 2), 'float64'],
  ['Int32Array', Int32Array.of(-1, 2), 'int32'],
  ['BigUint64Array', BigUint64Array.of(1n, 2n), 'uint64'],
  ['Uint8ClampedArray', Uint8ClampedArray.of(1, 300), 'uint8'],
  ['Buffer', Buffer.from('ab'), 'uint8'],
  ['a part of an array', Int16Array.of(1, 2, 3, 4).subarray(1, 3), 'int16'],
] as const)('a typed array travels as a tensor of its elements: %s', (_, array, dtype) => {
  expectTensor(roundTrip(array), new Tensor(dtype, [2], array));
});

test.each([
  [
    'a getter',
    {
      get broken(): never {
        throw new Error('do not look');
      },
    },
  ],
  [
    'a proxy',
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('do not look');
        },
      },
    ),
  ],
  [
    'a proxy that has nothing',
    new Proxy(
      {},
      {
        has: () => {
          throw new Error('do not look');
        },
      },
    ),
  ],
])('data that throw when they are read are refused by name: %s', (_, value) => {
  const { code, details } = failure(() => encodeValue(value, undefined, 'v'));
  expect([code, details]).toEqual([
    'invalid_argument',
    { field: 'v', expected: 'something that can be read', actual: 'do not look' },
  ]);
});

test('a record of a dtype, a shape and bytes travels as a tensor', () => {
  const record = { dtype: 'float32', shape: [2, 3], data: new Uint8Array(24).fill(7) };
  expectTensor(roundTrip(record), new Tensor('float32', [2, 3], record.data));
});

test.each([
  [{ dtype: 'float31', shape: [1n], data: Buffer.alloc(4) }, 'v.dtype'],
  [{ dtype: 'float32', shape: [2n], data: Buffer.alloc(4) }, 'v.data'],
  [{ dtype: 'int8', shape: [2n ** 63n, 4n], data: Buffer.alloc(4) }, 'v.shape'],
  [{ dtype: 'int8', shape: Array(33).fill(1n), data: Buffer.alloc(1) }, 'v.shape'],
  [{ dtype: 'int8', shape: [-2n, -2n], data: Buffer.alloc(4) }, 'v.shape'],
  [{ dtype: 'int8', shape: [2n ** 60n, 0n], data: Buffer.alloc(0) }, 'v.shape'],
  [{ dtype: 'bool', shape: [2n], data: Buffer.from([1, 2]) }, 'v.data'],
])('a tensor whose bytes are not those of its elements is refused: %o', (value, field) => {
  expect(failure(() => decodeValue({ kind: { $case: 'tensor', value } }, 'v')).details.field).toBe(field);
});

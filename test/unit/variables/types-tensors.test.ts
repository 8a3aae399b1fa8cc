import { describe, expect, test } from 'vitest';
import { parseExactJson } from '../../../src/variables/exact-json.js';
import { Tensor } from '../../../src/variables/tensor.js';
import { DomainSession } from '../../support/domain-session.js';

function holding(type: string, initialValue: unknown, constraints = {}, kind?: 'json'): DomainSession {
  const session = new DomainSession();
  session.register('x', type, initialValue, { constraints, kind });
  return session;
}

const tensorOf = (session: DomainSession): Tensor => {
  const value = session.value('x');
  if (!(value instanceof Tensor)) throw new Error('no tensor');
  return value;
};

const code = (session: DomainSession, value: unknown): string => {
  const answer = session.ask({ type: 'variable.set', variable: 'x', value });
  return answer.ok ? 'ok' : answer.error.code;
};

describe('an embedding', () => {
  test('is float32, whatever numbers it was made of', () => {
    for (const given of [[1, 2], new Float64Array([1, 2]), new Int8Array([1, 2]), [1n, 2]]) {
      const value = tensorOf(holding('embedding', given));
      expect([value.dtype, [...value.shape], [...value]]).toEqual(['float32', [2], [1, 2]]);
    }
  });

  test('has the number of dimensions that was declared', () => {
    const session = holding('embedding', [1, 2, 3], { dimensions: 3 });
    expect([code(session, [1, 2]), code(session, [1, 2, 3])]).toEqual(['constraint_violation', 'ok']);
  });

  test('is scaled to unit length when that was declared', () => {
    const value = tensorOf(holding('embedding', [3, 4], { normalize: true }));
    const [x, y] = [...value].map(Number);
    expect([x, y]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  });

  test('the zero vector stays what it is', () => {
    expect([...tensorOf(holding('embedding', [0, 0], { normalize: true }))]).toEqual([0, 0]);
  });

  test('normalizing neither overflows nor vanishes, and does nothing the second time', () => {
    for (const given of [new Float64Array([3e200, 4e200]), new Float64Array([3e-200, 4e-200])]) {
      const session = holding('embedding', given, { normalize: true });
      const first = tensorOf(session);
      expect(Math.hypot(...[...first].map(Number))).toBeCloseTo(1, 6);
      session.set('x', first);
      expect(tensorOf(session)).toEqual(first);
    }
  });

  test('with NaN, infinity or a number that float32 cannot hold is refused unless allowNan', () => {
    const session = holding('embedding', [1]);
    expect([code(session, [Number.NaN]), code(session, [1e300]), code(session, [Number.POSITIVE_INFINITY])]).toEqual(
      Array(3).fill('validation_failed'),
    );
    expect(code(holding('embedding', [1], { allow_nan: true }), [Number.NaN])).toBe('ok');
  });

  test('of anything but a flat list of numbers is refused', () => {
    const session = holding('embedding', [1]);
    for (const given of [[[1]], ['1'], [true], 'text', 5, null, {}, [Number]])
      expect([given, code(session, given)]).toEqual([given, 'validation_failed']);
  });
});

describe('a tensor', () => {
  test('takes nested lists and says its shape', () => {
    const value = tensorOf(
      holding('tensor', [
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect([value.dtype, [...value.shape], value.size]).toEqual(['float64', [2, 3], 6]);
    expect(value.toList()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  test.each([
    ['[[1,2],[3,4]]', 'int64'],
    ['[9007199254740993,1]', 'int64'],
    ['[[1,2],[3,4.0]]', 'float64'],
    ['[1.0,2.0]', 'float64'],
    ['[1152921504606846976,0.5]', 'float64'],
    ['[[true],[false]]', 'bool'],
    ['[]', 'float64'],
    ['[[],[]]', 'float64'],
  ])('takes the lists %s of those who tell integers from floats as %s', (text, dtype) => {
    const value = tensorOf(holding('tensor', parseExactJson(text, 'x'), {}, 'json'));
    expect(value.dtype).toBe(dtype);
    expect([...value].map(Number)).toEqual(JSON.parse(text).flat().map(Number));
  });

  test('takes lists as the dtype that was declared, when it can hold them', () => {
    const session = holding('tensor', [1, -1], { dtype: 'int8' });
    expect(tensorOf(session).data).toEqual(new Int8Array([1, -1]));
    expect([code(session, [128]), code(session, [0.5]), code(session, [127])]).toEqual([
      'validation_failed',
      'validation_failed',
      'ok',
    ]);
    expect(tensorOf(holding('tensor', [2n ** 63n, 1], { dtype: 'uint64' })).data).toEqual(
      new BigUint64Array([2n ** 63n, 1n]),
    );
    expect([...tensorOf(holding('tensor', [true, false]))]).toEqual([true, false]);
    const wide = holding('tensor', [2n ** 60n], { dtype: 'float64' });
    expect(tensorOf(wide).data).toEqual(new Float64Array([2 ** 60]));
    expect([code(wide, [2n ** 53n + 1n]), code(wide, [10n ** 400n])]).toEqual([
      'validation_failed',
      'validation_failed',
    ]);
  });

  test('takes typed arrays and records, as bytes, typed arrays or lists', () => {
    const made: readonly unknown[] = [
      new Float32Array([1, 2]),
      { dtype: 'float32', shape: [2], data: new Float32Array([1, 2]) },
      { dtype: 'float32', shape: [2], data: new Uint8Array(new Float32Array([1, 2]).buffer) },
      { dtype: 'float32', shape: [2], data: [1, 2] },
    ];
    for (const given of made) expect([...tensorOf(holding('tensor', given))]).toEqual([1, 2]);
  });

  test('has the shape that was declared, where -1 and null stand for any size', () => {
    const session = holding('tensor', [[1, 2]], { shape: [null, 2] });
    expect(session.variable('x').constraints).toEqual({ shape: [-1, 2] });
    expect([
      code(session, [
        [1, 2],
        [3, 4],
      ]),
      code(session, [[1, 2, 3]]),
      code(session, [1, 2]),
    ]).toEqual(['ok', 'constraint_violation', 'constraint_violation']);
  });

  test('of another dtype than declared is refused', () => {
    expect(code(holding('tensor', [1], { dtype: 'float32' }), new Float64Array([1]))).toBe('constraint_violation');
  });

  test('that is malformed is refused', () => {
    const session = holding('tensor', [1]);
    const malformed: readonly unknown[] = [
      [[1, 2], [3]],
      [[1], 2],
      [1, [2]],
      { dtype: 'float32', shape: [3], data: [1, 2] },
      { dtype: 'float32', shape: [2], data: new Uint8Array(7) },
      { dtype: 'complex64', shape: [1], data: [1] },
      { dtype: 'float32', shape: [-1], data: [1] },
      { dtype: 'float32', shape: [2 ** 52, 2 ** 52, 0, 1], data: [1] },
      { dtype: 'bool', shape: [1], data: new Uint8Array([2]) },
      { dtype: 'float16', shape: [1], data: [1] },
      new DataView(new ArrayBuffer(8)),
      'text',
    ];
    for (const given of malformed) expect([given, code(session, given)]).toEqual([given, 'validation_failed']);
  });

  test('of halves keeps their bits and gives their numbers', () => {
    const bits = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7bff, 0x0000]);
    const session = holding('tensor', { dtype: 'float16', shape: [5], data: bits });
    expect([...tensorOf(session)]).toEqual([1, -2, 2 ** -24, 65504, 0]);
    expect(tensorOf(session).data).toEqual(bits);
    expect([
      ...tensorOf(holding('tensor', { dtype: 'bfloat16', shape: [1], data: new Uint16Array([0x3f80]) })),
    ]).toEqual([1]);
  });

  test('of halves with an infinity or NaN is refused unless allowNan, and every other pattern of bits is a number', () => {
    for (const [dtype, exponent] of [
      ['float16', 0x7c00],
      ['bfloat16', 0x7f80],
    ] as const) {
      const holds = (bits: number, constraints = {}): string => {
        const session = holding('tensor', { dtype, shape: [2], data: new Uint16Array(2) }, constraints);
        return code(session, { dtype, shape: [2], data: new Uint16Array([0, bits]) });
      };
      for (const bits of [exponent, exponent | 0x8000, exponent | 1, 0xffff]) {
        expect([dtype, bits, holds(bits)]).toEqual([dtype, bits, 'validation_failed']);
        expect([dtype, bits, holds(bits, { allow_nan: true })]).toEqual([dtype, bits, 'ok']);
      }
      for (const bits of [exponent - 1, 0x8000, 0x0001, exponent >> 1])
        expect([dtype, bits, holds(bits)]).toEqual([dtype, bits, 'ok']);
    }
  });

  test('is nobody’s to change: what it was made of and what it gives are copies', () => {
    const given = new Float32Array([1, 2]);
    const session = holding('tensor', given);
    given[0] = 9;
    const { data } = tensorOf(session);
    data[0] = 9;
    expect([...tensorOf(session)]).toEqual([1, 2]);
    expect(Object.isFrozen(tensorOf(session))).toBe(true);
  });

  test('without dimensions is one number, and an empty one is none', () => {
    expect(tensorOf(holding('tensor', { dtype: 'int32', shape: [], data: [7] })).toList()).toBe(7);
    expect(tensorOf(holding('tensor', [])).toList()).toEqual([]);
    expect(tensorOf(holding('tensor', { dtype: 'int8', shape: [2, 0], data: [] })).shape).toEqual([2, 0]);
  });

  test('made by hand takes the bytes of any typed array, and of its part only', () => {
    const numbers = new Float32Array([0, 1, 2, 3, 4]);
    const made = new Tensor('float32', [2, 2], numbers.subarray(1));
    expect([made.byteLength, made.toList()]).toEqual([
      16,
      [
        [1, 2],
        [3, 4],
      ],
    ]);
    expect(tensorOf(holding('tensor', made)).equals(made)).toBe(true);
    const refused = expect.objectContaining({ code: 'invalid_argument' });
    expect(() => new Tensor('float32', [1], numbers)).toThrow(refused);
    // @ts-expect-error: no bytes
    expect(() => new Tensor('int8', [2], [1, 2])).toThrow(refused);
  });
});

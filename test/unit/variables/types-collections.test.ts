import { describe, expect, test } from 'vitest';
import { DomainSession } from '../../support/domain-session.js';

function holding(type: string, initialValue: unknown, constraints = {}): DomainSession {
  const session = new DomainSession();
  session.register('x', type, initialValue, { constraints });
  return session;
}

const code = (session: DomainSession, value: unknown, kind?: 'json' | 'text'): string => {
  const answer = session.ask({ type: 'variable.set', variable: 'x', value, kind });
  return answer.ok ? 'ok' : answer.error.code;
};

describe('a list or a map', () => {
  test('is a deep frozen copy: later changes of the original are not seen', () => {
    const original = { deep: [1, { more: 'a' }] };
    const session = holding('map', original);
    original.deep.push(2);
    expect(session.value('x')).toEqual({ deep: [1, { more: 'a' }] });
    expect(Object.isFrozen(session.value('x'))).toBe(true);
    expect(() => {
      (session.value('x') as { deep: unknown[] }).deep.push(3);
    }).toThrow(TypeError);
  });

  test('counts its items, and a bound of 0 is a bound', () => {
    const list = holding('list', [1], { minItems: 1, maxItems: 2 });
    expect([code(list, []), code(list, [1, 2]), code(list, [1, 2, 3])]).toEqual([
      'constraint_violation',
      'ok',
      'constraint_violation',
    ]);
    const empty = holding('map', {}, { max_items: 0 });
    expect([code(empty, {}), code(empty, { a: 1 })]).toEqual(['ok', 'constraint_violation']);
  });

  test('of the other kind is refused', () => {
    const list = holding('list', []);
    const map = holding('map', {});
    expect([code(list, {}), code(list, 'ab'), code(list, null), code(map, []), code(map, new Date(0))]).toEqual(
      Array(5).fill('validation_failed'),
    );
  });

  test('holds exact integers, and keys that are only keys', () => {
    const value = { [2 ** 53]: 2n ** 70n, constructor: 1, ['__proto__']: [null] };
    expect(holding('map', value).value('x')).toEqual(value);
    expect(Object.getPrototypeOf(holding('map', value).value('x'))).toBe(Object.prototype);
  });

  test('may come as a Map, but only with texts as keys', () => {
    const map = holding('map', new Map([['a', 1]]));
    expect(map.value('x')).toEqual({ a: 1 });
    expect(code(map, new Map([[1, 1]]))).toBe('validation_failed');
  });

  test('with what is no plain data says where', () => {
    const session = holding('list', []);
    expect(session.refusal({ type: 'variable.set', variable: 'x', value: [1, { a: [() => 1] }] })).toMatchObject({
      code: 'validation_failed',
      details: { field: 'value[1].a[0]' },
    });
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(code(session, cycle)).toBe('validation_failed');
    expect(code(session, [Number.NaN])).toBe('validation_failed');
  });

  test('dict is another name for map', () => {
    expect(holding('dict', {}).variable('x').type).toBe('map');
  });

  test('bounds that contradict each other are refused', () => {
    const session = new DomainSession();
    const specs = [{ name: 'x', type: 'list', initialValue: [], constraints: { minItems: 2, maxItems: 1 } }];
    expect(session.refusal({ type: 'variables.register', specs }).code).toBe('invalid_argument');
  });
});

test('a value larger than the limit is refused, whatever its type', () => {
  const session = new DomainSession({ limits: { maxValueBytes: 100 } });
  session.register('text', 'string', 'a'.repeat(100));
  session.register('list', 'list', []);
  session.register('e', 'embedding', [1]);
  const large: readonly [string, unknown][] = [
    ['text', 'a'.repeat(101)],
    ['text', 'é'.repeat(51)],
    ['list', ['a'.repeat(99)]],
    ['e', new Float32Array(26)],
  ];
  for (const [variable, value] of large)
    expect(session.refusal({ type: 'variable.set', variable, value })).toMatchObject({
      code: 'payload_too_large',
      details: { variable, limit: 100 },
    });
  expect(session.set('text', 'é'.repeat(50)).version).toBe(1);
});

test('metadata has room for so many keys of all writes together, and then takes no new ones', () => {
  const session = new DomainSession({ limits: { maxMetadataKeys: 3 } });
  session.register('x', 'float', 0, { metadata: { a: 1, b: 1 } });
  session.set('x', 1, { metadata: { c: 1 } });
  expect(session.refusal({ type: 'variable.set', variable: 'x', value: 2, metadata: { a: 2, d: 1 } })).toMatchObject({
    code: 'payload_too_large',
    message: 'x: metadata: expected at most 3 keys, those of earlier writes included, got 4',
    details: { variable: 'x', field: 'metadata', limit: 3, actual: 4 },
  });
  expect(session.set('x', 2).version).toBe(2);
  expect(session.set('x', 3, { metadata: { a: 3, c: 3 } }).metadata).toEqual({ a: 3, b: 1, c: 3 });
  // What a rollback says of itself always has room.
  expect(session.ask({ type: 'variable.rollback', variable: 'x', version: 0, reason: 'why' })).toMatchObject({
    ok: true,
  });
  const metadata = { a: 1, b: 1, c: 1, d: 1 };
  const spec = { name: 'y', type: 'float', initialValue: 1, metadata };
  expect(session.refusal({ type: 'variables.register', specs: [spec] })).toMatchObject({ code: 'payload_too_large' });
});

test('metadata that grows with every write meets the same limit', () => {
  const session = new DomainSession({ limits: { maxValueBytes: 1000 } });
  session.register('x', 'float', 0);
  const write = (index: number) =>
    session.ask({ type: 'variable.set', variable: 'x', value: index, metadata: { [`key${index}`]: 'a'.repeat(100) } });
  const codes = Array.from({ length: 12 }, (_, index) => write(index)).map((answer) =>
    answer.ok ? 'ok' : answer.error.code,
  );
  expect(codes.at(0)).toBe('ok');
  expect(codes.at(-1)).toBe('payload_too_large');
});

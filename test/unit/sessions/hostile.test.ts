import { describe, expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHost, aSession, failure } from './harness.js';

type Session = Awaited<ReturnType<typeof aSession>>['session'];

const huge = 'x'.repeat(2_000_000);
const cycle: Record<string, unknown> = {};
cycle.self = cycle;
const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};

/** What plain JavaScript can pass where a name, a value, a list or options belong. */
const junk: unknown[] = [
  undefined,
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 64n,
  true,
  '',
  'no such thing',
  huge,
  '__proto__',
  Symbol('s'),
  () => 'x',
  [],
  [undefined],
  new Array(3),
  {},
  { type: 'x' },
  new Date(0),
  new Map([['x', 1]]),
  new Set(['x']),
  new Float64Array(4),
  Object.create(null),
  Promise.resolve('x'),
  cycle,
  deep(10_000),
  new Proxy({}, { get: (_target, key) => key }),
];

/** Any method of a session with any argument: what a plain JavaScript caller can do. */
type Loose = Record<string, (...args: unknown[]) => unknown>;
// The point of these tests is to go around the types.
const loose = (target: object): Loose => target as unknown as Loose;

const calls: readonly (readonly [string, (session: Loose, junk: unknown) => unknown])[] = [
  ['get(junk)', (session, value) => session.get?.(value)],
  ['variable(junk)', (session, value) => session.variable?.(value)],
  ['list(junk)', (session, value) => session.list?.(value)],
  ['list({ pattern: junk })', (session, value) => session.list?.({ pattern: value, type: value, source: value })],
  ['set(junk, 1)', (session, value) => session.set?.(value, 1)],
  ['set(x, junk)', (session, value) => session.set?.('x', value)],
  ['set(x, 1, junk)', (session, value) => session.set?.('x', 1, value)],
  ['set(x, 1, { metadata: junk })', (session, value) => session.set?.('x', 1, { metadata: value })],
  ['set(x, 1, { metadata: { k: junk } })', (session, value) => session.set?.('x', 1, { metadata: { k: value } })],
  ['set(x, 1, { expectedVersion: junk })', (session, value) => session.set?.('x', 1, { expectedVersion: value })],
  ['set(x, 1, { source: junk })', (session, value) => session.set?.('x', 1, { source: value })],
  ['set(x, 1, { timeoutMs: junk })', (session, value) => session.set?.('x', 1, { timeoutMs: value })],
  ['set(x, 1, { signal: junk })', (session, value) => session.set?.('x', 1, { signal: value })],
  ['update(junk)', (session, value) => session.update?.(value)],
  ['update({ x: junk })', (session, value) => session.update?.({ x: value })],
  ['update({}, junk)', (session, value) => session.update?.({ x: 1 }, value)],
  ['update({}, { atomic: junk })', (session, value) => session.update?.({ x: 1 }, { atomic: value })],
  ['register(junk)', (session, value) => session.register?.(value, 'float', 1)],
  ['register(name, junk)', (session, value) => session.register?.('new', value, 1)],
  ['register(name, type, junk)', (session, value) => session.register?.('new', 'float', value)],
  ['register(…, junk)', (session, value) => session.register?.('new', 'float', 1, value)],
  [
    'register(…, { constraints: junk })',
    (session, value) => session.register?.('new', 'float', 1, { constraints: value }),
  ],
  [
    'register(…, { constraints: { min: junk } })',
    (session, value) => session.register?.('new', 'float', 1, { constraints: { min: value } }),
  ],
  [
    'register(…, { description: junk })',
    (session, value) => session.register?.('new', 'float', 1, { description: value }),
  ],
  ['register(…, { readOnly: junk })', (session, value) => session.register?.('new', 'float', 1, { readOnly: value })],
  ['registerMany(junk)', (session, value) => session.registerMany?.(value)],
  ['registerMany([junk])', (session, value) => session.registerMany?.([value])],
  ['registerMany([], junk)', (session, value) => session.registerMany?.([], value)],
  ['delete(junk)', (session, value) => session.delete?.(value)],
  ['delete(missing, junk)', (session, value) => session.delete?.('missing', value)],
  ['observe(junk)', (session, value) => session.observe?.(value, () => {})],
  ['watch(junk)', (session, value) => closed(session.watch?.(value))],
  ['watch([junk])', (session, value) => closed(session.watch?.([value]))],
  ['watch([], junk)', (session, value) => closed(session.watch?.([], value))],
  ...[
    'filter',
    'throttleMs',
    'debounceMs',
    'after',
    'afterRevision',
    'pattern',
    'signal',
    'coalesce',
    'includeInitial',
  ].map(
    (key) =>
      [
        `watch([], { ${key}: junk })`,
        (session: Loose, value: unknown) => closed(session.watch?.([], { [key]: value })),
      ] as const,
  ),
  ['openWatch(junk)', (session, value) => closed(session.openWatch?.(value))],
  ['history(junk)', (session, value) => session.history?.(value)],
  ['history(x, junk)', (session, value) => session.history?.('x', value)],
  ['history(x, { limit: junk })', (session, value) => session.history?.('x', { limit: value })],
  ['history(x, { offset: junk })', (session, value) => session.history?.('x', { offset: value })],
  ['rollback(junk, 0)', (session, value) => session.rollback?.(value, 0)],
  ['rollback(x, junk)', (session, value) => session.rollback?.('x', value)],
  ['rollback(x, 0, junk)', (session, value) => session.rollback?.('x', 0, value)],
  ['rollback(x, 0, { reason: junk })', (session, value) => session.rollback?.('x', 0, { reason: value })],
  ['modify(junk, change)', (session, value) => session.modify?.(value, () => 1)],
  ['modify(x, junk)', (session, value) => session.modify?.('x', value)],
  ['modify(x, change, junk)', (session, value) => session.modify?.('x', () => 1, value)],
  ['modify(x, change, { attempts: junk })', (session, value) => session.modify?.('x', () => 1, { attempts: value })],
  ['setConstraints(junk, {})', (session, value) => session.setConstraints?.(value, {})],
  ['setConstraints(n, junk)', (session, value) => session.setConstraints?.('n', value)],
  ['setReadOnly(x, junk)', (session, value) => session.setReadOnly?.('x', value === true ? 1 : value)],
  ['setPermissions(x, junk)', (session, value) => session.setPermissions?.('x', value)],
  ['setPermissions(x, [junk])', (session, value) => session.setPermissions?.('x', [value])],
  ['checkAccess(junk, read)', (session, value) => session.checkAccess?.(value, 'read')],
  ['checkAccess(x, junk)', (session, value) => session.checkAccess?.('x', value)],
  ['checkAccess(x, read, junk)', (session, value) => session.checkAccess?.('x', 'read', value)],
  ['addDependency(junk, x)', (session, value) => session.addDependency?.(value, 'x')],
  ['addDependency(x, junk)', (session, value) => session.addDependency?.('x', value)],
  ['addDependency(x, n, { type: junk })', (session, value) => session.addDependency?.('x', 'n', { type: value })],
  [
    'addDependency(x, n, { metadata: junk })',
    (session, value) => session.addDependency?.('x', 'n', { metadata: value }),
  ],
  ['removeDependency(junk, junk)', (session, value) => session.removeDependency?.(value, value)],
  ['dependencies(junk)', (session, value) => session.dependencies?.(value)],
  ['dependents(x, junk)', (session, value) => session.dependents?.('x', value)],
  ['compute(x, junk)', (session, value) => session.compute?.('x', value)],
  ['stats(junk)', (session, value) => session.stats?.(value)],
  ['audit(junk)', (session, value) => session.audit?.(value)],
  ['audit({ limit: junk })', (session, value) => session.audit?.({ limit: value })],
  ['export(junk)', (session, value) => session.export?.(value)],
  ['export({ format: junk })', (session, value) => session.export?.({ format: value })],
  ['export({ filterPattern: junk })', (session, value) => session.export?.({ filterPattern: value })],
  ['import(junk)', (session, value) => session.import?.(value)],
  ['import(bytes, junk)', (session, value) => session.import?.(new TextEncoder().encode('{}'), value)],
  ['import(bytes, { format: junk })', (session, value) => session.import?.(new Uint8Array(3), { format: value })],
  [
    'import(bytes, { mergeStrategy: junk })',
    (session, value) => session.import?.(new TextEncoder().encode('{}'), { mergeStrategy: value }),
  ],
  ['execute(junk)', (session, value) => session.execute?.(value)],
  ['execute({ type: junk })', (session, value) => session.execute?.({ type: value, source: 'test' })],
  [
    'execute({ requestId: junk })',
    (session, value) =>
      session.execute?.({ type: 'variable.set', variable: 'x', value: 1, source: 'test', requestId: value }),
  ],
  [
    'execute({ kind: junk })',
    (session, value) =>
      session.execute?.({ type: 'variable.set', variable: 'x', value: 1, source: 'test', kind: value }),
  ],
  [
    'execute(command, junk)',
    (session, value) => session.execute?.({ type: 'variable.set', variable: 'x', value: 1, source: 'test' }, value),
  ],
];

/** Closes a watch that was opened after all. */
function closed(watch: unknown): unknown {
  const opened = Object(watch);
  if (typeof opened.return === 'function') void opened.return();
  else if (typeof opened.close === 'function') opened.close();
  return watch;
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    const result = call();
    return result instanceof Promise ? await result : 'returned';
  } catch (error) {
    return error;
  }
}

async function isSound(session: Session): Promise<void> {
  const { version } = session.variable('n');
  expect(await session.set('n', 1)).toMatchObject({ version: version + 1 });
}

describe.each(calls)('session.%s', (_name, call) => {
  test('answers junk with a typed error or with sense, and the session lives on', async () => {
    const { session, supervisor, wheelFailures } = await aSession();
    for (const value of junk) {
      const result = await outcome(() => call(loose(session), value));
      if (result instanceof Error) {
        expect(result).toBeInstanceOf(CoilyardError);
        expect(result.message.length).toBeLessThan(1000);
      }
    }
    await isSound(session);
    expect(wheelFailures).toEqual([]);
    expect(supervisor.lives).toHaveLength(1);
  });
});

const optionsOf = (options: unknown): [string, unknown][] => [
  ['options', options],
  ['id', { id: options }],
  ['ttlMs', { ttlMs: options }],
  ['metadata', { metadata: options }],
  ['owner', { owner: options }],
];

test('sessions.start and find answer junk with a typed error or a session', async () => {
  const { sessions } = aHost();
  for (const value of junk)
    for (const [, options] of optionsOf(value)) {
      const result = await outcome(() => loose(sessions).start?.(options));
      if (result instanceof Error) expect(result).toBeInstanceOf(CoilyardError);
    }
  for (const value of junk) {
    const result = await outcome(() => loose(sessions).find?.(value));
    if (result instanceof Error) expect(result).toBeInstanceOf(CoilyardError);
  }
  expect((await sessions.start({ id: 'still' })).id).toBe('still');
});

test('session.stop with junk for options is refused and stops nothing', async () => {
  const { session } = await aSession();
  for (const value of [null, 5, 'keep', true]) {
    const error = await failure(loose(session).stop?.(value) as Promise<unknown>);
    expect(error.code).toBe('invalid_argument');
  }
  await isSound(session);
});

test.each([
  ['a Map', new Map([['x', 1]])],
  ['a list', [1]],
  ['a text', 'xn'],
  ['an instance', new (class Mine {})()],
])('update with %s is refused instead of writing nothing, or something else', async (_name, values) => {
  const { session } = await aSession();
  expect(await failure(loose(session).update?.(values) as Promise<unknown>)).toMatchObject({
    code: 'invalid_argument',
    details: { field: 'values' },
  });
});

test('a watch of a text is refused instead of watching its letters', async () => {
  const { session } = await aSession();
  const result = await outcome(() => loose(session).watch?.('xn'));
  expect(result).toMatchObject({ code: 'invalid_argument', details: { field: 'variables' } });
});

describe('an object that throws when it is looked at', () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {});
  revoke();
  const trap = {
    get trap(): number {
      throw new Error('a trap');
    },
  };

  test.each<[string, (session: Loose) => unknown]>([
    ['a name', (session) => session.get?.(revoked)],
    ['a name to write', (session) => session.set?.(revoked, 1)],
    ['a value', (session) => session.set?.('x', revoked)],
    ['a value with a trap', (session) => session.set?.('x', trap)],
    ['metadata', (session) => session.set?.('x', 1, { metadata: revoked })],
    ['metadata with a trap', (session) => session.set?.('x', 1, { metadata: trap })],
    ['constraints', (session) => session.register?.('new', 'float', 1, { constraints: revoked })],
    ['a registration', (session) => session.registerMany?.([revoked])],
    [
      'a command',
      (session) =>
        session.execute?.({ type: 'variable.set', source: 'test', variable: 'x', value: trap, kind: revoked }),
    ],
  ])('is answered with a typed error as %s, and the session lives on', async (_name, call) => {
    const { session } = await aSession();
    const result = await outcome(() => call(loose(session)));
    expect(result).toBeInstanceOf(CoilyardError);
    await settle();
    await isSound(session);
  });
});

describe('data whose getters throw', () => {
  const trap = (key: string): Record<string, never> =>
    Object.defineProperty({}, key, {
      enumerable: true,
      get: () => {
        throw new Error('trap');
      },
    });

  test.each<[string, string, (session: Session) => Promise<unknown>]>([
    [
      'constraints',
      'variables[0].constraints.min',
      (session) => session.register('a', 'float', 1, { constraints: trap('min') }),
    ],
    ['new constraints', 'constraints.min', (session) => session.setConstraints('x', trap('min'))],
    [
      'access rules',
      'variables[0].accessRules[0].sessionPattern',
      // @ts-expect-error: from plain JavaScript
      (session) => session.register('a', 'float', 1, { accessRules: [trap('sessionPattern')] }),
    ],
    [
      'dependencies',
      'variables[0].dependencies[0].variable',
      // @ts-expect-error: from plain JavaScript
      (session) => session.register('a', 'float', 1, { dependencies: [trap('variable')] }),
    ],
    [
      'registrations',
      'variables[1].name',
      // @ts-expect-error: from plain JavaScript
      (session) => session.registerMany([{ name: 'a', type: 'list', initialValue: [] }, trap('name')]),
    ],
    ['maps', 'value.deep[1].key', (session) => session.register('a', 'map', { deep: [1, trap('key')] })],
    ['metadata', 'metadata.deep.key', (session) => session.set('x', 1, { metadata: { deep: trap('key') } })],
  ])('%s are refused by the place that throws, and the session lives on', async (_what, field, write) => {
    const { session } = await aSession();
    expect(await failure(write(session))).toMatchObject({
      code: 'validation_failed',
      execution: 'not_started',
      details: { field, actual: '"trap"' },
    });
    expect(session.revision).toBe(1);
    await expect(session.set('x', 2)).resolves.toMatchObject({ version: 1 });
  });

  test('a message to the actor with such a field is passed over', async () => {
    const { session } = await aSession();
    // @ts-expect-error: from plain JavaScript
    session.actor.send(Object.assign(trap('variable'), { type: 'variable.set', value: 5 }));
    await settle();
    expect(session.get('x')).toBe(0);
    await expect(session.set('x', 2)).resolves.toMatchObject({ version: 1 });
  });
});

import { describe, expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { defineType } from '../../../src/variables/types/define-type.js';
import { TypeRegistry } from '../../../src/variables/types/registry.js';
import { hostSessions } from '../../support/session-host.js';
import { aSession, failure, Reader, thrown } from './harness.js';

describe('modify', () => {
  test('loses no update however many write at once', async () => {
    const { session } = await aSession();
    const writers = Array.from({ length: 50 }, () => session.modify('n', (value) => Number(value) + 1));
    await Promise.all(writers);
    expect([session.get('n'), session.variable('n').version]).toEqual([50, 50]);
  });

  test('gives up after so many attempts with the last refusal, and at once on any other', async () => {
    const { session } = await aSession();
    let calls = 0;
    const racing = session.modify(
      'n',
      async (value) => {
        calls += 1;
        await session.set('n', Number(value) + 100);
        return 0;
      },
      { attempts: 3 },
    );
    expect(await failure(racing)).toMatchObject({ code: 'optimistic_lock_failure' });
    expect(calls).toBe(3);
    expect((await failure(session.modify('n', () => 'text'))).code).toBe('validation_failed');
    await expect(
      session.modify('n', () => {
        throw new RangeError('mine');
      }),
    ).rejects.toThrow('mine');
  });
});

describe('a computed variable of a session', () => {
  test('changes with its dependency at one revision, also as a watch sees it', async () => {
    const { session } = await aSession();
    await session.register('double', 'float', undefined, { dependencies: ['x'], compute: ({ x }) => Number(x) * 2 });
    const reader = new Reader(session.watch(['x', 'double']));
    await session.set('x', 4);
    await settle();
    expect(reader.story).toEqual(['updated x 4 @3', 'updated double 8 @3']);
    expect(session.dependencies('double')).toMatchObject([{ name: 'x', type: 'data', from: 'double', to: 'x' }]);
    expect(session.dependents('x', { transitive: true })).toMatchObject([{ name: 'double' }]);
  });

  test('keeps its function over a crash of the actor', async () => {
    const { session, supervisor } = await aSession();
    await session.register('double', 'float', undefined, { dependencies: ['x'], compute: ({ x }) => Number(x) * 2 });
    supervisor.kill();
    await settle();
    await session.set('x', 5);
    expect(session.get('double')).toBe(10);
  });

  test('needs its function again in another process', async () => {
    const { session, sessions } = await aSession();
    await session.register('double', 'float', undefined, { dependencies: ['x'], compute: ({ x }) => Number(x) * 2 });
    await session.stop({ keep: true });
    const again = await sessions.find('a');
    expect((await failure(again.set('x', 5))).details).toMatchObject({ variable: 'double', computed: true });
    await again.compute('double', ({ x }) => Number(x) * 3);
    await again.set('x', 5);
    expect(again.get('double')).toBe(15);
  });

  test('whose function fails refuses the write, and the session lives on', async () => {
    const { session, heard } = await aSession();
    const crashes = heard('session.crashed');
    await session.register('root', 'float', undefined, {
      dependencies: ['x'],
      compute: ({ x }) => {
        if (Number(x) < 0) throw new RangeError('no root of a negative number');
        return Math.sqrt(Number(x));
      },
    });
    expect(await failure(session.set('x', -1))).toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('no root'),
    });
    await session.set('x', 9);
    expect([session.get('root'), crashes]).toEqual([3, []]);
  });
});

describe('statistics', () => {
  test('count reads and writes of a variable and of the session', async () => {
    const { session } = await aSession();
    for (let index = 1; index <= 5; index += 1) await session.set('x', index);
    for (let index = 0; index < 7; index += 1) session.get('x');
    session.get('n');
    expect(session.stats('x')).toMatchObject({ readCount: 7, writeCount: 5, averageReadMs: 0 });
    expect(session.stats()).toMatchObject({ readCount: 8, writeCount: 5, variableCount: 2, optimizationMs: 0 });
    await session.delete('x');
    expect(session.stats()).toMatchObject({ writeCount: 5, variableCount: 1 });
    expect(thrown(() => session.stats('x')).code).toBe('variable_not_found');
  });

  test('add up what optimizers say that they took', async () => {
    const { session } = await aSession();
    await session.set('x', 1, { metadata: { optimizer_id: 'study', duration_ms: 30 } });
    await session.set('x', 2, { metadata: { optimizer_id: 'study', duration_ms: 12, metrics: { score: 1 } } });
    await session.set('x', 3, { metadata: { duration_ms: 1000 } });
    expect([session.stats('x').optimizationMs, session.stats().optimizationMs]).toEqual([42, 42]);
    expect(session.optimizationHistory('x')).toMatchObject([
      { version: 1, value: 1, optimizerId: 'study', metrics: {} },
      { version: 2, value: 2, optimizerId: 'study', metrics: { score: 1 } },
    ]);
    expect(session.optimizationHistory('x', { limit: 1 })).toMatchObject([{ version: 2 }]);
  });
});

describe('an export of a session', () => {
  test.each(['json', 'yaml'] as const)('in %s is what another session imports', async (format) => {
    const { session, sessions } = await aSession();
    await session.set('x', 2);
    await session.addDependency('x', 'n', { type: 'constraint' });
    const bytes = await session.export({ format, includeHistory: true });
    const other = await sessions.start({ id: 'b' });
    expect(await other.import(bytes, { format, dryRun: true })).toMatchObject({ imported: 2, revision: 0 });
    expect(await other.import(bytes, { format })).toMatchObject({ imported: 2, skipped: 0, errors: 0, revision: 1 });
    expect(other.history('x').map(({ version, value }) => [version, value])).toEqual([
      [1, 2],
      [0, 0],
    ]);
    expect(other.dependencies('x')).toMatchObject([{ name: 'n', type: 'constraint' }]);
    expect(await other.rollback('x', 0)).toEqual({ version: 2, revision: 2 });
  });

  test('survives a restart of the session that imported it', async () => {
    const { session, sessions, supervisor } = await aSession();
    await session.set('x', 2);
    const other = await sessions.start({ id: 'b' });
    await other.import(await session.export({ includeHistory: true }));
    supervisor.kill();
    await other.touch();
    await other.set('x', 3);
    expect(other.history('x').map(({ version }) => version)).toEqual([2, 1, 0]);
  });
});

describe('a type of a user', () => {
  class Point {
    constructor(
      readonly x: number,
      readonly y: number,
    ) {}
  }
  const point = defineType<Point>({
    name: 'point',
    cast: (value) => {
      if (!(value instanceof Point)) throw new Error('not a point');
      return value;
    },
    serialize: ({ x, y }) => [x, y],
    deserialize: (data) => {
      if (!Array.isArray(data)) throw new Error('not a stored point');
      return new Point(Number(data[0]), Number(data[1]));
    },
  });

  test('is what users put in wherever they take it out', async () => {
    const { sessions } = hostSessions({ types: new TypeRegistry([point]) });
    const session = await sessions.start();
    await session.register('p', 'point', new Point(1, 2));
    const seen: unknown[] = [];
    session.observe('p', ({ value, oldValue }) => seen.push(value, oldValue));
    const reader = new Reader(session.watch(['p'], { includeInitial: true }));
    const pin = session.pin();
    await session.modify('p', (value) => (value instanceof Point ? new Point(value.x + 1, value.y) : undefined));
    await settle();
    const [before, after] = [new Point(1, 2), new Point(2, 2)];
    expect([session.get('p'), session.variable('p').value, pin.get('p')]).toEqual([after, after, before]);
    expect(session.history('p').map(({ value }) => value)).toEqual([after, before]);
    expect(seen).toEqual([after, before]);
    expect(reader.updates.map(({ value }) => value)).toEqual([before, after]);
    expect(session.lookUp('p')?.value).toEqual([2, 2]);
  });

  test('whose cast throws refuses the write, and the session lives on', async () => {
    const { sessions, telemetry } = hostSessions({ types: new TypeRegistry([point]) });
    const crashes: unknown[] = [];
    telemetry.on('session.crashed', (fields) => crashes.push(fields));
    const session = await sessions.start();
    await session.register('p', 'point', new Point(1, 2));
    expect(await failure(session.set('p', 5))).toMatchObject({ code: 'validation_failed', details: { variable: 'p' } });
    expect([session.get('p'), crashes]).toEqual([new Point(1, 2), []]);
  });
});

test('an observer hears of the end of a session whose state goes with it, and not of one that is kept', async () => {
  const { session, sessions } = await aSession();
  const seen: string[] = [];
  session.observe('x', ({ type, oldValue }) => seen.push(`${type} ${oldValue}`));
  await session.set('x', 1);
  await session.stop({ keep: true });
  expect(seen).toEqual(['updated 0']);
  const again = await sessions.find('a');
  again.observe('x', ({ type, oldValue }) => seen.push(`${type} ${oldValue}`));
  await again.stop();
  expect(seen).toEqual(['updated 0', 'deleted 1']);
});

test('a list can be read by pages', async () => {
  const { session } = await aSession();
  await session.registerMany(
    Array.from({ length: 10 }, (_, index) => ({
      name: `v${index}`,
      type: 'float',
      initialValue: 0,
      metadata: { index },
    })),
  );
  expect(session.list({ pattern: 'v*', limit: 3, offset: 6 }).map(({ name }) => name)).toEqual(['v6', 'v7', 'v8']);
  expect(session.list({ pattern: 'v1', includeMetadata: false })[0]?.metadata).toEqual({});
});

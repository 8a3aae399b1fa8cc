import { describe, expect, test } from 'vitest';
import type { Optimizer } from '../../../src/optimizers/algorithms/optimizer.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHouse, Counting, expectFree, nextTrial, nothing, stateOf } from './harness.js';
import { failure } from '../sessions/harness.js';

const never = () => new Promise<never>(() => {});

describe('a run ends', () => {
  test('when all its trials have ended, failed ones included, and commits the best', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: (value) => {
        if (value === 3) throw new Error('no luck');
        return -Math.abs(Number(value) - 2);
      },
      maxIterations: 5,
    });
    const status = await run.ended;
    expect(status).toMatchObject({ reason: 'max_iterations', iteration: 5, bestScore: -0, error: '', conflicts: [] });
    expect([...status.committed]).toEqual([['x', 1]]);
    expect(house.session.variable('x')).toMatchObject({
      value: 2,
      version: 1,
      metadata: { source: 'optimizer', optimizer_id: run.id, iteration: 3, reason: 'max_iterations' },
    });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('without a commit when all its trials have failed', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: () => NaN, maxIterations: 3 });
    expect(await run.ended).toMatchObject({
      reason: 'max_iterations',
      iteration: 3,
      bestScore: null,
      committed: new Map(),
    });
    expect(house.session.variable('x')).toMatchObject({ value: 0, version: 0 });
    await expectFree(house);
  });

  test('when the best score does not get better', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: (value) => Math.min(Number(value), 2),
      convergenceThreshold: 0.5,
      patience: 3,
      maxIterations: 100,
    });
    expect(await run.ended).toMatchObject({ reason: 'converged', iteration: 6, bestScore: 2 });
    expect(house.session.get('x')).toBe(2);
  });

  test('by no plateau of one that is to try all there is', async () => {
    const house = await aHouse();
    const sweeping: Optimizer = Object.assign(new Counting(20), { sweeps: true });
    const run = await house.start(sweeping, {
      objective: () => 1,
      convergenceThreshold: 0.5,
      patience: 3,
      maxIterations: 100,
    });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 21 });
  });

  test('when the optimizer says so', async () => {
    const house = await aHouse();
    const optimizer = new Counting();
    const stopping: Optimizer = {
      ask: () => optimizer.ask(),
      tell: (values, result) => optimizer.tell(values, result),
      shouldStop: async () => optimizer.told.length === 3,
    };
    const run = await house.start(stopping, { objective: (value) => Number(value), maxIterations: 100 });
    expect(await run.ended).toMatchObject({ reason: 'converged', iteration: 3 });
  });

  test('when there is nothing more to try, and not before what is under way has ended', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(1), { parallel: 5, maxIterations: 100 });
    const [one, two] = [await nextTrial(run, 'one'), await nextTrial(run, 'two')];
    const waiting = run.ask('three');
    expect(await stateOf(waiting)).toBe('pending');
    await run.tell(one, 1, 'one');
    expect(run.status().isOptimizing).toBe(true);
    await run.tell(two, 3, 'two');
    expect(await waiting).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'exhausted', iteration: 2, bestScore: 3 });
  });

  test('at once when there is nothing to try but what was there', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(0), { objective: () => 1 });
    expect(await run.ended).toMatchObject({ reason: 'exhausted', iteration: 1 });
  });

  test('when its time is up, however long a trial takes', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: (value) => (value === 0 ? 1 : never()),
      timeoutMs: 60_000,
    });
    await house.clock.advance(59_999);
    expect(run.status().isOptimizing).toBe(true);
    await house.clock.advance(1);
    expect(await run.ended).toMatchObject({ reason: 'timeout', iteration: 1, bestScore: 1 });
    expect(house.session.variable('x').metadata).toMatchObject({ reason: 'timeout' });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('when it is stopped, although its objective never answers and does not listen', async () => {
    const house = await aHouse();
    const aborted: unknown[] = [];
    const run = await house.start(new Counting(), {
      objective: (_value, { signal }) => {
        signal.addEventListener('abort', () => aborted.push(signal.reason));
        return never();
      },
    });
    await settle();
    const status = await house.optimizers.stop(house.session, 'x');
    expect(status).toMatchObject({ reason: 'stopped', iteration: 0, bestScore: null, isOptimizing: false });
    expect(aborted).toMatchObject([{ code: 'cancelled' }]);
    expect(await run.ended).toEqual(status);
    expect(await house.leftovers()).toEqual(nothing);
    await expectFree(house);
  });

  test('once: whoever stops it again is told how it has ended', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    await run.tell(trial, 1);
    const [status, again] = await Promise.all([run.stop(), run.stop()]);
    expect(again).toEqual(status);
    expect(await run.stop()).toEqual(status);
    expect(house.session.variable('x').version).toBe(1);
    expect(await failure(house.optimizers.stop(house.session, 'x'))).toMatchObject({ code: 'not_optimizing' });
  });

  test('for its own caller also when its variable is gone, or another run has it', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: () => 1, maxIterations: 1 });
    const status = await run.ended;
    const next = await house.start(new Counting());
    expect(await run.stop()).toEqual(status);
    expect(next.status().isOptimizing).toBe(true);
    await next.stop();
    await house.session.delete('x');
    expect((await run.stop()).reason).toBe('max_iterations');
  });

  test('when a signal says so, also one that had said so before', async () => {
    const house = await aHouse();
    const stopping = new AbortController();
    const { signal } = stopping;
    const first = await house.start(new Counting(), { objective: never, signal });
    stopping.abort();
    expect(await first.ended).toMatchObject({ reason: 'stopped' });
    const second = await house.start(new Counting(), { objective: never, signal });
    expect(await second.ended).toMatchObject({ reason: 'stopped' });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('and takes its hands off the signal of its caller', async () => {
    const house = await aHouse();
    const listening = new Set<unknown>();
    const { signal } = new AbortController();
    const counted = new Proxy(signal, {
      get: (target, name) => {
        if (name === 'addEventListener') return (_type: string, listener: unknown) => listening.add(listener);
        if (name === 'removeEventListener') return (_type: string, listener: unknown) => listening.delete(listener);
        return Reflect.get(target, name, target);
      },
    });
    const run = await house.start(new Counting(), { signal: counted });
    expect(listening.size).toBe(1);
    await run.stop();
    await settle();
    expect(listening.size).toBe(0);
  });

  test('in the middle of a start of another: exactly one has the variable', async () => {
    const house = await aHouse();
    const starts = await Promise.allSettled([1, 2, 3].map(() => house.start(new Counting())));
    expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const [won] = starts;
    if (won?.status !== 'fulfilled') throw new Error('nobody has won');
    for (const lost of starts.slice(1))
      expect(lost).toMatchObject({ reason: { code: 'already_optimizing', details: { optimizationId: won.value.id } } });
    await won.value.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('a run over several variables', () => {
  test('has all of them or none', async () => {
    const house = await aHouse();
    const holder = await house.start(new Counting(), { on: 'y' });
    const both = { on: ['x', 'y'] };
    expect(await failure(house.start(new Counting(9, 2), both))).toMatchObject({ code: 'already_optimizing' });
    await holder.stop();
    const run = await house.start(new Counting(9, 2), {
      ...both,
      objective: (_value, { values }) => Number(values.get('x')) + Number(values.get('y')),
      maxIterations: 3,
    });
    const status = await run.ended;
    expect([...status.committed]).toEqual([
      ['x', 1],
      ['y', 1],
    ]);
    expect([house.session.get('x'), house.session.get('y')]).toEqual([2, 2]);
  });

  test('commits all of them at one revision, as watchers see it', async () => {
    const house = await aHouse();
    const watcher = house.session.openWatch({});
    const run = await house.start(new Counting(9, 2), {
      on: ['x', 'y'],
      objective: (_value, { values }) => values.get('x'),
      maxIterations: 3,
    });
    await run.ended;
    const updates = watcher.take()?.updates.filter(({ type }) => type === 'updated') ?? [];
    expect(updates.map(({ name, revision }) => [name, revision - house.session.revision])).toEqual([
      ['x', 0],
      ['y', 0],
    ]);
    watcher.close();
  });
});

describe('a start is refused, and nothing is held', () => {
  const refusals: Readonly<Record<string, readonly [options: object, code: string]>> = {
    'when there is no such optimizer': [{ optimizer: 'magic' }, 'invalid_argument'],
    'when a setting is wrong': [{ maxIterations: 0 }, 'invalid_argument'],
    'when the optimizer does not know a key': [{ optimizer: 'random_search', config: { sede: 1 } }, 'invalid_argument'],
    'when there is no such variable': [{ on: 'z' }, 'variable_not_found'],
    'when one of the variables is missing': [{ on: ['x', 'z'] }, 'variable_not_found'],
    'when a variable is named twice': [{ on: ['x', 'x'] }, 'invalid_argument'],
    'when no variable is named': [{ on: [] }, 'invalid_argument'],
    'when a tool is to try what a client brings': [{ external: true, objective: () => 1 }, 'invalid_argument'],
    'when the source is none': [{ source: 5 }, 'invalid_argument'],
  };

  test.each(Object.entries(refusals))('%s', async (_what, [options, code]) => {
    const house = await aHouse();
    const { revision } = house.session;
    expect(await failure(house.start(new Counting(), options))).toMatchObject({ code });
    expect(house.session.revision).toBe(revision);
    expect(await house.leftovers()).toEqual(nothing);
    await expectFree(house);
  });

  test.each([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 5],
    ['an object that cannot be told', () => ({ ask: () => ({ type: 'done' }) })],
    ['a promise', async () => new Counting()],
    ['one whose sweeps is no flag', () => Object.assign(new Counting(), { sweeps: 'yes' })],
    [
      'nothing, but throws',
      () => {
        throw new Error('no optimizer today');
      },
    ],
    [
      'what cannot be looked at',
      () => ({
        get ask() {
          throw new Error('do not look');
        },
      }),
    ],
  ])('when a factory makes %s', async (_what, make) => {
    const house = await aHouse();
    const optimizer = Reflect.apply(house.register, house, [make]);
    expect(await failure(house.optimizers.start(house.session, 'x', { optimizer }))).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'optimizer' },
    });
    await expectFree(house);
  });

  test('when a variable is read-only, or computed', async () => {
    const house = await aHouse();
    await house.session.setReadOnly('x', true);
    expect(await failure(house.start(new Counting()))).toMatchObject({ code: 'read_only' });
  });

  test('when its session has gone', async () => {
    const house = await aHouse();
    await house.session.stop();
    expect(await failure(house.start(new Counting()))).toMatchObject({ code: 'session_not_found' });
  });
});

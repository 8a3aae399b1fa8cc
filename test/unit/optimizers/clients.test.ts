import { describe, expect, test } from 'vitest';
import { aHouse, Counting, expectFree, nextTrial, nothing, stateOf, tried } from './harness.js';
import { failure } from '../sessions/harness.js';

const LEASE_MS = 15_000;

describe('a run whose clients try the values', () => {
  test('ends when none of them has been heard of for its lease, with a trial under way or not', async () => {
    for (const begins of [false, true]) {
      const house = await aHouse();
      const run = await house.start(new Counting());
      if (begins) await nextTrial(run);
      await house.clock.advance(LEASE_MS - 1);
      expect(run.status().isOptimizing).toBe(true);
      await house.clock.advance(1);
      expect(await run.ended).toMatchObject({ reason: 'lease_expired', iteration: 0, committed: new Map() });
      expect(await house.leftovers()).toEqual(nothing);
      await expectFree(house);
    }
  });

  test('commits nothing then, although it has found something better', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await run.tell(await nextTrial(run), 1);
    await run.tell(await nextTrial(run), 2);
    await house.clock.advance(LEASE_MS);
    expect(run.status()).toMatchObject({ reason: 'lease_expired', bestScore: 2, committed: new Map() });
    expect(house.session.get('x')).toBe(0);
  });

  test('sets back what a trial has set then', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { applyTrials: true });
    await run.tell(await nextTrial(run), 1);
    await nextTrial(run);
    expect(house.session.get('x')).toBe(1);
    await house.clock.advance(LEASE_MS);
    expect(house.session.get('x')).toBe(0);
    expect(run.status()).toMatchObject({ reason: 'lease_expired' });
  });

  test('goes on while one of them renews, asks or tells', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    for (const sign of [() => run.renew(), () => nextTrial(run), () => run.tell(trial, 1), () => run.renew('other')]) {
      await house.clock.advance(LEASE_MS - 1);
      await sign();
    }
    await house.clock.advance(LEASE_MS - 1);
    expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 1 });
    await house.clock.advance(1);
    expect(run.status()).toMatchObject({ reason: 'lease_expired' });
  });

  test('goes on while one waits for a trial', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await nextTrial(run, 'one');
    const waiting = run.ask('two');
    await house.clock.advance(LEASE_MS - 1);
    run.renew('one');
    await house.clock.advance(LEASE_MS - 1);
    expect(await stateOf(waiting)).toBe('pending');
    expect(run.status().isOptimizing).toBe(true);
    await run.stop();
    expect(await waiting).toBeUndefined();
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('has the lease that it asked for', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { leaseMs: 500 });
    expect(run.status().leaseMs).toBe(500);
    await house.clock.advance(500);
    expect(run.status()).toMatchObject({ reason: 'lease_expired' });
  });

  test('has none when the runtime itself tries the values', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: () => new Promise(() => {}) });
    expect(run.status().leaseMs).toBe(0);
    await house.clock.advance(100 * LEASE_MS);
    expect(run.status().isOptimizing).toBe(true);
    expect(house.clock.pendingTimers).toBe(0);
    await run.stop();
  });

  test('tells a client whose trial was under way that it is over', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    await house.clock.advance(LEASE_MS);
    expect(await failure(run.tell(trial, 1))).toMatchObject({ code: 'not_optimizing' });
    expect(await run.ask()).toBeUndefined();
    expect(run.renew()).toMatchObject({ isOptimizing: false });
  });
});

describe('a client that has gone with a trial in hand', () => {
  test('does not hold up those who wait: its trial has failed after the lease, and they go on', async () => {
    const house = await aHouse();
    const optimizer = new Counting();
    const run = await house.start(optimizer, { maxIterations: 2 });
    const lost = await nextTrial(run, 'gone');
    const waiting = nextTrial(run, 'here');
    await house.clock.advance(LEASE_MS - 1);
    expect(await stateOf(waiting)).toBe('pending');
    await house.clock.advance(1);
    const trial = await waiting;
    expect([trial.number, optimizer.told]).toEqual([2, [[0, null]]]);
    await run.tell(trial, 1, 'here');
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 2, bestScore: 1 });
    expect(house.session.optimizationHistory('x')[0]).toMatchObject({
      state: 'failed',
      error: 'its client was not heard of for 15000 ms',
    });
    // It comes back: what it has found counts no more.
    expect(await run.tell(lost, 99, 'gone')).toMatchObject({ trial: { score: null }, status: { bestScore: 1 } });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('does not hold up the end of a run', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 2, parallel: 2 });
    await nextTrial(run, 'gone');
    await run.tell(await nextTrial(run, 'here'), 1, 'here');
    const waiting = run.ask('here');
    await house.clock.advance(2 * LEASE_MS);
    expect(await waiting).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'max_iterations', iteration: 2, bestScore: 1 });
  });

  test('may come back as long as nobody waits for what it has in hand', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { parallel: 2 });
    const slow = await nextTrial(run, 'slow');
    for (let minute = 0; minute < 3; minute += 1) {
      await run.tell(await nextTrial(run, 'quick'), 1, 'quick');
      await house.clock.advance(LEASE_MS - 1);
    }
    expect((await run.tell(slow, 7, 'slow')).trial).toMatchObject({ iteration: 4, score: 7 });
  });

  test('is told what became of its trial when it comes back while the run goes on, and gets another', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const lost = await nextTrial(run, 'gone');
    const waiting = nextTrial(run, 'here');
    await house.clock.advance(LEASE_MS);
    await run.tell(await waiting, 1, 'here');
    expect((await run.tell(lost, 99, 'gone')).trial).toMatchObject({ iteration: 1, score: null });
    expect((await nextTrial(run, 'gone')).number).toBe(3);
  });

  test('is there as long as it renews, or whom it belongs to does', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { parallel: 2 });
    const [one, two] = [await nextTrial(run, 'one'), await nextTrial(run, 'two-1')];
    const waiting = run.ask('three');
    for (let time = 0; time < 10; time += 1) {
      await house.clock.advance(LEASE_MS / 2);
      run.renew('one');
      run.renew('two');
    }
    expect(await stateOf(waiting)).toBe('pending');
    await run.tell(one, 1, 'one');
    await run.tell(two, 1, 'two-1');
    expect(run.status().iteration).toBe(2);
  });
});

describe('a client that asks for nothing yet', () => {
  test('is answered after the time that it has, ten seconds at most', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await nextTrial(run, 'one');
    const ask = (timeoutMs?: number) => house.studies.ask(house.session, run.id, 'two', { timeoutMs });
    expect(await ask(0)).toEqual({ type: 'later' });
    const [short, long] = [ask(100), ask(60_000)];
    await house.clock.advance(100);
    expect(await short).toEqual({ type: 'later' });
    await house.clock.advance(9_900);
    expect(await long).toEqual({ type: 'later' });
    await run.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('is given a trial at once when there is one, although it has no time', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    expect(await house.studies.ask(house.session, run.id, 'one', { timeoutMs: 0 })).toMatchObject({ type: 'trial' });
  });

  test('may give up, and nothing of it is left', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run, 'one');
    const giving = new AbortController();
    const asked = house.studies.ask(house.session, run.id, 'two', { signal: giving.signal });
    giving.abort();
    expect(await stateOf(asked)).toBe('cancelled');
    await run.tell(trial, 1, 'one');
    expect(tried(await nextTrial(run, 'three'))).toBe(1);
    await run.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });
});

test('a client that brings values to a run with an optimizer is told that they are not wanted', async () => {
  const { studies, session, start } = await aHouse();
  const { id } = await start(new Counting());
  const values = new Map([['x', { value: 5 }]]);
  const refused = await failure(studies.ask(session, id, 'one', { values }));
  expect(refused).toMatchObject({ code: 'invalid_argument', details: { field: 'values' } });
  expect(await studies.ask(session, id, 'one', { values: new Map() })).toMatchObject({ type: 'trial' });
});

describe('a run whose optimizer is its client', () => {
  const external = async () => {
    const house = await aHouse();
    const { optimizationId: id } = await house.studies.start(house.session, ['x'], {
      optimizer: 'mine',
      external: true,
      maxIterations: 3,
      convergenceThreshold: 0,
    });
    const ask = (value: unknown, name = 'x') =>
      house.studies.ask(house.session, id, 'one', { values: new Map([[name, { value }]]) });
    const tell = (number: number, score: number) =>
      house.studies.tell(house.session, id, 'one', number, { metrics: {}, score });
    return { ...house, id, ask, tell };
  };

  test('tries what it brings, and nothing before', async () => {
    const { ask, tell, session } = await external();
    for (const [index, value] of [7, 9, 8].entries()) {
      expect(await ask(value)).toMatchObject({ trial: { number: index + 1, values: [{ name: 'x', value }] } });
      await tell(index + 1, value);
    }
    expect(session.optimization('x')).toMatchObject({ reason: 'max_iterations', optimizer: 'mine', bestScore: 9 });
    expect(session.get('x')).toBe(9);
  });

  test('is told what is wrong with it, and may bring another', async () => {
    const { ask, studies, session, id } = await external();
    expect(await failure(ask(1001))).toMatchObject({ code: 'constraint_violation' });
    expect(await failure(ask('much'))).toMatchObject({ code: 'validation_failed' });
    expect(await failure(ask(1, 'y'))).toMatchObject({ code: 'invalid_argument' });
    expect(await failure(studies.ask(session, id, 'one'))).toMatchObject({ code: 'invalid_argument' });
    expect(await ask(5)).toMatchObject({ type: 'trial' });
  });

  test('says itself why it ends', async () => {
    const { ask, tell, studies, session, id } = await external();
    await ask(5);
    await tell(1, 5);
    const failed = await studies.stop(session, 'x', { optimizationId: id, reason: 'failed', error: 'singular matrix' });
    expect(failed).toMatchObject({ reason: 'failed', error: 'singular matrix', bestScore: 5, committed: new Map() });
    expect(session.get('x')).toBe(0);
  });
});

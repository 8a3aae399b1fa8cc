import { describe, expect, test } from 'vitest';
import type { Optimizer, Suggestion } from '../../../src/optimizers/algorithms/optimizer.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHouse, Counting, expectFree, nextTrial, nothing, stateOf } from './harness.js';

const never = () => new Promise<never>(() => {});
const broken = () => {
  throw new Error('out of ideas');
};

function* brokenLater() {
  yield;
  broken();
}
function* nonsenseLater() {
  yield;
  return { type: 'candidate' };
}

/** Suggests as {@link Counting} does, but for what a test says. */
function anOptimizer(own: object): Optimizer {
  const counting = new Counting();
  return { ask: () => counting.ask(), tell: (values, result) => counting.tell(values, result), ...own };
}

describe('a run fails, keeps its best in the status, and lets its variable go as it was', () => {
  const faults: Readonly<Record<string, readonly [own: object, error: RegExp]>> = {
    'when ask throws': [{ ask: broken }, /ask of the optimizer failed: out of ideas/],
    'when ask rejects': [{ ask: async () => broken() }, /ask of the optimizer failed: out of ideas/],
    'when ask throws in a later piece': [{ ask: brokenLater }, /ask of the optimizer failed: out of ideas/],
    'when what pieces come to is nonsense': [{ ask: nonsenseLater }, /it suggested/],
    'when ask answers nothing': [{ ask: () => undefined }, /undefined/],
    'when ask answers nonsense': [{ ask: () => ({ type: 'candidate' }) }, /it suggested/],
    'when a value is none that the variable may have': [
      { ask: () => ({ type: 'candidate', values: [1001] }) },
      /suggested what cannot be: .*x/,
    ],
    'when there are too few values': [{ ask: () => ({ type: 'candidate', values: [] }) }, /as many as/],
    'when there are too many values': [{ ask: () => ({ type: 'candidate', values: [1, 2] }) }, /as many as/],
    'when it waits for nothing': [{ ask: () => ({ type: 'wait' }) }, /waits although no trial is under way/],
    'when shouldStop throws': [{ shouldStop: broken }, /shouldStop of the optimizer failed: out of ideas/],
    'when shouldStop rejects': [{ shouldStop: async () => broken() }, /shouldStop of the optimizer failed/],
    'when tell throws': [{ tell: broken }, /tell of the optimizer failed: out of ideas/],
    'when shouldStop throws in a later piece': [{ shouldStop: brokenLater }, /shouldStop of the optimizer failed/],
    'when tell throws in a later piece': [{ tell: brokenLater }, /tell of the optimizer failed: out of ideas/],
    'when tell rejects': [{ tell: async () => broken() }, /tell of the optimizer failed: out of ideas/],
  };

  test.each(Object.entries(faults))('%s', async (_what, [own, error]) => {
    const house = await aHouse();
    const run = await house.start(anOptimizer(own), { objective: () => 7 });
    expect(await run.ended).toMatchObject({
      reason: 'failed',
      error: expect.stringMatching(error),
      iteration: 1,
      bestScore: 7,
      committed: new Map(),
    });
    expect(house.session.variable('x')).toMatchObject({ value: 0, version: 0 });
    expect(await house.leftovers()).toEqual(nothing);
    await expectFree(house);
  });

  test('also for a client that asks, which is told that it is over', async () => {
    const house = await aHouse();
    const run = await house.start(anOptimizer({ ask: broken }));
    await run.tell(await nextTrial(run), 1);
    expect(await run.ask()).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'failed' });
  });
});

describe('an optimizer that never answers', () => {
  const hangs: Readonly<Record<string, Partial<Optimizer>>> = {
    ask: { ask: never },
    tell: { tell: never },
    shouldStop: { shouldStop: never },
  };

  test.each(Object.entries(hangs))('to %s holds up its run, which can be stopped all the same', async (_what, own) => {
    const house = await aHouse();
    const run = await house.start(anOptimizer(own), { objective: () => 7 });
    await settle();
    expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 1 });
    expect(await run.stop()).toMatchObject({ reason: 'stopped', iteration: 1, bestScore: 7 });
    expect(await house.leftovers()).toEqual(nothing);
    await expectFree(house);
  });

  test.each(Object.entries(hangs))('to %s does not outlast the time of its run', async (_what, own) => {
    const house = await aHouse();
    const run = await house.start(anOptimizer(own), { objective: () => 7, timeoutMs: 30_000 });
    await house.clock.advance(30_000);
    expect(await run.ended).toMatchObject({ reason: 'timeout', iteration: 1 });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('has every client sent away in its time, and keeps the run while one asks again', async () => {
    const house = await aHouse();
    const run = await house.start(anOptimizer({ ask: never }), { leaseMs: 5_000, parallel: 3 });
    await run.tell(await nextTrial(run), 1);
    const asked = house.studies.ask(house.session, run.id, 'one', { timeoutMs: 8_000 });
    await house.clock.advance(7_999);
    expect(await stateOf(asked)).toBe('pending');
    await house.clock.advance(1);
    expect(await asked).toEqual({ type: 'later' });
    expect(run.status().isOptimizing).toBe(true);
    // Nobody asks any more.
    await house.clock.advance(5_000);
    expect(run.status()).toMatchObject({ reason: 'lease_expired' });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('lets a client give up at once', async () => {
    const house = await aHouse();
    const run = await house.start(anOptimizer({ ask: never }));
    await run.tell(await nextTrial(run), 1);
    const giving = new AbortController();
    const asked = house.studies.ask(house.session, run.id, 'one', { signal: giving.signal });
    giving.abort();
    expect(await stateOf(asked)).toBe('cancelled');
    await run.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('an optimizer that takes its time', () => {
  test('has its suggestion given to the client that asked for it, although that was sent away meanwhile', async () => {
    const house = await aHouse();
    let suggest: (suggestion: Suggestion) => void = () => {};
    let asked = 0;
    const optimizer = anOptimizer({
      ask: () => {
        asked += 1;
        return new Promise((resolve) => {
          suggest = resolve;
        });
      },
    });
    const run = await house.start(optimizer, { leaseMs: 60_000 });
    await run.tell(await nextTrial(run), 1);
    const first = house.studies.ask(house.session, run.id, 'one', { timeoutMs: 100 });
    await house.clock.advance(100);
    expect(await first).toEqual({ type: 'later' });
    const again = house.studies.ask(house.session, run.id, 'one');
    suggest({ type: 'candidate', values: [5] });
    expect(await again).toMatchObject({ type: 'trial', trial: { number: 2, values: [{ name: 'x', value: 5 }] } });
    expect(asked).toBe(1);
  });

  test('is asked by one client at a time, however many ask', async () => {
    const house = await aHouse();
    let inside = 0;
    let most = 0;
    const counting = new Counting();
    const optimizer = anOptimizer({
      ask: async () => {
        inside += 1;
        most = Math.max(most, inside);
        await settle();
        inside -= 1;
        return counting.ask();
      },
    });
    const run = await house.start(optimizer, { objective: (value) => Number(value), parallel: 5, maxIterations: 20 });
    expect(await run.ended).toMatchObject({ iteration: 20 });
    expect(most).toBe(1);
  });

  test('that waits is asked again after each trial', async () => {
    const house = await aHouse();
    const counting = new Counting();
    const optimizer = anOptimizer({
      ask: () => (counting.told.length < 1 ? { type: 'wait' } : counting.ask()),
      tell: (...told: Parameters<Optimizer['tell']>) => counting.tell(...told),
    });
    const run = await house.start(optimizer, { objective: (value) => Number(value), parallel: 3, maxIterations: 4 });
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 4, bestScore: 3 });
  });
});

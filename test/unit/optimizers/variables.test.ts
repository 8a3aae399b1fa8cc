import { describe, expect, test } from 'vitest';
import type { Permission } from '../../../src/variables/access.js';
import { failure } from '../sessions/harness.js';
import { aHouse, Counting, expectFree, type House, nextTrial, nothing } from './harness.js';

const grant = (sessionPattern: string, ...permissions: Permission[]) => ({ sessionPattern, permissions });

describe('a run that sets the variables for its trials', () => {
  const applying = async (house: House) => house.start(new Counting(), { applyTrials: true });

  test('has each trial read what it tries, and leaves the best', async () => {
    const house = await aHouse();
    const read: unknown[] = [];
    const run = await house.start(new Counting(), {
      applyTrials: true,
      objective: (value, { session }) => {
        read.push([value, session.lookUp('x')?.value]);
        return -Math.abs(Number(value) - 2);
      },
      maxIterations: 4,
    });
    const status = await run.ended;
    expect(read).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(status).toMatchObject({ reason: 'max_iterations', bestScore: -0, conflicts: [] });
    expect(house.session.variable('x')).toMatchObject({ value: 2, version: 5 });
  });

  test('sets back what was there when it fails, with the values of a failed trial too', async () => {
    const house = await aHouse();
    const run = await house.start(
      { ask: () => ({ type: 'candidate', values: [5] }), tell: () => Promise.reject(new Error('broken')) },
      { applyTrials: true },
    );
    await run.fail(await nextTrial(run), 'no luck');
    expect(run.status()).toMatchObject({ reason: 'failed' });
    expect(house.session.get('x')).toBe(0);
    expect(house.session.history('x')[0]?.metadata).toMatchObject({ optimizer_id: run.id });
  });

  test('ends in a conflict before its first trial when somebody else has written the variable, whose value stays', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await house.session.set('x', 500);
    expect(await run.ask()).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'conflict', iteration: 0, conflicts: ['x'], committed: new Map() });
    expect(house.session.get('x')).toBe(500);
    await expectFree(house);
  });

  test('ends in a conflict between two trials, names the variable, and the value of the other stays', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    await house.session.set('x', 500);
    expect(await run.ask()).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'conflict', iteration: 1, bestScore: 1, conflicts: ['x'] });
    expect(house.session.get('x')).toBe(500);
  });

  test('counts the trial in whose middle somebody has written, and sets no other', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    const trial = await nextTrial(run);
    await house.session.set('x', 500);
    await run.tell(trial, 9);
    expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 2 });
    expect(await run.ask()).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'conflict', bestScore: 9, conflicts: ['x'], committed: new Map() });
    expect(house.session.get('x')).toBe(500);
  });

  test('names the variable when it is stopped after somebody has written it', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    await house.session.set('x', 500);
    expect(await run.stop()).toMatchObject({ reason: 'stopped', conflicts: ['x'], committed: new Map() });
    expect(house.session.get('x')).toBe(500);
  });

  test('sets back the variables that nobody else has written', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(9, 2), { on: ['x', 'y'], applyTrials: true });
    await run.tell(await nextTrial(run), 1);
    await run.tell(await nextTrial(run), 2);
    await house.session.set('x', 500);
    expect(await run.stop()).toMatchObject({ conflicts: ['x'] });
    expect([house.session.get('x'), house.session.get('y')]).toEqual([500, 0]);
  });

  test('sets back what was there although the right was taken from it', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    await nextTrial(run);
    expect(house.session.get('x')).toBe(1);
    await house.session.setPermissions('x', [grant('a', 'read', 'write')]);
    await house.clock.advance(15_000);
    expect(run.status()).toMatchObject({ reason: 'lease_expired', error: '', conflicts: [] });
    expect(house.session.get('x')).toBe(0);
  });

  test('says that it could not set back what was there', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    await nextTrial(run);
    await house.session.setReadOnly('x', true);
    await house.clock.advance(15_000);
    expect(run.status()).toMatchObject({ reason: 'lease_expired', error: 'x is read-only' });
    expect(house.session.get('x')).toBe(1);
  });

  test('fails when a value is not allowed any more, and says why', async () => {
    const house = await aHouse();
    const run = await applying(house);
    await run.tell(await nextTrial(run), 1);
    const trial = await nextTrial(run);
    await house.session.setConstraints('x', { min: 0, max: 1 });
    await run.tell(trial, 2);
    expect(await run.ask()).toBeUndefined();
    expect(run.status()).toMatchObject({ reason: 'failed', error: expect.stringMatching(/x/) });
    await house.session.setConstraints('x', { min: 0, max: 1000 });
    await expectFree(house);
  });
});

describe('a run that does not', () => {
  test('leaves a value that somebody else has written meanwhile, and says so', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    await house.session.set('x', 500);
    await run.tell(trial, 1);
    expect(await run.stop()).toMatchObject({ reason: 'stopped', conflicts: ['x'], committed: new Map(), error: '' });
    expect(house.session.get('x')).toBe(500);
    await expectFree(house);
  });

  test('says why its best value is not allowed any more, and lets go', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: undefined });
    await run.tell(await nextTrial(run), 1);
    await run.tell(await nextTrial(run), 2);
    await house.session.setConstraints('x', { min: 0, max: 0.5 });
    expect(await run.stop()).toMatchObject({
      reason: 'stopped',
      committed: new Map(),
      error: expect.stringMatching(/x.*(0\.5|maximum|at most)/i),
    });
    expect(house.session.get('x')).toBe(0);
    await expectFree(house);
  });

  test('says that the right was taken from it, and lets go', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await run.tell(await nextTrial(run), 1);
    const trial = await nextTrial(run);
    await house.session.setPermissions('x', [grant('a', 'read', 'write')]);
    expect(await failure(run.tell(trial, 2))).toMatchObject({ code: 'permission_denied' });
    expect(await failure(run.stop())).toMatchObject({ code: 'permission_denied' });
    await house.clock.advance(15_000);
    expect(run.status()).toMatchObject({ reason: 'lease_expired', committed: new Map() });
    await house.session.setPermissions('x', []);
    await expectFree(house);
  });

  test('of an objective goes on without the right, and says at its end that nothing could be written', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: async (value) => {
        if (value === 1) await house.session.setPermissions('x', [grant('a', 'read', 'write')]);
        return Number(value);
      },
      maxIterations: 3,
    });
    expect(await run.ended).toMatchObject({
      reason: 'max_iterations',
      bestScore: 2,
      committed: new Map(),
      error: expect.stringMatching(/optimize/),
    });
    expect(house.session.get('x')).toBe(0);
  });

  test('cannot have its variable deleted, nor what would take it along', async () => {
    const house = await aHouse();
    await house.session.addDependency('x', 'y');
    const run = await house.start(new Counting());
    const held = { code: 'already_optimizing', details: { optimizationId: run.id } };
    expect(await failure(house.session.delete('x'))).toMatchObject(held);
    expect(await failure(house.session.delete('y', { cascade: true }))).toMatchObject(held);
    await run.stop();
    await house.session.delete('y', { cascade: true });
    expect(house.session.get('x', undefined)).toBeUndefined();
  });

  test('cannot commit what a computed variable refuses: the value of before stays, and the reason is said', async () => {
    const house = await aHouse();
    await house.session.register('double', 'float', undefined, {
      constraints: { max: 3 },
      dependencies: ['x'],
      compute: ({ x }) => Number(x) * 2,
    });
    const run = await house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 4 });
    expect(await run.ended).toMatchObject({
      reason: 'max_iterations',
      bestScore: 3,
      committed: new Map(),
      error: expect.stringMatching(/double/),
    });
    expect([house.session.get('x'), house.session.get('double')]).toEqual([0, 0]);
    await expectFree(house);
  });
});

test('with trials that are set, what a computed variable refuses ends the run and the value of before is set again', async () => {
  const house = await aHouse();
  await house.session.register('double', 'float', undefined, {
    constraints: { max: 3 },
    dependencies: ['x'],
    compute: ({ x }) => Number(x) * 2,
  });
  const run = await house.start(new Counting(), {
    applyTrials: true,
    objective: (value) => Number(value),
    maxIterations: 4,
  });
  expect(await run.ended).toMatchObject({ reason: 'failed', iteration: 2, error: expect.stringMatching(/double/) });
  expect([house.session.get('x'), house.session.get('double')]).toEqual([0, 0]);
  expect(await house.leftovers()).toEqual(nothing);
});

test('a best value that what follows refuses meanwhile gives way to the value of before', async () => {
  const house = await aHouse();
  let limit = 100;
  await house.session.register('double', 'float', undefined, {
    constraints: { max: 100 },
    dependencies: ['x'],
    compute: ({ x }) => (Number(x) > limit ? 1000 : Number(x)),
  });
  const run = await house.start(new Counting(), { applyTrials: true });
  for (const score of [1, 2, 9, 3]) await run.tell(await nextTrial(run), score);
  limit = 1;
  expect(await run.stop()).toMatchObject({
    reason: 'stopped',
    bestScore: 9,
    committed: new Map(),
    error: expect.stringMatching(/double/),
  });
  expect([house.session.get('x'), house.session.get('double')]).toEqual([0, 0]);
});

describe('watchers of the session', () => {
  test('hear nothing of trials, and of the commit once', async () => {
    const house = await aHouse();
    const watcher = house.session.openWatch({ includeSettings: true });
    watcher.take();
    const from = house.session.revision;
    const run = await house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 50 });
    await run.ended;
    const updates = watcher.take()?.updates ?? [];
    expect(updates.map(({ type, name, value }) => [type, name, value])).toEqual([['updated', 'x', 49]]);
    expect(updates[0]?.revision).toBe(house.session.revision);
    // Start, trials and end are revisions like any other, without a gap.
    expect(house.session.revision - from).toBe(52);
    watcher.close();
  });
});

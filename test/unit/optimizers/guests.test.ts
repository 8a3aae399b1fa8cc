import { describe, expect, test } from 'vitest';
import { Optimizers } from '../../../src/optimizers/optimizers.js';
import { type Permission, permissions } from '../../../src/variables/access.js';
import { failure, thrown } from '../sessions/harness.js';
import { aHouse, Counting, expectFree, nextTrial, nothing, story, tried } from './harness.js';

const grant = (sessionPattern: string, ...granted: Permission[]) => ({ sessionPattern, permissions: granted });

/** A guest that `x` grants what is said, and `y` nothing. */
async function aGuest(...granted: Permission[]) {
  const house = await aHouse();
  await house.session.setPermissions('x', [grant('a', ...permissions), grant('guest', ...granted)]);
  const guest = house.session.as('guest', { onlyByRule: true });
  const optimizer = house.register(() => new Counting());
  const optimizers = new Optimizers(house.studies);
  const start = (on: string | string[], options = {}) =>
    optimizers.start(guest, on, { optimizer, maxIterations: 3, convergenceThreshold: 0, ...options });
  return { ...house, house, guest, start };
}

describe('a guest with the right to optimize', () => {
  test('runs an optimization of its own, with the right to read or without', async () => {
    for (const granted of [['optimize', 'read'], ['optimize']] as const) {
      const { start, session, house } = await aGuest(...granted);
      const run = await start('x', { objective: (value: unknown) => Number(value) });
      expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 3, bestScore: 2 });
      expect(session.variable('x')).toMatchObject({ value: 2, version: 1 });
      expect(await house.leftovers()).toEqual(nothing);
      await expectFree(house);
    }
  });

  test('without the right to read is shown scores, and no value of what was tried before', async () => {
    const { start, guest } = await aGuest('optimize');
    const run = await start('x');
    for (const score of [1, 2, 3]) await run.tell(await nextTrial(run), score);
    expect(run.status()).toMatchObject({ bestScore: 3, bestValues: new Map() });
    expect(await story(run)).toEqual(['1 undefined 1', '2 undefined 2', '3 undefined 3']);
    expect(thrown(() => guest.get('x')).code).toBe('permission_denied');
  });

  test('is given what it has to try', async () => {
    const { start } = await aGuest('optimize');
    const run = await start('x');
    await run.tell(await nextTrial(run), 1);
    expect(tried(await nextTrial(run))).toBe(1);
  });

  test('cannot take what it has no right to, one of several neither', async () => {
    const { start, session } = await aGuest('optimize');
    for (const variables of ['y', 'z', ['x', 'y']])
      expect(await failure(start(variables))).toMatchObject({ code: 'permission_denied' });
    expect(session.optimization('x')).toBeUndefined();
  });

  test('loses the run with the right', async () => {
    const { start, session, clock } = await aGuest('optimize', 'read');
    const run = await start('x');
    const trial = await nextTrial(run);
    await session.setPermissions('x', [grant('a', ...permissions), grant('guest', 'read')]);
    expect(await failure(run.tell(trial, 1))).toMatchObject({ code: 'permission_denied' });
    expect(await failure(run.ask())).toMatchObject({ code: 'permission_denied' });
    expect(thrown(() => run.renew()).code).toBe('permission_denied');
    await clock.advance(15_000);
    expect(session.optimization('x')).toMatchObject({ reason: 'lease_expired' });
  });
});

describe('whoever has no right to optimize', () => {
  test('may look on with the right to read, and do nothing else', async () => {
    const { house, guest, studies } = await aGuest('read');
    const run = await house.start(new Counting());
    const trial = await nextTrial(run, 'one');
    expect(studies.status(guest, 'x')).toMatchObject({ optimizationId: run.id, isOptimizing: true });
    expect(studies.follow(guest, run.id, 0).take(5)).toBeUndefined();
    for (const call of [
      () => studies.ask(guest, run.id, 'one'),
      () => studies.tell(guest, run.id, 'one', trial.number, { metrics: { score: 99 } }),
      async () => studies.renew(guest, run.id, 'one'),
      () => studies.stop(guest, 'x'),
      () => studies.stop(guest, 'x', { optimizationId: run.id }),
    ])
      expect(await failure(call())).toMatchObject({ code: 'permission_denied' });
    expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 0 });
  });

  test('and no right to read learns nothing, not even that there is a run', async () => {
    const { house, guest, studies } = await aGuest('observe');
    const run = await house.start(new Counting());
    for (const call of [() => studies.status(guest, 'x'), () => studies.follow(guest, run.id, 0)])
      expect(thrown(call).code).toBe('permission_denied');
    for (const id of [run.id, 'opt_none'])
      expect(await failure(studies.ask(guest, id, 'one')), id).toMatchObject({
        code: expect.stringMatching(/denied|not_opt/),
      });
  });
});

test('the commands of a run are for its owner, for who has started it, and for who may optimize its variables', async () => {
  const { house, session, guest } = await aGuest('read');
  const run = await house.start(new Counting());
  await nextTrial(run);
  const about = { optimizationId: run.id, source: 'somebody' };
  const record = {
    type: 'optimization.record',
    ...about,
    metrics: {},
    score: 1e9,
    startedAtMs: 0,
    values: [9],
  } as const;
  const end = { type: 'optimization.end', ...about, reason: 'stopped', leaving: 'best' } as const;
  const apply = { type: 'optimization.apply', ...about, values: [9] } as const;
  for (const stranger of [guest, session.as('stranger'), session.as('nobody', { onlyByRule: true })])
    for (const command of [record, apply, end])
      expect(await failure(stranger.execute(command)), command.type).toMatchObject({ code: 'permission_denied' });
  expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 0, bestScore: null });
  await session.setPermissions('x', [grant('a', ...permissions), grant('guest', 'optimize')]);
  expect((await guest.execute(end)).optimization.end).toMatchObject({ reason: 'stopped' });
});

test('an owner whose rules forbid it to observe its own variable may optimize it all the same', async () => {
  const house = await aHouse();
  await house.session.setPermissions('x', [grant('a', 'read', 'optimize')]);
  await expectFree(house);
});

import { describe, expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { failure } from '../sessions/harness.js';
import { ScriptedStore } from '../sessions/scripted-store.js';
import { aHouse, Counting, expectFree, nextTrial, nothing, stateOf, story, tried } from './harness.js';

const never = () => new Promise<never>(() => {});

describe('the session of a run crashes', () => {
  test.each(['throws_before', 'throws_after', 'rejects_before', 'rejects_after', 'garbage', 'breaks_state'] as const)(
    'at any commit, one that %s: each trial counts once and the run ends as it would have',
    async (fate) => {
      // Start, four trials, the end.
      for (let at = 1; at <= 5; at += 1) {
        const store = new ScriptedStore();
        const house = await aHouse({ store });
        const optimizer = new Counting();
        const run = await house.start(optimizer, {
          objective: (value) => {
            if (value === at - 1) store.fates.push(fate);
            return Number(value);
          },
          maxIterations: 5,
        });
        for (let second = 0; second < 60; second += 1) await house.clock.advance(1000);
        expect(await stateOf(run.ended), `${fate} at ${at}`).toBe('resolved');
        expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 5, bestScore: 4 });
        expect(optimizer.told).toHaveLength(5);
        expect(house.session.variable('x')).toMatchObject({ value: 4, version: 1 });
        expect(house.session.optimizationHistory('x').map(({ iteration }) => iteration)).toEqual([1, 2, 3, 4, 5]);
        expect(await house.leftovers()).toEqual(nothing);
      }
    },
  );

  test.each(['throws_after', 'rejects_after', 'breaks_state', 'garbage'] as const)(
    'at the start, which %s: the run begins, once',
    async (fate) => {
      const store = new ScriptedStore();
      const house = await aHouse({ store });
      store.fates.push(fate);
      const starting = house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 2 });
      await house.clock.advance(10_000);
      expect(await (await starting).ended).toMatchObject({ reason: 'max_iterations', iteration: 2 });
      expect(house.processes).toHaveLength(1);
      expect(await house.leftovers()).toEqual(nothing);
    },
  );

  test('in the middle of a trial: nothing is lost', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: async (value) => {
        if (value === 2) house.supervisor.kill();
        return Number(value);
      },
    });
    await house.clock.advance(10_000);
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 5, bestScore: 4 });
  });

  test('while an optimizer thinks: what it suggests is checked when the session can be read again', async () => {
    const store = new ScriptedStore();
    const house = await aHouse({ store });
    house.supervisor.restartsAtOnce = false;
    const counting = new Counting();
    const run = await house.start(
      {
        ask: async () => {
          if (counting.asked === 1) {
            store.fates.push('breaks_state');
            await house.session.set('y', 1).catch(() => undefined);
          }
          return counting.ask();
        },
        tell: (values, result) => counting.tell(values, result),
      },
      { objective: (value) => Number(value), maxIterations: 3 },
    );
    await house.clock.advance(1000);
    await house.supervisor.restart();
    await house.clock.advance(10_000);
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 3, error: '' });
  });

  test('while the optimizer is told of a trial: the objective is not blamed', async () => {
    const store = new ScriptedStore();
    const house = await aHouse({ store });
    house.supervisor.restartsAtOnce = false;
    const counting = new Counting();
    const run = await house.start(
      {
        ask: () => counting.ask(),
        tell: async (values, result) => {
          counting.tell(values, result);
          if (counting.told.length !== 2) return;
          store.fates.push('breaks_state');
          await house.session.set('y', 1).catch(() => undefined);
        },
      },
      { objective: (value) => Number(value), maxIterations: 3 },
    );
    const told = story(run);
    await house.clock.advance(1000);
    await house.supervisor.restart();
    await house.clock.advance(10_000);
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 3, error: '' });
    expect(await told).toEqual(['1 0 0', '2 1 1', '3 2 2']);
  });

  test('for good: the run ends here, what follows it is told so, and the next start takes over', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await run.tell(await nextTrial(run), 1);
    const reader = house.studies.follow(house.session, run.id, 1);
    house.supervisor.restartsAtOnce = false;
    house.supervisor.kill();
    const stopped = run.stop();
    for (let second = 0; second < 90; second += 1) await house.clock.advance(1000);
    expect(await stateOf(stopped)).toBe('resolved');
    expect(await stateOf(run.ended)).toBe('not_optimizing');
    expect(() => reader.take(5)).toThrow(/nobody here carries on/);
    reader.close();
    await house.supervisor.restart();
    expect(run.status().isOptimizing).toBe(true);
    expect(await failure(run.ask())).toMatchObject({ code: 'not_optimizing' });
    await expectFree(house);
    expect(run.status()).toMatchObject({ reason: 'lease_expired' });
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('the session of a run ends', () => {
  test.each([
    ['stopped', { keep: false }],
    ['stopped and kept', { keep: true }],
  ])('because it is %s: the run ends with it, and whoever waits is told', async (_what, options) => {
    const house = await aHouse();
    const aborted: boolean[] = [];
    const driven = await house.start(new Counting(), {
      on: 'y',
      objective: (_value, { signal }) => {
        signal.addEventListener('abort', () => aborted.push(true));
        return never();
      },
    });
    const run = await house.start(new Counting());
    await nextTrial(run, 'one');
    const waiting = failure(run.ask('two'));
    await house.session.stop(options);
    await house.clock.advance(60_000);
    expect(aborted).toEqual([true]);
    expect(await waiting).toMatchObject({ code: 'session_not_found' });
    expect(await stateOf(run.ended)).toBe('session_not_found');
    expect(await stateOf(driven.ended)).toBe('session_not_found');
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('because it expires: the run ends with it', async () => {
    const house = await aHouse();
    const session = await house.sessions.start({ id: 'short', ttlMs: 1000 });
    await session.register('x', 'float', 0);
    const optimizer = house.register(() => new Counting());
    const run = await house.optimizers.start(session, 'x', { optimizer, objective: never });
    await house.clock.advance(5000);
    expect(await stateOf(run.ended)).toBe('session_expired');
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('the process of a run', () => {
  test('is killed: the run fails, and lets its variable go as it was', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { applyTrials: true });
    await run.tell(await nextTrial(run), 1);
    await nextTrial(run);
    expect(house.session.get('x')).toBe(1);
    const waiting = run.ask('two');
    house.processes[0]?.exit(exitReason.killed);
    expect(await run.ended).toMatchObject({
      reason: 'failed',
      error: expect.stringMatching(/killed/),
      committed: new Map(),
    });
    expect(await waiting).toBeUndefined();
    expect(house.session.get('x')).toBe(0);
    expect(await house.leftovers()).toEqual(nothing);
    await expectFree(house);
  });

  test('is not restarted', async () => {
    const house = await aHouse();
    await house.start(new Counting(), { objective: never });
    house.processes[0]?.exit(exitReason.error(new Error('a fault')));
    house.processes[0]?.exit(exitReason.killed);
    await house.clock.advance(60_000);
    expect(house.processes).toHaveLength(1);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('is gone as soon as the run has ended', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    expect(house.tree.tree().children).toMatchObject([{ id: `study:${run.id}` }]);
    await run.stop();
    await settle();
    expect(house.processes[0]?.alive).toBe(false);
    expect(house.tree.tree().children).toEqual([]);
  });
});

describe('the runtime is stopped', () => {
  test('in the middle of runs: they end with that reason and set back what their trials have set', async () => {
    const house = await aHouse();
    const applying = await house.start(new Counting(), { applyTrials: true });
    await applying.tell(await nextTrial(applying), 1);
    await nextTrial(applying);
    const driven = await house.start(new Counting(), { on: 'y', objective: never, timeoutMs: 1000 });
    const waiting = applying.ask('two');
    const report = await house.stopAll();
    expect(report).toMatchObject({ killed: [], failed: [] });
    expect(await waiting).toBeUndefined();
    for (const run of [applying, driven])
      expect(await run.ended).toMatchObject({ reason: 'shutdown', committed: new Map() });
    expect(house.session.get('x')).toBe(0);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('in the middle of a start: nothing is held, and nothing is left', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const house = await aHouse();
      const starting = house.start(new Counting(), { timeoutMs: 1000 });
      const outcome = stateOf(starting);
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await house.stopAll();
      expect(await outcome, `after ${turns} turns`).not.toBe('pending');
      await settle();
      expect(house.session.optimization('x')?.isOptimizing ?? false, `after ${turns} turns`).toBe(false);
      expect(await house.leftovers()).toEqual(nothing);
    }
  });

  test('is stopped while a start is under way by whoever finds the run: nothing is left', async () => {
    const store = new ScriptedStore();
    const house = await aHouse({ store });
    store.fates.push('applied_answered_later');
    const starting = house.start(new Counting(), { objective: never });
    await settle();
    await store.land();
    const run = await starting;
    await house.optimizers.stop(house.session, 'x');
    expect(run.status().reason).toBe('stopped');
    await house.clock.advance(60_000);
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('a run that nobody carries on', () => {
  const orphaned = async (...variables: string[]) => {
    const house = await aHouse();
    const lost = house.anotherRuntime();
    const ids: string[] = [];
    for (const variable of variables) {
      const options = { optimizer: 'lost', external: true, applyTrials: true };
      const { optimizationId } = await lost.start(house.session, [variable], options);
      await lost.ask(house.session, optimizationId, 'one', { values: new Map([[variable, { value: 7 }]]) });
      ids.push(optimizationId);
    }
    return { ...house, ids, house };
  };

  test('is ended by the next start over its variable, which sets back what it had set', async () => {
    const { house, session, ids } = await orphaned('x');
    expect(session.get('x')).toBe(7);
    const run = await house.start(new Counting());
    expect(session.get('x')).toBe(0);
    expect(session.optimizationRun(ids[0] ?? '')).toMatchObject({ isOptimizing: false, reason: 'lease_expired' });
    expect(run.status().isOptimizing).toBe(true);
  });

  test('is ended as well when it is one of several', async () => {
    const { house, ids, session } = await orphaned('x', 'y');
    const run = await house.start(new Counting(9, 2), { on: ['x', 'y'] });
    expect(run.status().isOptimizing).toBe(true);
    for (const id of ids) expect(session.optimizationRun(id)).toMatchObject({ reason: 'lease_expired' });
    expect([session.get('x'), session.get('y')]).toEqual([0, 0]);
  });

  test('can be stopped, and then its variable can be deleted', async () => {
    const { house, session } = await orphaned('x');
    expect(await failure(session.delete('x'))).toMatchObject({ code: 'already_optimizing' });
    expect(await house.optimizers.stop(session, 'x')).toMatchObject({ reason: 'stopped' });
    await session.delete('x');
  });

  test('gives and takes no trial, and says why', async () => {
    const { studies, session, ids } = await orphaned('x');
    const [id = ''] = ids;
    const said = { code: 'not_optimizing', message: expect.stringMatching(/nobody here carries on/) };
    expect(await failure(studies.ask(session, id, 'one'))).toMatchObject(said);
    expect(await failure(studies.tell(session, id, 'one', 1, { metrics: { score: 1 } }))).toMatchObject(said);
    expect(() => studies.follow(session, id, 0)).toThrow(/nobody here carries on/);
  });
});

describe('a run that the session has ended behind its back', () => {
  const end = { type: 'optimization.end', source: 'somebody', reason: 'stopped', leaving: 'as_is' } as const;

  test('takes in no trial any more, and hands out none', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    await house.session.execute({ ...end, optimizationId: run.id });
    expect(await failure(run.tell(trial, 1))).toMatchObject({ code: 'not_optimizing' });
    expect(await run.ask()).toBeUndefined();
    expect(await run.ended).toMatchObject({ reason: 'stopped', iteration: 0 });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('and another has taken over, is told so', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    await house.session.execute({ ...end, optimizationId: run.id });
    const next = await house.start(new Counting());
    expect(await failure(run.tell(trial, 1))).toMatchObject({ code: 'optimistic_lock_failure' });
    expect(next.status().isOptimizing).toBe(true);
    expect(tried(await nextTrial(next))).toBe(0);
  });
});

describe('a request to start that is made again', () => {
  const again = { optimizer: 'mine', external: true, requestId: 'once' };

  test('starts nothing, whether the run goes on or has ended', async () => {
    const house = await aHouse();
    const first = await house.studies.start(house.session, ['x'], again);
    expect(await house.studies.start(house.session, ['x'], again)).toEqual(first);
    await house.studies.stop(house.session, 'x');
    expect(await house.studies.start(house.session, ['x'], again)).toMatchObject({
      optimizationId: first.optimizationId,
      isOptimizing: false,
    });
    expect(house.processes).toHaveLength(1);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('says that the run is over when nobody carries it on', async () => {
    const house = await aHouse();
    const { optimizationId } = await house.anotherRuntime().start(house.session, ['x'], again);
    expect(await house.studies.start(house.session, ['x'], again)).toMatchObject({
      optimizationId,
      isOptimizing: false,
      reason: 'lease_expired',
    });
    await expectFree(house);
  });

  test('at the same time starts one run, which both may ask', async () => {
    const house = await aHouse();
    const started = await Promise.all([1, 2].map(() => house.studies.start(house.session, ['x'], again)));
    expect(new Set(started.map(({ optimizationId }) => optimizationId)).size).toBe(1);
    const [{ optimizationId } = { optimizationId: '' }] = started;
    const values = new Map([['x', { value: 1 }]]);
    expect(await house.studies.ask(house.session, optimizationId, 'one', { values })).toMatchObject({ type: 'trial' });
    expect(house.processes).toHaveLength(1);
  });
});

import { describe, expect, test } from 'vitest';
import { KEPT_RUN_BYTES, KEPT_TRIAL_BYTES, KEPT_TRIALS } from '../../../src/variables/optimization-book.js';
import type { StartOptimization } from '../../../src/variables/optimization-commands.js';
import { Draft, VariablesState } from '../../../src/variables/state.js';
import { DomainSession } from '../../support/domain-session.js';

/** Bytes that a value takes besides itself. */
const PLACE = 8;

const start = (
  more: Partial<StartOptimization> = {},
): Omit<StartOptimization, 'source'> & { readonly type: 'optimization.start' } => ({
  type: 'optimization.start',
  variables: ['x'],
  optimizationId: 'opt_1',
  optimizer: 'bayesian',
  direction: 'maximize',
  maxIterations: 10,
  leaseMs: 0,
  ...more,
});

function withRun(more: Partial<StartOptimization> = {}): DomainSession {
  const session = new DomainSession();
  session.register('x', 'float', 1, { constraints: { min: 0, max: 10 } });
  session.register('y', 'integer', 5);
  session.tell(start(more));
  return session;
}

const record = (session: DomainSession, value: unknown, score: number | null, error = '') =>
  session.tell({
    type: 'optimization.record',
    optimizationId: 'opt_1',
    values: [value],
    metrics: score === null ? {} : { score },
    score,
    error,
    startedAtMs: session.nowMs,
  });

const end = (session: DomainSession, leaving: 'best' | 'before' | 'as_is' = 'best') =>
  session.tell({ type: 'optimization.end', optimizationId: 'opt_1', reason: 'stopped', leaving }).optimization;

const apply = (session: DomainSession, value: unknown) =>
  session.tell({ type: 'optimization.apply', optimizationId: 'opt_1', values: [value] });

describe('a run', () => {
  test('holds its variables against every other run until it ends', () => {
    const session = withRun();
    expect(session.refusal(start({ optimizationId: 'opt_2', variables: ['y', 'x'] }))).toMatchObject({
      code: 'already_optimizing',
      message: 'variable x is already being optimized by opt_1',
      details: { variable: 'x', optimizationId: 'opt_1' },
    });
    session.tell(start({ optimizationId: 'opt_3', variables: ['y'] }));
    end(session);
    expect(session.tell(start({ optimizationId: 'opt_4' })).optimization.variables).toMatchObject([{ name: 'x' }]);
  });

  test('holds all of its variables or none', () => {
    const session = new DomainSession();
    session.register('x', 'float', 1);
    expect(session.refusal(start({ variables: ['x', 'none'] })).code).toBe('variable_not_found');
    expect(session.tell(start({ optimizationId: 'opt_2' })).optimization.id).toBe('opt_2');
  });

  test.each([
    [{ variables: [] }, 'variables'],
    [{ variables: ['x', 'x'] }, 'variables'],
    [{ optimizationId: 'run' }, 'optimizationId'],
    [{ optimizer: '' }, 'optimizer'],
    [{ direction: 'up' as 'maximize' }, 'direction'],
    [{ maxIterations: 0 }, 'maxIterations'],
    [{ maxIterations: 1.5 }, 'maxIterations'],
    [{ leaseMs: -1 }, 'leaseMs'],
    [{ config: { f: () => 1 } }, undefined],
  ])('with %o is refused and holds nothing', (wrong, field) => {
    const session = new DomainSession();
    session.register('x', 'float', 1);
    const refusal = session.refusal(start(wrong));
    expect(refusal.code).toMatch(/invalid_argument|validation_failed/);
    if (field !== undefined) expect(refusal.details.field).toBe(field);
    expect(session.tell(start()).optimization.end).toBeUndefined();
  });

  test('needs the right to optimize, and a variable that can be written', () => {
    const session = new DomainSession();
    session.register('x', 'float', 1, { accessRules: [{ sessionPattern: 'any', permissions: ['read', 'write'] }] });
    session.register('fixed', 'float', 1, { readOnly: true });
    expect(session.refusal(start())).toMatchObject({ code: 'permission_denied', details: { permission: 'optimize' } });
    expect(session.refusal(start({ variables: ['fixed'] })).code).toBe('read_only');
  });

  test('keeps the best of its trials by its direction, and failed ones are none', () => {
    const session = withRun({ direction: 'minimize' });
    record(session, 2, 5);
    record(session, 3, null, 'it broke');
    record(session, 4, 1);
    const { optimization, trial } = record(session, 5, 3);
    expect(trial).toMatchObject({ iteration: 4, values: [5], score: 3, error: '' });
    expect(optimization).toMatchObject({ iteration: 4, best: { iteration: 3, values: [4], score: 1 } });
  });

  test('commits the best value as one new version that says where it comes from', () => {
    const session = withRun();
    record(session, 2, 0.25);
    record(session, 3, 0.5);
    const before = session.revision;
    expect(end(session).end).toMatchObject({ reason: 'stopped', committed: [['x', 1]], conflicts: [], error: '' });
    expect(session.revision).toBe(before + 1);
    expect(session.variable('x')).toMatchObject({ value: 3, version: 1, source: 'optimizer' });
    expect(session.variable('x').updateMetadata).toEqual({
      source: 'optimizer',
      optimizer_id: 'opt_1',
      iteration: 2,
      metrics: { score: 0.5 },
      reason: 'stopped',
    });
  });

  test('without a successful trial commits nothing', () => {
    const session = withRun();
    record(session, 2, null, 'it broke');
    expect(end(session).end?.committed).toEqual([]);
    expect(session.variable('x')).toMatchObject({ value: 1, version: 0 });
  });

  test('never overwrites what others have written meanwhile, and says so', () => {
    const session = withRun();
    record(session, 3, 1);
    session.set('x', 7);
    expect(end(session).end).toMatchObject({ committed: [], conflicts: ['x'] });
    expect(session.variable('x')).toMatchObject({ value: 7, version: 1 });
  });

  test('over several variables commits all of them or none', () => {
    const session = withRun({ variables: ['x', 'y'] });
    const values = [2.5, 9];
    const score = { metrics: { score: 1 }, score: 1, startedAtMs: 0 };
    session.tell({ type: 'optimization.record', optimizationId: 'opt_1', values, ...score });
    session.set('y', 6);
    expect(end(session).end).toMatchObject({ committed: [], conflicts: ['y'] });
    expect([session.variable('x').value, session.variable('y').value]).toEqual([1, 6]);
  });

  test('ends although the best value is not allowed any more, and says why', () => {
    const session = withRun();
    record(session, 8, 1);
    session.tell({ type: 'variable.configure', variable: 'x', constraints: { max: 5 } });
    expect(end(session).end).toMatchObject({ committed: [], error: expect.stringContaining('above maximum 5') });
    expect(session.refusal({ type: 'optimization.apply', optimizationId: 'opt_1', values: [2] }).code).toBe(
      'not_optimizing',
    );
  });

  test('ends once: asked again it says how it has ended, and changes nothing', () => {
    const session = withRun();
    record(session, 3, 1);
    const first = end(session);
    const { revision } = session;
    expect(end(session, 'before')).toEqual(first);
    expect(session.revision).toBe(revision);
  });

  test('that has ended is told so, and by whom it was overtaken', () => {
    const session = withRun();
    end(session);
    const late = { type: 'optimization.record', values: [2], metrics: {}, score: null, startedAtMs: 0 } as const;
    expect(session.refusal({ ...late, optimizationId: 'opt_1' })).toMatchObject({
      code: 'not_optimizing',
      details: { reason: 'stopped' },
    });
    session.tell(start({ optimizationId: 'opt_2' }));
    expect(session.refusal({ ...late, optimizationId: 'opt_1' })).toMatchObject({
      code: 'optimistic_lock_failure',
      details: { expected: 'opt_1', actual: 'opt_2' },
    });
    expect(session.refusal({ ...late, optimizationId: 'opt_none' }).code).toBe('not_optimizing');
  });

  test('is not outlived by its variable', () => {
    const session = withRun();
    session.depend('x', 'y');
    expect(session.refusal({ type: 'variable.delete', variable: 'x' }).code).toBe('already_optimizing');
    expect(session.refusal({ type: 'variable.delete', variable: 'y', cascade: true }).code).toBe('already_optimizing');
    end(session);
    session.tell({ type: 'variable.delete', variable: 'y', cascade: true });
    expect(session.state.optimization('opt_1')?.end?.reason).toBe('stopped');
  });
});

describe('trials that are applied', () => {
  test('set the variable, and it is set back unless the best is committed', () => {
    const session = withRun();
    apply(session, 4);
    expect(session.variable('x')).toMatchObject({ value: 4, version: 1, updateMetadata: { optimizer_id: 'opt_1' } });
    apply(session, 6);
    end(session, 'before');
    expect(session.variable('x')).toMatchObject({ value: 1, version: 3, updateMetadata: { restored: true } });
  });

  test('leave what they have set when that is asked for', () => {
    const session = withRun();
    apply(session, 4);
    end(session, 'as_is');
    expect(session.variable('x')).toMatchObject({ value: 4, version: 1 });
  });

  test('stop at what others have written, which stays', () => {
    const session = withRun();
    apply(session, 4);
    record(session, 4, 1);
    session.set('x', 9);
    expect(session.refusal({ type: 'optimization.apply', optimizationId: 'opt_1', values: [5] })).toMatchObject({
      code: 'optimistic_lock_failure',
      details: { variable: 'x', expected: 1, actual: 2 },
    });
    expect(end(session).end).toMatchObject({ committed: [], conflicts: ['x'] });
    expect(session.variable('x').value).toBe(9);
  });

  test('that are committed make one version more, at the value that was best', () => {
    const session = withRun();
    apply(session, 4);
    record(session, 4, 9);
    apply(session, 5);
    record(session, 5, 1);
    end(session);
    expect(session.variable('x')).toMatchObject({ value: 4, version: 3 });
  });
});

describe('what a session keeps of runs', () => {
  test('survives a snapshot: what is held, what was tried, what was best', () => {
    const session = withRun();
    record(session, 2, 0.5);
    record(session, 3, null, 'it broke');
    const restored = VariablesState.restore(structuredClone(session.state.snapshot()));
    const again = new DomainSession({ state: restored });
    expect(again.refusal(start({ optimizationId: 'opt_2' })).code).toBe('already_optimizing');
    expect(again.state.trialsOf('opt_1', 0, 10)).toEqual(session.state.trialsOf('opt_1', 0, 10));
    expect(again.state.optimization('opt_1')).toEqual(session.state.optimization('opt_1'));
  });

  test('is bounded: the oldest runs that have ended go first, then the oldest trials', () => {
    const session = withRun();
    record(session, 2, 0.5);
    end(session);
    session.tell(start({ optimizationId: 'opt_2', maxIterations: 1_000_000 }));
    const fields = { type: 'optimization.record', optimizationId: 'opt_2', metrics: {}, score: null } as const;
    for (let count = 0; count < KEPT_TRIALS + 5; count += 1)
      session.tell({ ...fields, values: [count % 10], startedAtMs: 0 });
    expect(session.state.optimization('opt_1')).toBeUndefined();
    const kept = session.state.trialsOf('opt_2', 0, Infinity);
    expect([kept.length, kept[0]?.iteration, kept.at(-1)?.iteration]).toEqual([KEPT_TRIALS, 6, KEPT_TRIALS + 5]);
    expect(session.state.trialsOf('opt_2', 20, 2).map(({ iteration }) => iteration)).toEqual([21, 22]);
  });

  test('is bounded in how many values its trials have, of runs over thousands of variables', () => {
    const session = new DomainSession();
    const variables = Array.from({ length: 4096 }, (_, index) => `v${index}`);
    for (const name of variables) session.register(name, 'float', 0);
    session.tell(start({ variables, maxIterations: 1_000_000 }));
    const fields = { type: 'optimization.record', optimizationId: 'opt_1', metrics: {}, score: null } as const;
    const values = variables.map(() => 0.5);
    const most = KEPT_TRIAL_BYTES / (values.length * PLACE);
    for (let count = 0; count < most + 3; count += 1) session.tell({ ...fields, values, startedAtMs: 0 });
    expect(session.state.trialsOf('opt_1', 0, Infinity)).toHaveLength(most);
  });

  test('is bounded in what the values hold on to that runs began with', () => {
    const session = new DomainSession();
    session.register('text', 'string', '');
    const ids = Array.from({ length: 20 }, (_, index) => `opt_${index}`);
    for (const optimizationId of ids) {
      session.set('text', optimizationId.slice(-1).repeat(KEPT_RUN_BYTES / 8 - PLACE));
      session.tell(start({ optimizationId, variables: ['text'] }));
      session.tell({ type: 'optimization.end', optimizationId, reason: 'stopped', leaving: 'best' });
    }
    expect(ids.filter((id) => session.state.optimization(id) !== undefined)).toEqual(ids.slice(-8));
  });

  test('is seen through a draft before it is committed', () => {
    const session = withRun();
    const draft = new Draft(session.state);
    const { id } = session.variable('x');
    expect(draft.optimizationOf(id)?.id).toBe('opt_1');
    const run = session.state.optimization('opt_1');
    if (run === undefined) throw new Error('there is no run');
    draft.keepOptimization({ ...run, iteration: 7 });
    expect([draft.optimizationOf(id)?.iteration, draft.optimization('opt_1')?.iteration]).toEqual([7, 7]);
    expect(session.state.optimizationOf(id)?.iteration).toBe(0);
  });
});

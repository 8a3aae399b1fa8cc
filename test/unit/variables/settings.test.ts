import { describe, expect, test } from 'vitest';
import { Draft, VariablesState } from '../../../src/variables/state.js';
import { DomainSession } from '../../support/domain-session.js';

function withFloat(): DomainSession {
  const session = new DomainSession();
  session.register('x', 'float', 1, { constraints: { min: 0, max: 2 } });
  return session;
}

describe('new settings', () => {
  test('keep value and version and raise the revision', () => {
    const session = withFloat();
    const before = session.variable('x');
    const { variable, revision } = session.tell({ type: 'variable.configure', variable: 'x', constraints: { max: 5 } });
    expect(variable).toEqual({ ...before, constraints: { max: 5 }, revision });
    expect(revision).toBe(2);
    expect(session.set('x', 4).value).toBe(4);
    expect(session.refusal({ type: 'variable.set', variable: 'x', value: 6 }).code).toBe('constraint_violation');
  });

  test('have to suit the present value', () => {
    const session = withFloat();
    const before = session.picture();
    expect(session.refusal({ type: 'variable.configure', variable: 'x', constraints: { max: 0.5 } })).toMatchObject({
      code: 'constraint_violation',
      details: { variable: 'x', constraint: 'max', expected: 0.5, actual: 1 },
    });
    expect(session.picture()).toEqual(before);
  });

  test('that would make another value of the present one are refused', () => {
    const session = new DomainSession();
    session.register('e', 'embedding', [3, 4]);
    expect(session.refusal({ type: 'variable.configure', variable: 'e', constraints: { normalize: true } }).code).toBe(
      'constraint_violation',
    );
  });

  test('make a variable read-only and writable again', () => {
    const session = withFloat();
    session.tell({ type: 'variable.configure', variable: 'x', readOnly: true });
    expect(session.refusal({ type: 'variable.set', variable: 'x', value: 2 }).code).toBe('read_only');
    session.tell({ type: 'variable.configure', variable: 'x', readOnly: false });
    expect(session.set('x', 2).version).toBe(1);
  });

  test('of nothing are refused: whoever asks has forgotten to say what', () => {
    const session = withFloat();
    const before = session.picture();
    expect(session.refusal({ type: 'variable.configure', variable: 'x' }).code).toBe('invalid_argument');
    expect(session.picture()).toEqual(before);
  });

  test('survive a snapshot, with the history before them', () => {
    const session = withFloat();
    session.set('x', 2);
    session.tell({ type: 'variable.configure', variable: 'x', constraints: {} });
    session.set('x', 9);
    const restored = VariablesState.restore(session.state.snapshot());
    expect(restored.snapshot()).toEqual(session.state.snapshot());
    expect(restored.history('x', 9, 0).map(({ value }) => value)).toEqual([9, 2, 1]);
  });
});

describe('a rollback', () => {
  test('is a new version with the old value that says where it comes from', () => {
    const session = withFloat();
    session.set('x', 2);
    const { variable } = session.tell({
      type: 'variable.rollback',
      variable: 'x',
      version: 0,
      reason: 'diverged',
      source: 'me',
    });
    expect(variable).toMatchObject({
      value: 1,
      version: 2,
      source: 'me',
      updateMetadata: { rolled_back_to: 0, reason: 'diverged' },
    });
  });

  test('to a version that is not there or no longer kept is refused', () => {
    const session = withFloat();
    for (let index = 0; index < 150; index += 1) session.set('x', index % 2);
    expect(session.tell({ type: 'variable.rollback', variable: 'x', version: 51 }).variable.version).toBe(151);
    const refused = [51, 52, 153, 9999].map((version) => {
      const answer = session.ask({ type: 'variable.rollback', variable: 'x', version });
      return answer.ok ? 'ok' : answer.error.code;
    });
    expect(refused).toEqual(['version_not_found', 'ok', 'version_not_found', 'version_not_found']);
  });

  test('is refused when the old value is no longer allowed', () => {
    const session = withFloat();
    session.set('x', 2);
    session.tell({ type: 'variable.configure', variable: 'x', constraints: { min: 2 } });
    expect(session.refusal({ type: 'variable.rollback', variable: 'x', version: 0 }).code).toBe('constraint_violation');
  });

  test('keeps what is exact: a float that is whole, a large integer, an embedding', () => {
    const session = new DomainSession();
    session.register('f', 'float', 2);
    session.register('i', 'integer', 2n ** 80n);
    session.register('e', 'embedding', [3, 4], { constraints: { normalize: true } });
    const before = session.value('e');
    for (const [name, value] of [
      ['f', 0.5],
      ['i', 1],
      ['e', [1, 0]],
    ] as const) {
      session.set(name, value);
      session.tell({ type: 'variable.rollback', variable: name, version: 0 });
    }
    expect([session.value('f'), session.value('i')]).toEqual([2, 2n ** 80n]);
    expect(session.value('e')).toEqual(before);
  });

  test('looks at the expected version', () => {
    const session = withFloat();
    session.set('x', 2);
    expect(session.refusal({ type: 'variable.rollback', variable: 'x', version: 0, expectedVersion: 0 })).toMatchObject(
      { code: 'optimistic_lock_failure', details: { expected: 0, actual: 1 } },
    );
  });

  test('finds versions that the same draft has just made', () => {
    const session = withFloat();
    const draft = new Draft(session.state);
    const { record } = draft.resolve('x') ?? {};
    if (record === undefined) throw new Error('no x');
    for (let version = 1; version <= 120; version += 1) draft.replace({ ...record, version, value: version });
    const cell = draft.resolve('x');
    expect([cell?.versionOf(120)?.value, cell?.versionOf(21)?.value, cell?.versionOf(20)]).toEqual([
      120,
      21,
      undefined,
    ]);
  });
});

test('history tells optimizer and metrics of the versions that an optimizer has written', () => {
  const session = withFloat();
  session.tell({
    type: 'variable.set',
    variable: 'x',
    value: 2,
    metadata: { optimizer_id: 'study_1', metrics: { accuracy: 0.9 }, iteration: 3 },
  });
  const [newest, first] = session.state.history('x', 10, 0);
  expect(newest).toMatchObject({ optimizerId: 'study_1', metrics: { accuracy: 0.9 } });
  expect(first).not.toHaveProperty('optimizerId');
});

test('the history of a deleted variable can be read by its id, also after a snapshot, of the last hundred', () => {
  const session = withFloat();
  session.set('x', 2);
  const { id } = session.variable('x');
  session.tell({ type: 'variable.delete', variable: 'x' });
  const values = (state: VariablesState): unknown[] => state.history(id, 10, 0).map(({ value }) => value);
  expect(values(session.state)).toEqual([2, 1]);
  expect(session.state.history('x', 10, 0)).toEqual([]);
  const restored = VariablesState.restore(session.state.snapshot());
  expect(values(restored)).toEqual([2, 1]);
  expect(restored.snapshot()).toEqual(session.state.snapshot());
  for (let index = 0; index < 100; index += 1) {
    session.register('y', 'float', 0);
    session.tell({ type: 'variable.delete', variable: 'y' });
  }
  expect(values(session.state)).toEqual([]);
});

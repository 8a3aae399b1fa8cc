import { describe, expect, test } from 'vitest';
import { evolve } from '../../../src/variables/evolve.js';
import { Draft, VariablesState } from '../../../src/variables/state.js';
import { HISTORY_LIMIT } from '../../../src/variables/variable.js';
import { DomainSession } from '../../support/domain-session.js';

describe('history', () => {
  const values = (session: DomainSession, limit = 100, offset = 0): unknown[] =>
    session.state.history('x', limit, offset).map(({ value }) => value);

  test('is the newest first and holds the last hundred versions', () => {
    const session = new DomainSession();
    session.register('x', 'integer', 0);
    for (let value = 1; value <= 250; value += 1) session.set('x', value);
    const entries = session.state.history('x', 1000, 0);
    expect(entries).toHaveLength(HISTORY_LIMIT);
    expect(entries.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, index) => 250 - index));
    expect(entries.map(({ value }) => value)).toEqual(entries.map(({ version }) => version));
  });

  test('at exactly the limit loses nothing, and one more loses the first', () => {
    const session = new DomainSession();
    session.register('x', 'integer', 0);
    for (let value = 1; value < HISTORY_LIMIT; value += 1) session.set('x', value);
    expect(values(session).at(-1)).toBe(0);
    session.set('x', 100);
    expect(values(session).at(-1)).toBe(1);
  });

  test('pages by limit and offset from the newest', () => {
    const session = new DomainSession();
    session.register('x', 'integer', 0);
    for (let value = 1; value <= 9; value += 1) session.set('x', value);
    expect(values(session, 3)).toEqual([9, 8, 7]);
    expect(values(session, 3, 8)).toEqual([1, 0]);
    expect(values(session, 0)).toEqual([]);
    expect(values(session, 3, 99)).toEqual([]);
  });

  test('of a variable that was never written is its first version, and of none is empty', () => {
    const session = new DomainSession();
    session.register('x', 'integer', 0, { metadata: { from: 'me' } });
    expect(session.state.history('x', 10, 0)).toMatchObject([{ version: 0, value: 0, metadata: { from: 'me' } }]);
    expect(session.state.history('missing', 10, 0)).toEqual([]);
  });

  test('survives a snapshot, and goes on behind it', () => {
    const session = new DomainSession();
    session.register('x', 'integer', 0);
    for (let value = 1; value <= 130; value += 1) session.set('x', value);
    const restored = VariablesState.restore(session.state.snapshot());
    expect(restored.history('x', 1000, 0)).toEqual(session.state.history('x', 1000, 0));
    const event = session.events.at(-1);
    session.set('x', 131);
    const next = session.events.at(-1);
    if (next === undefined || next === event) throw new Error('no event');
    evolve(restored, next);
    expect(restored.snapshot()).toEqual(session.state.snapshot());
  });
});

test('ids go on behind a snapshot, also when the last variable was deleted', () => {
  const session = new DomainSession();
  const first = session.register('x', 'float', 1);
  session.tell({ type: 'variable.delete', variable: 'x' });
  const restored = VariablesState.restore(session.state.snapshot());
  expect(restored.registrations).toBe(1);
  expect(restored.size).toBe(0);
  expect(session.register('x', 'float', 1).id).not.toBe(first.id);
});

test('an event that does not fit is a bug and throws', () => {
  const session = new DomainSession();
  session.register('x', 'float', 1);
  session.set('x', 2);
  const [, updated] = session.events;
  session.tell({ type: 'variable.delete', variable: 'x' });
  const deleted = session.events.at(-1);
  for (const event of [updated, deleted]) {
    if (event === undefined) throw new Error('no event');
    expect(() => evolve(new VariablesState(), event)).toThrow(TypeError);
    expect(() => evolve(new Draft(new VariablesState()), event)).toThrow(TypeError);
  }
});

test('a draft shows what it would become and leaves what it lies over untouched', () => {
  const session = new DomainSession();
  session.register('x', 'float', 1);
  session.register('y', 'float', 1);
  const before = session.state.snapshot();
  const other = new DomainSession();
  other.register('x', 'float', 1);
  other.register('y', 'float', 1);
  other.set('x', 5);
  other.tell({ type: 'variable.delete', variable: 'y' });
  other.register('y', 'integer', 3);
  const draft = new Draft(session.state);
  for (const event of other.events.slice(2)) evolve(draft, event);
  expect(draft.resolve('x')?.record.value).toBe(5);
  expect(draft.resolve('y')?.record).toMatchObject({ type: 'integer', value: 3 });
  expect(draft.resolve('var_y_2')).toBeUndefined();
  expect([draft.size, draft.registrations]).toEqual([2, 3]);
  expect(session.state.snapshot()).toEqual(before);
});

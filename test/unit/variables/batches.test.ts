import { describe, expect, test } from 'vitest';
import type { Write, WriteOutcome } from '../../../src/variables/commands.js';
import { DomainSession } from '../../support/domain-session.js';

function aSession(): DomainSession {
  const session = new DomainSession();
  session.register('a', 'float', 0, { constraints: { max: 10 } });
  session.register('b', 'integer', 0);
  session.register('fixed', 'float', 1, { readOnly: true });
  return session;
}

const update = (session: DomainSession, writes: readonly Write[], atomic: boolean, requestId?: string) =>
  session.tell({ type: 'variables.update', writes, atomic, requestId });

const codes = (outcomes: readonly WriteOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.ok ? `version ${outcome.updated.version}` : outcome.error.code));

describe('an atomic batch', () => {
  test('changes all its variables at one revision', () => {
    const session = aSession();
    const reply = update(
      session,
      [
        { variable: 'a', value: 1 },
        { variable: 'b', value: 2 },
      ],
      true,
    );
    expect(reply).toMatchObject({ ok: true, revision: 4 });
    expect(session.revision).toBe(4);
    expect([session.variable('a').revision, session.variable('b').revision]).toEqual([4, 4]);
  });

  test('with one bad write changes nothing, and every name says why', () => {
    const session = aSession();
    const before = session.picture();
    const reply = update(
      session,
      [
        { variable: 'a', value: 1 },
        { variable: 'missing', value: 1 },
        { variable: 'fixed', value: 2 },
        { variable: 'b', value: 2 },
      ],
      true,
    );
    expect(reply).toMatchObject({ ok: false, revision: 3 });
    expect(codes(reply.outcomes)).toEqual(['cancelled', 'variable_not_found', 'read_only', 'cancelled']);
    for (const outcome of reply.outcomes) if (!outcome.ok) expect(outcome.error.execution).toBe('not_started');
    expect(session.picture()).toEqual(before);
  });

  test('sees its own earlier writes: the same variable twice is two versions at one revision', () => {
    const session = aSession();
    const { id } = session.variable('a');
    const reply = update(
      session,
      [
        { variable: 'a', value: 1, expectedVersion: 0 },
        { variable: id, value: 2, expectedVersion: 1 },
      ],
      true,
    );
    expect(codes(reply.outcomes)).toEqual(['version 1', 'version 2']);
    expect(session.variable('a')).toMatchObject({ version: 2, value: 2, revision: 4 });
    expect(session.state.history('a', 10, 0).map(({ value }) => value)).toEqual([2, 1, 0]);
    expect(session.events.slice(-2).map((event) => ('oldValue' in event ? event.oldValue : 'none'))).toEqual([0, 1]);
  });

  test('the same variable twice with the same expected version is refused as a whole', () => {
    const session = aSession();
    const writes = [1, 2].map((value) => ({ variable: 'a', value, expectedVersion: 0 }));
    expect(codes(update(session, writes, true).outcomes)).toEqual(['cancelled', 'optimistic_lock_failure']);
    expect(session.variable('a').version).toBe(0);
  });

  test('of nothing is carried out and is no revision', () => {
    const session = aSession();
    expect(update(session, [], true)).toEqual({ ok: true, revision: 3, outcomes: [] });
    expect(session.revision).toBe(3);
  });
});

describe('a batch that is not atomic', () => {
  test('writes what it can at one revision and says what it could not', () => {
    const session = aSession();
    const reply = update(
      session,
      [
        { variable: 'a', value: 1 },
        { variable: 'missing', value: 1 },
        { variable: 'a', value: 99 },
        { variable: 'b', value: 7 },
        { variable: 'a', value: 2 },
      ],
      false,
    );
    expect(reply).toMatchObject({ ok: false, revision: 4 });
    expect(codes(reply.outcomes)).toEqual([
      'version 1',
      'variable_not_found',
      'constraint_violation',
      'version 1',
      'version 2',
    ]);
    expect([session.value('a'), session.value('b'), session.revision]).toEqual([2, 7, 4]);
  });

  test('of nothing but bad writes is no revision', () => {
    const session = aSession();
    const before = session.picture();
    expect(update(session, [{ variable: 'missing', value: 1 }], false)).toMatchObject({ ok: false, revision: 3 });
    expect(session.picture()).toEqual(before);
  });
});

test('ten thousand writes of one batch are decided in time that does not depend on each other', () => {
  const session = new DomainSession();
  const specs = Array.from({ length: 10_000 }, (_, index) => ({ name: `v${index}`, type: 'float', initialValue: 0 }));
  session.tell({ type: 'variables.register', specs });
  const reply = update(
    session,
    specs.map(({ name }, index) => ({ variable: name, value: index })),
    true,
  );
  expect(reply.ok).toBe(true);
  expect(session.value('v9999')).toBe(9999);
});

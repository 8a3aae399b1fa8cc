import { describe, expect, test } from 'vitest';
import { type Ask, DomainSession } from '../../support/domain-session.js';

/** A session with a writable float, a read-only one and an integer. */
function aSession(): DomainSession {
  const decider = new DomainSession();
  decider.register('temperature', 'float', 0.7, { constraints: { min: 0, max: 2 } });
  decider.register('fixed', 'float', 1, { readOnly: true });
  decider.register('count', 'integer', 1);
  return decider;
}

const set = (variable: string, value: unknown, more: object = {}): Ask => ({
  type: 'variable.set',
  variable,
  value,
  ...more,
});

describe('registration', () => {
  test('a variable starts at version 0 with everything that was said about it', () => {
    const decider = new DomainSession();
    const variable = decider.register('x', 'float', 1, {
      description: 'what it is',
      metadata: { unit: 'K' },
      constraints: { min: 0 },
    });
    expect(variable).toEqual({
      ...variable,
      id: expect.stringMatching(/^var_x_\d+$/),
      name: 'x',
      type: 'float',
      value: 1,
      version: 0,
      revision: 1,
      constraints: { min: 0 },
      metadata: { unit: 'K' },
      updateMetadata: { unit: 'K' },
      description: 'what it is',
      readOnly: false,
      source: 'test',
      createdAtMs: decider.nowMs,
      updatedAtMs: decider.nowMs,
    });
  });

  test('a name that exists is refused and nothing of the command is registered', () => {
    const decider = aSession();
    const before = decider.picture();
    const error = decider.refusal({
      type: 'variables.register',
      specs: [
        { name: 'new', type: 'float', initialValue: 1 },
        { name: 'temperature', type: 'float', initialValue: 1 },
      ],
    });
    expect(error).toMatchObject({
      code: 'variable_exists',
      details: { variable: 'temperature', variableId: decider.variable('temperature').id },
    });
    expect(decider.picture()).toEqual(before);
  });

  test('a name twice in one command is refused', () => {
    const spec = { name: 'x', type: 'float', initialValue: 1 };
    expect(new DomainSession().refusal({ type: 'variables.register', specs: [spec, spec] }).code).toBe(
      'variable_exists',
    );
  });

  test('an empty command and one that is too long are refused', () => {
    const decider = new DomainSession({ limits: { maxBatch: 2 } });
    expect(decider.refusal({ type: 'variables.register', specs: [] })).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'variables', expected: 'at least one', actual: 'none' },
    });
    const specs = ['a', 'b', 'c'].map((name) => ({ name, type: 'float', initialValue: 1 }));
    expect(decider.refusal({ type: 'variables.register', specs })).toMatchObject({
      code: 'invalid_argument',
      details: { expected: 2, actual: 3 },
    });
    expect(
      decider.refusal({
        type: 'variables.update',
        writes: specs.map((spec) => ({ variable: spec.name, value: 1 })),
        atomic: true,
      }).code,
    ).toBe('invalid_argument');
  });

  test('a full session refuses another variable and waiting does not help; after a deletion there is room', () => {
    const decider = new DomainSession({ limits: { maxVariables: 2 } });
    decider.register('a', 'float', 1);
    decider.register('b', 'float', 1);
    const more: Ask = { type: 'variables.register', specs: [{ name: 'c', type: 'float', initialValue: 1 }] };
    expect(decider.refusal(more)).toMatchObject({ code: 'rate_limited', retryable: false, details: { limit: 2 } });
    decider.tell({ type: 'variable.delete', variable: 'a' });
    expect(decider.ask(more).ok).toBe(true);
  });

  test('bad metadata is refused by the path of the offending place', () => {
    const error = new DomainSession().refusal({
      type: 'variables.register',
      specs: [{ name: 'x', type: 'float', initialValue: 1, metadata: { when: new Date(0) } }],
    });
    expect(error).toMatchObject({ code: 'validation_failed', details: { variable: 'x', field: 'metadata.when' } });
  });
});

describe('a write', () => {
  test('raises the version by one, keeps who wrote and merges what the write says about itself', () => {
    const decider = aSession();
    decider.nowMs += 5;
    const variable = decider.set('temperature', 0.9, { source: 'python', metadata: { step: 1 } });
    expect(variable).toMatchObject({ version: 1, revision: 4, source: 'python', updateMetadata: { step: 1 } });
    expect(decider.set('temperature', 1, { metadata: { loss: 2 } })).toMatchObject({
      version: 2,
      metadata: { step: 1, loss: 2 },
      updateMetadata: { loss: 2 },
      createdAtMs: 1_000_000,
      updatedAtMs: 1_000_005,
    });
  });

  test('says in its event what the value was before', () => {
    const decider = aSession();
    decider.set('temperature', 0.9);
    expect(decider.events.at(-1)).toMatchObject({ type: 'variable.updated', oldValue: 0.7, variable: { value: 0.9 } });
  });

  test('of the same value is a version of its own', () => {
    const decider = aSession();
    expect(decider.set('temperature', 0.7).version).toBe(1);
  });

  test('with the expected version goes through, 0 being a version', () => {
    const decider = aSession();
    expect(decider.set('temperature', 1, { expectedVersion: 0 }).version).toBe(1);
    const error = decider.refusal(set('temperature', 2, { expectedVersion: 0 }));
    expect(error).toMatchObject({
      code: 'optimistic_lock_failure',
      retryable: true,
      execution: 'not_started',
      details: { variable: 'temperature', expected: 0, actual: 1 },
    });
    expect(decider.value('temperature')).toBe(1);
  });

  // Each row breaks its own rule and every later one: the first that is broken answers.
  test.each([
    ['existence', 'missing', { value: 'bad', expectedVersion: 9 }, 'variable_not_found'],
    ['read-only', 'fixed', { value: 'bad', expectedVersion: 9 }, 'read_only'],
    ['expected version', 'temperature', { value: 'bad', expectedVersion: 9 }, 'optimistic_lock_failure'],
    ['cast', 'temperature', { value: 'bad', expectedVersion: 0 }, 'validation_failed'],
    ['constraints', 'temperature', { value: 99, expectedVersion: 0 }, 'constraint_violation'],
  ])('is checked for %s before what comes after', (_rule, variable, { value, expectedVersion }, code) => {
    expect(aSession().refusal(set(variable, value, { expectedVersion })).code).toBe(code);
  });
});

describe('a deletion', () => {
  test('takes the variable by name or id and ends both', () => {
    const decider = aSession();
    const { id } = decider.register('x', 'float', 1);
    expect(decider.tell({ type: 'variable.delete', variable: id }).revision).toBe(5);
    expect(decider.state.resolve('x')).toBeUndefined();
    expect(decider.state.resolve(id)).toBeUndefined();
    expect(decider.events.at(-1)).toMatchObject({ type: 'variable.deleted', variableId: id, name: 'x', oldValue: 1 });
    expect(decider.refusal({ type: 'variable.delete', variable: 'x' }).code).toBe('variable_not_found');
  });
});

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

const refusedCommands: readonly (readonly [string, unknown])[] = [
  ['an unknown variable', set('missing', 1)],
  ['a read-only variable', set('fixed', 2)],
  ['a stale version', set('temperature', 1, { expectedVersion: 5 })],
  ['a wrong kind', set('temperature', 'warm')],
  ['a broken constraint', set('temperature', 3)],
  ['metadata that is no data', set('temperature', 1, { metadata: cycle })],
  ['metadata that is no map', set('temperature', 1, { metadata: 'text' })],
  ['a request id that is no text', set('temperature', 1, { requestId: 5 })],
  ['an empty request id', set('temperature', 1, { requestId: '' })],
  ['an endless request id', set('temperature', 1, { requestId: 'x'.repeat(1000) })],
  ['a source that is no text', set('temperature', 1, { source: {} })],
  ['a kind that is no text', set('temperature', 1, { kind: Symbol('k') })],
  ['a version that is none', set('temperature', 1, { expectedVersion: '0' })],
  ['a negative version', set('temperature', 1, { expectedVersion: -1 })],
  ['a fraction of a version', set('temperature', 1, { expectedVersion: 0.5 })],
  ['a variable that is no text', { type: 'variable.set', variable: 5, value: 1 }],
  ['no variable', { type: 'variable.set', value: 1 }],
  ['an unknown command', { type: 'variable.explode' }],
  ['a command without a type', {}],
  ['a batch that is no list', { type: 'variables.update', writes: { a: 1 }, atomic: true }],
  ['a batch of holes', { type: 'variables.update', writes: new Array(2), atomic: true }],
  ['a batch with a wrong flag', { type: 'variables.update', writes: [], atomic: 'yes' }],
  ['a deletion of nothing', { type: 'variable.delete' }],
  ['registrations that are no list', { type: 'variables.register', specs: 'abc' }],
  ['a registration that is null', { type: 'variables.register', specs: [null] }],
  ['a registration without a name', { type: 'variables.register', specs: [{}] }],
  [
    'a description that is no text',
    { type: 'variables.register', specs: [{ name: 'd', type: 'float', initialValue: 1, description: 5 }] },
  ],
  [
    'a read-only flag that is none',
    { type: 'variables.register', specs: [{ name: 'd', type: 'float', initialValue: 1, readOnly: 'no' }] },
  ],
];

test.each(refusedCommands)('%s is refused and changes nothing', (_name, command) => {
  const decider = aSession();
  const before = decider.picture();
  // What no typed caller could send.
  const error = decider.refusal(command as Ask);
  expect(error.execution).toBe('not_started');
  expect(error.retryable).toBe(error.code === 'optimistic_lock_failure');
  expect(error.message.length).toBeLessThan(400);
  expect(decider.picture()).toEqual(before);
  expect(decider.set('temperature', 1).version).toBe(1);
});

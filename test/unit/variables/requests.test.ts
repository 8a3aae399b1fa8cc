import { expect, test } from 'vitest';
import { REMEMBERED_BYTES, REMEMBERED_REQUESTS, VariablesState } from '../../../src/variables/state.js';
import { type Ask, DomainSession } from '../../support/domain-session.js';

/** Of what is remembered, a value with its place. */
const AN_EIGHTH = REMEMBERED_BYTES / 8 - 8;

function aSession(): DomainSession {
  const session = new DomainSession();
  session.register('a', 'float', 0, { constraints: { max: 10 } });
  session.register('b', 'float', 0);
  return session;
}

const set = (variable: string, value: unknown, requestId: string): Ask => ({
  type: 'variable.set',
  variable,
  value,
  requestId,
});

const commands: readonly (readonly [string, Ask])[] = [
  ['set', set('a', 1, 'r')],
  ['update', { type: 'variables.update', writes: [{ variable: 'a', value: 1 }], atomic: true, requestId: 'r' }],
  [
    'partly failed update',
    {
      type: 'variables.update',
      writes: [
        { variable: 'a', value: 1 },
        { variable: 'missing', value: 1 },
      ],
      atomic: false,
      requestId: 'r',
    },
  ],
  ['register', { type: 'variables.register', specs: [{ name: 'c', type: 'float', initialValue: 1 }], requestId: 'r' }],
  ['delete', { type: 'variable.delete', variable: 'a', requestId: 'r' }],
];

test.each(commands)('the retry of a %s gets the same reply and has no second effect', (_name, command) => {
  const session = aSession();
  const first = session.tell(command);
  session.set('b', 5);
  const after = session.picture();
  expect(session.tell(command)).toEqual(first);
  expect(session.picture()).toEqual(after);
});

test('a request that was refused is decided again', () => {
  const session = aSession();
  expect(session.refusal(set('a', 99, 'r')).code).toBe('constraint_violation');
  expect(session.refusal(set('c', 1, 'r')).code).toBe('variable_not_found');
  expect(session.ask(set('a', 9, 'r')).ok).toBe(true);
});

test('a batch that changed nothing is decided again', () => {
  const session = aSession();
  const update = (value: number): Ask => ({
    type: 'variables.update',
    writes: [{ variable: 'a', value }],
    atomic: true,
    requestId: 'r',
  });
  expect(session.tell(update(99))).toMatchObject({ ok: false });
  expect(session.tell(update(9))).toMatchObject({ ok: true });
});

test.each<[string, Ask]>([
  ['another variable', set('b', 1, 'r')],
  ['another kind of command', { type: 'variable.delete', variable: 'a', requestId: 'r' }],
  ['a batch', { type: 'variables.update', writes: [{ variable: 'a', value: 1 }], atomic: true, requestId: 'r' }],
])('a request id that was used for a set is refused for %s', (_name, command) => {
  const session = aSession();
  session.tell(set('a', 1, 'r'));
  const before = session.picture();
  expect(session.refusal(command)).toMatchObject({ code: 'invalid_argument', details: { field: 'request_id' } });
  expect(session.picture()).toEqual(before);
});

test('a request id is refused for a batch about other variables', () => {
  const session = aSession();
  const update = (...variables: string[]): Ask => ({
    type: 'variables.update',
    writes: variables.map((variable) => ({ variable, value: 1 })),
    atomic: true,
    requestId: 'r',
  });
  session.tell(update('a', 'b'));
  expect(session.refusal(update('a')).code).toBe('invalid_argument');
  expect(session.refusal(update('b', 'a')).code).toBe('invalid_argument');
  expect(session.ask(update('a', 'b')).ok).toBe(true);
});

test('the retry of a set that meant its variable by id is the same request', () => {
  const session = aSession();
  const { id } = session.variable('a');
  const first = session.tell(set('a', 1, 'r'));
  expect(session.tell(set(id, 1, 'r'))).toEqual(first);
});

test('the reply is told again also after the variable is gone', () => {
  const session = aSession();
  const first = session.tell(set('a', 1, 'r'));
  session.tell({ type: 'variable.delete', variable: 'a' });
  expect(session.tell(set('a', 1, 'r'))).toEqual(first);
});

test('requests are remembered through a snapshot, the newest thousand of them', () => {
  const session = aSession();
  for (let index = 0; index <= REMEMBERED_REQUESTS; index += 1) session.tell(set('b', index, `r${index}`));
  const restored = VariablesState.restore(session.state.snapshot());
  expect(restored.completed('r0')).toBeUndefined();
  expect(restored.completed('r1')).toEqual(session.state.completed('r1'));
  expect(restored.completed(`r${REMEMBERED_REQUESTS}`)).toBeDefined();
});

test('of requests whose answers are large so many are remembered as memory allows, and always the newest', () => {
  const state = new VariablesState();
  const session = aSession();
  session.register('text', 'string', '');
  const large = 'x'.repeat(AN_EIGHTH);
  const replyWith = (value: unknown) => {
    const record = session.state.resolve('text')?.record;
    if (record === undefined) throw new Error('there is no such variable');
    return { command: 'variable.set', body: { revision: 1, variable: { ...record, value } } } as const;
  };
  state.remember('first', replyWith(''));
  for (let index = 0; index < 20; index += 1) state.remember(`r${index}`, replyWith(large));
  const known = Array.from({ length: 20 }, (_, index) => index).filter((index) => state.completed(`r${index}`));
  expect(known).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  expect(state.completed('first')).toBeUndefined();
  state.remember('huge', replyWith(large.repeat(9)));
  expect(state.completed('huge')).toBeDefined();
  expect(state.completed('r19')).toBeUndefined();
  state.remember('huge', replyWith(''));
  state.remember('next', replyWith(large));
  expect(state.completed('huge')).toBeDefined();
});

test('answers about optimizations count with the values that were tried, or that a run holds on to', () => {
  const session = aSession();
  session.register('text', 'string', 'x'.repeat(AN_EIGHTH));
  const begun = (requestId: string): void => {
    const variables = ['text'];
    const more = { optimizer: 'o', direction: 'maximize', maxIterations: 100, leaseMs: 0 } as const;
    session.tell({ type: 'optimization.start', variables, optimizationId: `opt_${requestId}`, ...more, requestId });
  };
  const tried = (optimizationId: string, letter: string, requestId: string): void => {
    const values = [letter.repeat(AN_EIGHTH)];
    const trial = { optimizationId, values, metrics: {}, score: null, startedAtMs: 0 };
    session.tell({ type: 'optimization.record', ...trial, requestId });
  };
  begun('first');
  for (const letter of 'abcdefgh') tried('opt_first', letter, letter);
  const known = (ids: string): string => [...ids].filter((id) => session.state.completed(id)).join('');
  expect([session.state.completed('first'), known('abcdefgh')]).toEqual([undefined, 'abcdefgh']);
  session.tell({ type: 'optimization.end', optimizationId: 'opt_first', reason: 'stopped', leaving: 'before' });
  begun('s');
  expect(known('abcdefghs')).toBe('bcdefghs');
});

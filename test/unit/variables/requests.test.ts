import { expect, test } from 'vitest';
import { REMEMBERED_BYTES, REMEMBERED_REQUESTS, VariablesState } from '../../../src/variables/state.js';
import { type Ask, Decider, picture } from './decider.js';

function aSession(): Decider {
  const decider = new Decider();
  decider.register('a', 'float', 0, { constraints: { max: 10 } });
  decider.register('b', 'float', 0);
  return decider;
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
  const decider = aSession();
  const first = decider.tell(command);
  decider.set('b', 5);
  const after = picture(decider);
  expect(decider.tell(command)).toEqual(first);
  expect(picture(decider)).toEqual(after);
});

test('a request that was refused is decided again', () => {
  const decider = aSession();
  expect(decider.refusal(set('a', 99, 'r')).code).toBe('constraint_violation');
  expect(decider.refusal(set('c', 1, 'r')).code).toBe('variable_not_found');
  expect(decider.ask(set('a', 9, 'r')).ok).toBe(true);
});

test('a batch that changed nothing is decided again', () => {
  const decider = aSession();
  const update = (value: number): Ask => ({
    type: 'variables.update',
    writes: [{ variable: 'a', value }],
    atomic: true,
    requestId: 'r',
  });
  expect(decider.tell(update(99))).toMatchObject({ ok: false });
  expect(decider.tell(update(9))).toMatchObject({ ok: true });
});

test.each<[string, Ask]>([
  ['another variable', set('b', 1, 'r')],
  ['another kind of command', { type: 'variable.delete', variable: 'a', requestId: 'r' }],
  ['a batch', { type: 'variables.update', writes: [{ variable: 'a', value: 1 }], atomic: true, requestId: 'r' }],
])('a request id that was used for a set is refused for %s', (_name, command) => {
  const decider = aSession();
  decider.tell(set('a', 1, 'r'));
  const before = picture(decider);
  expect(decider.refusal(command)).toMatchObject({ code: 'invalid_argument', details: { field: 'request_id' } });
  expect(picture(decider)).toEqual(before);
});

test('a request id is refused for a batch about other variables', () => {
  const decider = aSession();
  const update = (...variables: string[]): Ask => ({
    type: 'variables.update',
    writes: variables.map((variable) => ({ variable, value: 1 })),
    atomic: true,
    requestId: 'r',
  });
  decider.tell(update('a', 'b'));
  expect(decider.refusal(update('a')).code).toBe('invalid_argument');
  expect(decider.refusal(update('b', 'a')).code).toBe('invalid_argument');
  expect(decider.ask(update('a', 'b')).ok).toBe(true);
});

test('the retry of a set that meant its variable by id is the same request', () => {
  const decider = aSession();
  const { id } = decider.variable('a') ?? { id: '' };
  const first = decider.tell(set('a', 1, 'r'));
  expect(decider.tell(set(id, 1, 'r'))).toEqual(first);
});

test('the reply is told again also after the variable is gone', () => {
  const decider = aSession();
  const first = decider.tell(set('a', 1, 'r'));
  decider.tell({ type: 'variable.delete', variable: 'a' });
  expect(decider.tell(set('a', 1, 'r'))).toEqual(first);
});

test('requests are remembered through a snapshot, the newest thousand of them', () => {
  const decider = aSession();
  for (let index = 0; index <= REMEMBERED_REQUESTS; index += 1) decider.tell(set('b', index, `r${index}`));
  const restored = VariablesState.restore(decider.state.snapshot());
  expect(restored.completed('r0')).toBeUndefined();
  expect(restored.completed('r1')).toEqual(decider.state.completed('r1'));
  expect(restored.completed(`r${REMEMBERED_REQUESTS}`)).toBeDefined();
});

test('of requests whose answers are large so many are remembered as memory allows, and always the newest', () => {
  const state = new VariablesState();
  const decider = aSession();
  decider.register('text', 'string', '');
  const large = 'x'.repeat(REMEMBERED_BYTES / 8);
  const replyWith = (value: unknown) => {
    const record = decider.state.resolve('text')?.record;
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

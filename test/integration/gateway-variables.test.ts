import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VariableSpec } from '../../src/gen/coilyard/v1/variables.js';
import { decodeValue } from '../../src/wire/value.js';
import { ask, noSource, refusal, startTestGateway, type TestGateway, value, values } from '../support/gateway-host.js';

let host: TestGateway;
let sessionId: string;
let count = 0;

beforeAll(async () => {
  host = await startTestGateway();
  const { session } = await ask(host.clients.sessions.createSession.bind(host.clients.sessions), {
    requestId: '',
    id: '',
    metadata: values({ owner: 'tests' }),
    attachIfExists: false,
  });
  sessionId = session?.id ?? '';
});

afterAll(() => host.stop());

const spec = (overrides: Partial<VariableSpec> = {}): VariableSpec => ({
  name: `variable_${++count}`,
  type: 'float',
  initialValue: value(0.5),
  constraints: values({ min: 0, max: 1 }),
  metadata: new Map(),
  description: '',
  readOnly: false,
  dependencies: [],
  accessRules: [],
  ...overrides,
});

const variables = () => host.clients.variables;
const register = (...specs: VariableSpec[]) =>
  ask(variables().registerVariables.bind(variables()), { ...noSource, sessionId, variables: specs });
const get = (variable: string) => ask(variables().getVariable.bind(variables()), { sessionId, variable });
const set = (variable: string, content: unknown, more: object = {}) =>
  ask(variables().setVariable.bind(variables()), { ...noSource, sessionId, variable, value: value(content), ...more });

async function registered(overrides: Partial<VariableSpec> = {}): Promise<string> {
  const wanted = spec(overrides);
  await register(wanted);
  return wanted.name;
}

test('a registered variable comes back with everything that was said about it', async () => {
  const { variables: records } = await register(
    spec({
      name: 'choice',
      type: 'choice',
      initialValue: value('b'),
      constraints: values({ choices: ['a', 'b'] }),
      metadata: values({ note: [1n << 70n] }),
      description: 'which one',
    }),
  );
  expect(records).toHaveLength(1);
  const { variable, revision } = await get('choice');
  expect(variable).toMatchObject({ type: 'choice', version: 0n, source: 'grpc', description: 'which one' });
  expect(variable?.revision).toBe(revision);
  expect(decodeValue(variable?.constraints.get('choices'), 'choices').value).toEqual(['a', 'b']);
  expect(decodeValue(variable?.metadata.get('note'), 'note').value).toEqual([1n << 70n]);
});

test('constraints are taken in snake_case and given back in it', async () => {
  const name = await registered({
    type: 'string',
    initialValue: value('abc'),
    constraints: values({ min_length: 2, max_length: 4 }),
  });
  expect((await refusal(set(name, 'a'))).error).toMatchObject({
    code: 'constraint_violation',
    details: { constraint: 'minLength', expected: 2, actual: 'a' },
  });
  expect([...((await get(name)).variable?.constraints.keys() ?? [])]).toEqual(['min_length', 'max_length']);
});

test('a set answers the new version and the revision, and a get sees it', async () => {
  const name = await registered();
  const { variable, revision } = await set(name, 1, { source: 'python', metadata: values({ why: 'test' }) });
  expect(variable).toMatchObject({ version: 1n, revision, source: 'python' });
  // A whole number for a float variable is a float from then on.
  expect((await get(name)).variable?.value).toEqual({ kind: { $case: 'float', value: 1 } });
});

test('a refused set is an error with its bound, and moves no version', async () => {
  const name = await registered();
  const { grpc, error } = await refusal(set(name, 1.5));
  expect(grpc).toBe(3);
  expect(error).toMatchObject({
    code: 'constraint_violation',
    execution: 'not_started',
    retryable: false,
    details: { constraint: 'max', expected: 1, actual: 1.5 },
  });
  expect(error?.message).toContain('above maximum 1');
  expect((await get(name)).variable?.version).toBe(0n);
});

test('an expected version is checked, 0 included', async () => {
  const name = await registered();
  await set(name, 0.1, { expectedVersion: 0n });
  expect(await refusal(set(name, 0.2, { expectedVersion: 0n }))).toMatchObject({
    grpc: 10,
    error: { code: 'optimistic_lock_failure', retryable: true, details: { expected: 0, actual: 1 } },
  });
});

test('a retried set has its effect once and answers the same reply', async () => {
  const name = await registered();
  const first = await set(name, 0.1, { requestId: 'set-once' });
  await set(name, 0.2);
  expect(await set(name, 0.1, { requestId: 'set-once' })).toEqual(first);
  expect((await get(name)).variable?.version).toBe(2n);
});

test('many are read at one revision, keyed as requested, without those that do not exist', async () => {
  const [a, b] = [await registered(), await registered()];
  const id = (await get(b)).variable?.id ?? '';
  const reply = await ask(variables().getVariables.bind(variables()), { sessionId, variables: [a, id, 'nobody'] });
  expect([...reply.variables.keys()]).toEqual([a, id]);
});

test('a batch that is not atomic has an outcome for each write, one that cannot be read included', async () => {
  const [a, b] = [await registered(), await registered()];
  const reply = await ask(variables().updateVariables.bind(variables()), {
    ...noSource,
    sessionId,
    atomic: false,
    writes: [
      { variable: a, value: value(0.1) },
      { variable: a, value: undefined },
      { variable: b, value: value(7) },
      { variable: b, value: value(0.2), expectedVersion: 0n },
    ],
  });
  const codes = reply.outcomes.map(({ outcome }) => (outcome?.$case === 'error' ? outcome.value.code : 'updated'));
  expect(codes).toEqual(['updated', 'invalid_argument', 'constraint_violation', 'updated']);
  expect(reply.outcomes.map(({ variable }) => variable)).toEqual([a, a, b, b]);
  expect(reply.ok).toBe(false);
});

test('an atomic batch with one bad write writes nothing', async () => {
  const [a, b] = [await registered(), await registered()];
  const update = (content: unknown) =>
    ask(variables().updateVariables.bind(variables()), {
      ...noSource,
      sessionId,
      atomic: true,
      writes: [
        { variable: a, value: value(0.1) },
        { variable: b, value: content === undefined ? undefined : value(content) },
      ],
    });
  const reply = await update(7);
  expect(reply.ok).toBe(false);
  expect(reply.outcomes.map(({ outcome }) => outcome?.$case)).toEqual(['error', 'error']);
  expect(await refusal(update(undefined))).toMatchObject({
    error: { code: 'invalid_argument', details: { field: 'writes[1].value' } },
  });
  expect((await get(a)).variable?.version).toBe(0n);
});

test('a list is filtered by type, source and pattern', async () => {
  await registered({ name: 'listed_one' });
  await registered({ name: 'listed_two', type: 'integer', initialValue: value(1), constraints: new Map() });
  const list = async (filter: object) => {
    const request = { sessionId, type: '', source: '', pattern: 'listed_*', ...filter };
    const reply = await ask(variables().listVariables.bind(variables()), request);
    return reply.variables.map(({ name }) => name);
  };
  expect(await list({})).toEqual(['listed_one', 'listed_two']);
  expect(await list({ type: 'integer' })).toEqual(['listed_two']);
  expect(await list({ source: 'python' })).toEqual([]);
  expect(await list({ pattern: '*_one' })).toEqual(['listed_one']);
});

test('history has the newest version first and can be read in parts', async () => {
  const name = await registered();
  for (const content of [0.1, 0.2, 0.3]) await set(name, content, { metadata: values({ content }) });
  const history = async (limit: number, offset: number) => {
    const request = { sessionId, variable: name, limit, offset };
    const { entries } = await ask(variables().getVariableHistory.bind(variables()), request);
    return entries.map((entry) => decodeValue(entry.value, 'value').value);
  };
  expect(await history(0, 0)).toEqual([0.3, 0.2, 0.1, 0.5]);
  expect(await history(2, 1)).toEqual([0.2, 0.1]);
});

test('a deleted variable is gone', async () => {
  const name = await registered();
  await ask(variables().deleteVariable.bind(variables()), { requestId: '', sessionId, variable: name, cascade: false });
  expect(await refusal(get(name))).toMatchObject({ grpc: 5, error: { code: 'variable_not_found' } });
});

test('a deadline that passes is answered as such', async () => {
  const name = await registered();
  expect(
    (await refusal(ask(variables().getVariable.bind(variables()), { sessionId, variable: name }, { timeoutMs: -1 })))
      .grpc,
  ).toBe(4);
});

test('empty fields are refused by name', async () => {
  const empty = (call: Promise<unknown>) => refusal(call).then(({ error }) => error?.details.field);
  expect(await empty(get(''))).toBe('variable');
  expect(await empty(ask(variables().getVariable.bind(variables()), { sessionId: '', variable: 'a' }))).toBe(
    'session_id',
  );
  expect(await empty(register(spec({ type: '' })))).toBe('variables[0].type');
  expect(await empty(register(spec({ initialValue: undefined })))).toBe('variables[0].initial_value');
  expect(await empty(set('a', 1, { source: 'x'.repeat(129) }))).toBe('source');
  expect(await empty(set('a', 1, { expectedVersion: 2n ** 60n }))).toBe('expected_version');
});

test('a committed value that cannot travel is our failure, and says that the work was done', async () => {
  const name = await registered({ type: 'integer', initialValue: value(1), constraints: new Map() });
  const session = await host.sessions.find(sessionId);
  await session.set(name, 10n ** 5000n);
  expect(await refusal(get(name))).toMatchObject({ grpc: 13, error: { code: 'internal', execution: 'done' } });
});

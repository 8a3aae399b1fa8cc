import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DependencyDirection, UpdateType } from '../../src/gen/coilyard/v1/variables.js';
import type { Session } from '../../src/sessions/session.js';
import { ask, refusal, startTestGateway, type TestGateway, values } from '../support/gateway-host.js';

let host: TestGateway;
let session: Session;

beforeAll(async () => {
  host = await startTestGateway();
});

afterAll(() => host.stop());

beforeEach(async () => {
  session = await host.sessions.start();
  await session.registerMany([
    { name: 'base', type: 'float', initialValue: 1 },
    { name: 'derived', type: 'float', initialValue: 2, constraints: { max: 3 } },
  ]);
});

const variables = () => host.clients.variables;
const write = () => ({ requestId: '', source: 'test', sessionId: session.id });
const as = (caller: string) => ({ headers: { 'coilyard-session': caller } });
const depend = (from: string, to: string, type = '') =>
  ask(variables().addDependency.bind(variables()), { ...write(), from, to, type, metadata: new Map() });

test('a dependency is recorded, told from both ends, and taken back', async () => {
  await depend('derived', 'base', 'constraint');
  const query = { sessionId: session.id, transitive: true };
  const { dependencies } = await ask(variables().getDependencies.bind(variables()), {
    ...query,
    variable: 'derived',
    direction: DependencyDirection.DEPENDENCIES,
  });
  expect(dependencies).toMatchObject([{ name: 'base', type: 'constraint' }]);
  const { dependencies: dependents } = await ask(variables().getDependencies.bind(variables()), {
    ...query,
    variable: 'base',
    direction: DependencyDirection.DEPENDENTS,
  });
  expect(dependents).toMatchObject([{ name: 'derived' }]);
  await ask(variables().removeDependency.bind(variables()), { ...write(), from: 'derived', to: 'base' });
  expect(session.dependencies('derived')).toEqual([]);
});

test('a circle of dependencies is refused, and so is a type that does not exist', async () => {
  await depend('derived', 'base');
  expect(await refusal(depend('base', 'derived'))).toMatchObject({ grpc: 3, error: { code: 'circular_dependency' } });
  expect(await refusal(depend('base', 'derived', 'magic'))).toMatchObject({
    error: { code: 'invalid_argument', details: { field: 'type' } },
  });
});

test('a rollback writes the old value as a new version', async () => {
  await session.set('base', 5);
  const { variable } = await ask(variables().rollbackVariable.bind(variables()), {
    ...write(),
    variable: 'base',
    version: 0n,
    reason: 'worse',
  });
  expect(variable).toMatchObject({ version: 2n, value: { kind: { $case: 'float', value: 1 } } });
  const missing = ask(variables().rollbackVariable.bind(variables()), {
    ...write(),
    variable: 'base',
    version: 77n,
    reason: '',
  });
  expect(await refusal(missing)).toMatchObject({ grpc: 5, error: { code: 'version_not_found' } });
});

test('constraints can be changed as long as the value satisfies them', async () => {
  const configure = (max: number) =>
    ask(variables().configureVariable.bind(variables()), {
      ...write(),
      variable: 'derived',
      constraints: { constraints: values({ max }) },
      readOnly: undefined,
      accessRules: undefined,
    });
  await configure(10);
  await session.set('derived', 9);
  expect(await refusal(configure(5))).toMatchObject({ error: { code: 'constraint_violation' } });
  expect(session.get('derived')).toBe(9);
});

test('rules are matched with the calling session that the metadata name', async () => {
  await ask(variables().configureVariable.bind(variables()), {
    ...write(),
    variable: 'base',
    constraints: undefined,
    readOnly: undefined,
    accessRules: { rules: [{ sessionPattern: 'reader_*', permissions: ['read'], conditions: new Map() }] },
  });
  const get = (caller: string) =>
    ask(variables().getVariable.bind(variables()), { sessionId: session.id, variable: 'base' }, as(caller));
  expect((await get('reader_1')).variable?.name).toBe('base');
  expect(await refusal(get('stranger'))).toMatchObject({ grpc: 7, error: { code: 'permission_denied' } });
  expect(await refusal(get('not a session id'))).toMatchObject({ error: { code: 'invalid_argument' } });
  const check = (permission: string) =>
    ask(
      variables().checkAccess.bind(variables()),
      { sessionId: session.id, variable: 'base', permission },
      as('reader_1'),
    );
  expect(await check('read')).toEqual({ allowed: true, revision: 2n });
  expect(await check('write')).toEqual({ allowed: false, revision: 2n });
  expect(await refusal(check('fly'))).toMatchObject({ error: { details: { field: 'permission' } } });
});

test('a watch that asks for settings hears of them, another one does not', async () => {
  const open = (includeSettings: boolean) =>
    variables().watch({
      sessionId: session.id,
      variables: [],
      pattern: '',
      includeInitial: false,
      includeSettings,
      coalesce: true,
      after: undefined,
    });
  const heard = async (includeSettings: boolean): Promise<UpdateType[]> => {
    const stream = open(includeSettings);
    const types: UpdateType[] = [];
    for await (const { updates } of stream) {
      if (updates.length === 0 && types.length === 0) {
        await session.setReadOnly('base', !session.variable('base').readOnly);
        await session.set('derived', 3);
      }
      types.push(...updates.map(({ type }: { type: UpdateType }) => type));
      if (types.includes(UpdateType.UPDATED)) break;
    }
    return types;
  };
  expect(await heard(true)).toEqual([UpdateType.CONFIGURED, UpdateType.UPDATED]);
  expect(await heard(false)).toEqual([UpdateType.UPDATED]);
});

test.each(['json', 'yaml'])('an export in %s is read into another session', async (format) => {
  await session.set('base', 7);
  await depend('derived', 'base');
  const { data } = await ask(variables().exportVariables.bind(variables()), {
    sessionId: session.id,
    format,
    includeHistory: true,
    withoutDependencies: false,
    filterPattern: '',
  });
  const other = await host.sessions.start();
  const request = { requestId: '', sessionId: other.id, data, format, mergeStrategy: '', source: 'test' };
  const importing = variables().importVariables.bind(variables());
  const tried = await ask(importing, { ...request, dryRun: true });
  expect(tried).toMatchObject({ imported: 2n, errors: 0n });
  expect(other.list()).toEqual([]);
  await ask(importing, { ...request, dryRun: false });
  expect(other.get('base')).toBe(7);
  expect(other.dependencies('derived')).toMatchObject([{ name: 'base' }]);
});

test('an import of something else is refused with the place and changes nothing', async () => {
  const importing = ask(variables().importVariables.bind(variables()), {
    requestId: '',
    sessionId: session.id,
    data: Buffer.from('{"format": "cookies"}'),
    format: 'json',
    mergeStrategy: 'replace',
    dryRun: false,
    source: 'test',
  });
  const { error } = await refusal(importing);
  expect(['invalid_argument', 'validation_failed']).toContain(error?.code);
  expect(session.revision).toBe(1);
});

test('statistics count what was written', async () => {
  await session.set('base', 2);
  const stats = (variable: string) =>
    ask(variables().getVariableStats.bind(variables()), { sessionId: session.id, variable });
  expect((await stats('base')).writeCount).toBe(1n);
  expect((await stats('')).writeCount).toBe(1n);
  expect(await refusal(stats('nothing'))).toMatchObject({ error: { code: 'variable_not_found' } });
});

/** Access rules with authentication on: principals at sessions that are not theirs. */

import { Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import {
  DependencyDirection,
  UpdateType,
  type WatchRequest,
  type WatchResponse,
} from '../../src/gen/coilyard/v1/variables.js';
import type { RuntimeEvents } from '../../src/kernel/telemetry.js';
import { sessionId, workerId } from '../../src/kernel/ids.js';
import type { Session } from '../../src/sessions/session.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { type Permission, permissions } from '../../src/variables/access.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';
import { decodeValue } from '../../src/wire/value.js';
import { WorkerGrant } from '../../src/workers/worker-grant.js';
import {
  ask,
  noSource,
  type Refusal,
  reader,
  refusal,
  startTestGateway,
  type TestGateway,
  value,
} from '../support/gateway-host.js';

const principals = [
  { token: 'token-of-a', name: 'team-a', sessions: ['a-*'] },
  { token: 'token-of-b', name: 'team-b', sessions: ['b-*'] },
];
const ofWorker = new WorkerGrant();
const workerOf = (token: string) =>
  token === 'token-of-worker' ? { workerId: workerId('default-0'), grant: ofWorker } : undefined;

const grant = (sessionPattern: string, ...granted: Permission[]) => ({ sessionPattern, permissions: granted });
const all = grant('a-*', ...permissions);

let clock: ManualClock;
let host: TestGateway;
let session: Session;
let refused: RuntimeEvents['gateway.refused'][];

/** `shared` is for everybody to read and for b-1 to write, `plain` has no rules, `secret` has rules for others. */
beforeEach(async () => {
  clock = new ManualClock();
  host = await startTestGateway({ clock, authenticator: bearerAuthenticator({ principals, workerOf }) });
  refused = [];
  host.telemetry.on('gateway.refused', (fields) => refused.push(fields));
  session = await host.sessions.start({ id: 'a-1' });
  await session.registerMany([
    {
      name: 'shared',
      type: 'float',
      initialValue: 1,
      accessRules: [all, grant('any', 'read', 'observe'), grant('b-1', 'write')],
    },
    { name: 'plain', type: 'float', initialValue: 1 },
    { name: 'secret', type: 'float', initialValue: 1, accessRules: [all, grant('c-*', ...permissions)] },
  ]);
  const quiet = await host.sessions.start({ id: 'a-2' });
  await quiet.register('shared', 'float', 1);
});

afterEach(() => host.stop());

const as = (who: string, caller?: string) => ({
  headers: {
    authorization: `Bearer token-of-${who}`,
    ...(caller === undefined ? {} : { 'coilyard-session': caller }),
  },
});
const b1 = as('b', 'b-1');

const named = (id: string, variable: string) => ({ sessionId: id, variable });
const write = (id: string, variable: string) => ({ ...noSource, ...named(id, variable), value: value(2.5) });
const watching = (id: string, more: Partial<WatchRequest> = {}): WatchRequest => ({
  sessionId: id,
  variables: [],
  pattern: '',
  includeInitial: true,
  includeSettings: false,
  coalesce: true,
  ...more,
});

/** Each method that is about one variable, and of which a guest can be granted something. */
function ofOne(id: string, variable: string, who = b1): Readonly<Record<string, () => Promise<unknown>>> {
  const { variables } = host.clients;
  const one = named(id, variable);
  return {
    get: () => ask(variables.getVariable.bind(variables), one, who),
    check: () => ask(variables.checkAccess.bind(variables), { ...one, permission: 'read' }, who),
    edges: () =>
      ask(
        variables.getDependencies.bind(variables),
        { ...one, direction: DependencyDirection.DEPENDENTS, transitive: true },
        who,
      ),
    history: () => ask(variables.getVariableHistory.bind(variables), { ...one, limit: 0, offset: 0 }, who),
    stats: () => ask(variables.getVariableStats.bind(variables), one, who),
    set: () => ask(variables.setVariable.bind(variables), write(id, variable), who),
    rollback: () =>
      ask(variables.rollbackVariable.bind(variables), { ...noSource, ...one, version: 0n, reason: '' }, who),
    watch: () => opened(watching(id, { variables: [variable] }), who),
  };
}

/** Each method that is about as many as there are. */
function ofMany(id: string, who = b1): Readonly<Record<string, () => Promise<unknown>>> {
  const { variables } = host.clients;
  const filter = { type: '', source: '', pattern: '' };
  const format = { format: '', includeHistory: true, withoutDependencies: false, filterPattern: '' };
  return {
    list: () => ask(variables.listVariables.bind(variables), { sessionId: id, ...filter }, who),
    getMany: () =>
      ask(variables.getVariables.bind(variables), { sessionId: id, variables: ['shared', 'plain', 'missing'] }, who),
    export: () => ask(variables.exportVariables.bind(variables), { sessionId: id, ...format }, who),
    update: () => ask(variables.updateVariables.bind(variables), batch(id, false), who),
    atomic: () => ask(variables.updateVariables.bind(variables), batch(id, true), who),
    watchAll: () => opened(watching(id), who),
    watchPattern: () => opened(watching(id, { pattern: '*', includeSettings: true }), who),
  };
}
const batch = (id: string, atomic: boolean) => ({
  ...noSource,
  sessionId: id,
  atomic,
  writes: ['shared', 'plain', 'missing'].map((variable) => ({ variable, value: value(2.5) })),
});

/** Each method that is about the session. */
function ofSession(id: string, who = b1): Readonly<Record<string, () => Promise<unknown>>> {
  const { variables, sessions, workers } = host.clients;
  const base = { requestId: '', source: '', sessionId: id };
  const one = { ...base, variable: 'shared' };
  const edge = { ...base, from: 'shared', to: 'shared' };
  const tool = { requestId: '', name: 'x', arguments: new Map(), sessionId: id, pool: '', idempotent: false };
  return {
    describe: () => ask(sessions.getSession.bind(sessions), { sessionId: id }, who),
    touch: () => ask(sessions.touchSession.bind(sessions), { sessionId: id }, who),
    stop: () => ask(sessions.stopSession.bind(sessions), { ...base, keep: false }, who),
    create: () =>
      ask(sessions.createSession.bind(sessions), { requestId: '', id, metadata: new Map(), attachIfExists: true }, who),
    register: () => ask(variables.registerVariables.bind(variables), { ...base, variables: [] }, who),
    delete: () => ask(variables.deleteVariable.bind(variables), { ...one, cascade: false }, who),
    configure: () => ask(variables.configureVariable.bind(variables), { ...one, accessRules: { rules: [] } }, who),
    connect: () => ask(variables.addDependency.bind(variables), { ...edge, type: '', metadata: new Map() }, who),
    disconnect: () => ask(variables.removeDependency.bind(variables), edge, who),
    import: () =>
      ask(
        variables.importVariables.bind(variables),
        { ...base, data: Buffer.from('{}'), format: '', mergeStrategy: '', dryRun: true },
        who,
      ),
    callTool: () => ask(workers.callTool.bind(workers), tool, who),
  };
}

function watch(request: WatchRequest, who = b1) {
  const metadata = new Metadata();
  for (const [name, text] of Object.entries(who.headers)) metadata.set(name, text);
  const stream = host.clients.variables.watch(request, metadata);
  return { stream, ...reader<WatchResponse>(stream) };
}

/** Resolves with the first message of a watch, rejects with why there is none. */
function opened(request: WatchRequest, who = b1): Promise<WatchResponse> {
  const { stream } = watch(request, who);
  return new Promise((resolve, reject) => {
    stream.once('data', (message: WatchResponse) => {
      resolve(message);
      stream.cancel();
    });
    stream.on('error', reject);
  });
}

/** All that a refusal says, with the id of the session left out. */
async function told(call: Promise<unknown>, id: string): Promise<unknown> {
  const { grpc, error }: Refusal = await refusal(call);
  if (error === undefined) return { grpc };
  const { code, message, details, execution, retryable } = error;
  return JSON.parse(JSON.stringify({ grpc, code, message, details, execution, retryable }).replaceAll(id, '<id>'));
}
const asEver = {
  grpc: 7,
  code: 'permission_denied',
  message: 'team-b may not use session "<id>"',
  details: { principal: 'team-b', sessionId: '<id>' },
  execution: 'not_started',
  retryable: false,
};

test('a rule of a session opens its variable to the sessions of another principal, as far as it says', async () => {
  const { variables } = host.clients;
  expect((await opened(watching('a-1'))).updates.map(({ name }) => name)).toEqual(['shared']);
  const set = await ask(variables.setVariable.bind(variables), write('a-1', 'shared'), b1);
  expect(set).toMatchObject({ revision: 2n, variable: { version: 1n } });
  const read = await ask(variables.getVariable.bind(variables), named('a-1', 'shared'), as('b', 'b-2'));
  expect(decodeValue(read.variable?.value, 'value')).toEqual({ kind: 'float', value: 2.5 });
  expect(await told(ask(variables.setVariable.bind(variables), write('a-1', 'shared'), as('b', 'b-2')), 'a-1')).toEqual(
    asEver,
  );
  const check = (permission: string, who = b1) =>
    ask(variables.checkAccess.bind(variables), { ...named('a-1', 'shared'), permission }, who);
  const rights = await Promise.all(permissions.map((right) => check(right)));
  expect(rights.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
  for (const call of Object.values(ofOne('a-1', 'shared'))) await call();
  expect(session.audit({ limit: 1 })).toMatchObject([{ principal: 'b-1', variable: 'shared' }]);
});

test('a guest names the session on whose behalf it calls, and that one is its own', async () => {
  for (const who of [as('b'), as('b', 'c-1'), as('b', 'a-1')])
    for (const [method, call] of Object.entries({ ...ofOne('a-1', 'shared', who), ...ofMany('a-1', who) }))
      expect(await refusal(call()), method).toMatchObject({ grpc: 7, error: { code: 'permission_denied' } });
});

test('what is not granted, what is not there and what is no session are refused in the same words', async () => {
  const stopped = await host.sessions.start({ id: 'a-3' });
  await stopped.stop();
  const brief = await host.sessions.start({ id: 'a-4', ttlMs: 1000 });
  await brief.register('shared', 'float', 1);
  await clock.advance(1100);
  await expect(host.sessions.find('a-4')).rejects.toMatchObject({ code: 'session_expired' });
  const places = [
    ['a-1', 'plain'],
    ['a-1', 'secret'],
    ['a-1', 'missing'],
    ['a-1', session.variable('plain').id],
    ['a-2', 'shared'],
    ['a-2', ''],
    ['a-3', 'shared'],
    ['a-4', 'shared'],
    ['a-9', 'shared'],
    ['a-9', ''],
  ] as const;
  for (const [id, variable] of places)
    for (const [method, call] of Object.entries(ofOne(id, variable)))
      expect(await told(call(), id), `${method} of ${variable} in ${id}`).toEqual(asEver);
  for (const id of ['a-2', 'a-3', 'a-4', 'a-9'])
    for (const [method, call] of Object.entries(ofMany(id)))
      expect(await told(call(), id), `${method} of ${id}`).toEqual(asEver);
  // As it is said without the name of a session on whose behalf the call is made.
  expect(await told(ofOne('a-1', 'shared', as('b')).get?.() ?? Promise.resolve(), 'a-1')).toEqual(asEver);
  expect(new Set(refused.map(({ principal, code }) => `${principal} ${code}`))).toEqual(
    new Set(['team-b permission_denied']),
  );
});

test('whoever has no right in a session does not keep it alive by asking', async () => {
  const { expiresAtMs } = (await host.sessions.start({ id: 'a-5', ttlMs: 60_000 })).info();
  await clock.advance(1000);
  for (const call of Object.values({ ...ofOne('a-5', 'x'), ...ofMany('a-5'), ...ofSession('a-5') }))
    await refusal(call());
  expect(await host.sessions.page('a-4', 1)).toMatchObject([{ id: 'a-5', expiresAtMs }]);
});

test('the session itself is for those whose it is, whatever its rules grant', async () => {
  await session.setPermissions('shared', [all, grant('any', ...permissions)]);
  const before = await session.export();
  for (const id of ['a-1', 'a-9'])
    for (const [method, call] of Object.entries(ofSession(id)))
      expect(await told(call(), id), `${method} of ${id}`).toEqual(asEver);
  expect(await told(ofOne('a-1', '').stats?.() ?? Promise.resolve(), 'a-1')).toEqual(asEver);
  expect(JSON.parse(Buffer.from(before).toString()).variables).toEqual(
    JSON.parse(Buffer.from(await session.export()).toString()).variables,
  );
});

test('what lists shows a guest what it is granted', async () => {
  const { variables } = host.clients;
  const calls = ofMany('a-1');
  expect(await calls.list?.()).toMatchObject({ revision: 1n, variables: [{ name: 'shared' }] });
  const many = await ask(
    variables.getVariables.bind(variables),
    { sessionId: 'a-1', variables: ['shared', 'plain', 'missing'] },
    b1,
  );
  expect([...many.variables.keys()]).toEqual(['shared']);
  const { data } = await ask(
    variables.exportVariables.bind(variables),
    { sessionId: 'a-1', format: '', includeHistory: true, withoutDependencies: false, filterPattern: '' },
    b1,
  );
  expect(data.toString()).not.toMatch(/plain|secret/);
});

test('a batch of a guest says of each write whether it was granted', async () => {
  const { variables } = host.clients;
  const update = (atomic: boolean) => ask(variables.updateVariables.bind(variables), batch('a-1', atomic), b1);
  expect((await update(true)).ok).toBe(false);
  expect(session.get('shared')).toBe(1);
  const { outcomes } = await update(false);
  expect(session.get('shared')).toBe(2.5);
  const messages = outcomes.map(({ outcome }) =>
    outcome?.$case === 'error' ? decodeErrorDetail(outcome.value).message : outcome?.$case,
  );
  expect(messages).toEqual(['updated', ...Array(2).fill('team-b may not use session "a-1"')]);
});

test('a watch of a guest hears of rights that come and go, and of no variable that was never its own', async () => {
  const { next, ended } = watch(watching('a-1', { includeInitial: false, includeSettings: true }));
  await next();
  await session.setReadOnly('plain', true);
  await session.setPermissions('secret', [all]);
  await session.set('secret', 2);
  await session.setPermissions('shared', [all]);
  await session.set('shared', 3);
  await session.setPermissions('plain', [all, grant('b-1', 'observe')]);
  const heard = [];
  while (heard.length < 2)
    heard.push(...(await next()).updates.map(({ type, name, value: shown }) => [type, name, shown === undefined]));
  expect(heard).toEqual([
    [UpdateType.CONFIGURED, 'shared', true],
    [UpdateType.CONFIGURED, 'plain', false],
  ]);
  await session.stop();
  const { grpc, error } = (await ended) as Refusal;
  expect([grpc, error?.message]).toEqual([7, 'team-b may not use session "a-1"']);
});

test('a worker is the guest of no session: it has the sessions of its calls', async () => {
  ofWorker.given(1, sessionId('b-1'));
  await session.setPermissions('shared', [all, grant('any', ...permissions)]);
  const calls = Object.entries({
    ...ofOne('a-1', 'shared', as('worker', 'b-1')),
    ...ofMany('a-1', as('worker', 'b-1')),
  });
  for (const [method, call] of calls)
    expect((await refusal(call())).error?.message, method).toBe('worker:default-0 may not use session "a-1"');
});

test("the principal's own sessions are asked as ever, on whoever's behalf", async () => {
  const { variables } = host.clients;
  const get = (variable: string, caller?: string) =>
    ask(variables.getVariable.bind(variables), named('a-1', variable), as('a', caller));
  expect((await get('plain', 'a-2')).variable?.name).toBe('plain');
  expect((await get('secret')).variable?.name).toBe('secret');
  expect(await refusal(get('missing', 'a-2'))).toMatchObject({ error: { code: 'variable_not_found' } });
  expect(await told(get('plain', 'b-1'), 'b-1')).toMatchObject({ message: 'team-a may not use session "<id>"' });
});

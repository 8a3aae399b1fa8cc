import { readFileSync } from 'node:fs';
import { credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import { scopeOf } from '../../src/gateway/method-scopes.js';
import { OptimizationsService } from '../../src/gen/coilyard/v1/optimizations.js';
import { SessionsClient, SessionsService } from '../../src/gen/coilyard/v1/sessions.js';
import { VariablesClient, VariablesService, type WatchResponse } from '../../src/gen/coilyard/v1/variables.js';
import { WorkersService } from '../../src/gen/coilyard/v1/workers.js';
import { sessionId, workerId } from '../../src/kernel/ids.js';
import type { RuntimeEvents } from '../../src/kernel/telemetry.js';
import { WorkerGrant } from '../../src/workers/worker-grant.js';
import {
  ask,
  askedForToken,
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
  { token: 'token-of-reader', name: 'reader', sessions: ['a-*', 'b-?'], scopes: ['read'] },
  { token: 'token-of-writer', name: 'writer', scopes: ['write'] },
  { token: 'token-of-caller', name: 'caller', scopes: ['call'] },
  { token: 'token-of-none', name: 'none', scopes: [] },
  { token: 'token-of-nowhere', name: 'nowhere', sessions: [] },
] as const;
let grant: WorkerGrant;
const workerOf = (token: string) =>
  token === 'token-of-worker' ? { workerId: workerId('default-0'), grant } : undefined;

let host: TestGateway;
let refused: RuntimeEvents['gateway.refused'][];

beforeEach(async () => {
  grant = new WorkerGrant();
  host = await startTestGateway({
    authenticator: bearerAuthenticator({ token: 'token-of-all', principals, workerOf }),
    limits: { maxStreamsPerPrincipal: 3 },
  });
  refused = [];
  host.telemetry.on('gateway.refused', (fields) => refused.push(fields));
  for (const id of ['a-1', 'a-2', 'b-1', 'b-10']) {
    const session = await host.sessions.start({ id });
    await session.register('x', 'float', 1);
  }
});

afterEach(() => host.stop());

const as = (name: string, caller?: string) => ({
  headers: {
    authorization: `Bearer token-of-${name}`,
    ...(caller === undefined ? {} : { 'coilyard-session': caller }),
  },
});
const get = (who: string, sessionId: string, caller?: string) => {
  const { variables } = host.clients;
  return ask(variables.getVariable.bind(variables), { sessionId, variable: 'x' }, as(who, caller));
};
const set = (who: string, sessionId: string) => {
  const { variables } = host.clients;
  const request = { ...noSource, sessionId, variable: 'x', value: value(2) };
  return ask(variables.setVariable.bind(variables), request, as(who));
};
const create = (who: string, id: string, attachIfExists = false, requestId = '') => {
  const { sessions } = host.clients;
  const request = { requestId, id, metadata: new Map(), attachIfExists };
  return ask(sessions.createSession.bind(sessions), request, as(who));
};
const list = async (who: string, pageSize = 0): Promise<string[]> => {
  const { sessions } = host.clients;
  const ids: string[] = [];
  for (let pageToken = ''; ; ) {
    const page = await ask(sessions.listSessions.bind(sessions), { pageSize, pageToken }, as(who));
    ids.push(...page.sessions.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === '') return ids;
  }
};
const watch = (who: string, sessionId = 'a-1', caller?: string) => {
  const metadata = new Metadata();
  for (const [name, text] of Object.entries(as(who, caller).headers)) metadata.set(name, text);
  const request = {
    sessionId,
    variables: [],
    pattern: '',
    includeInitial: true,
    includeSettings: false,
    coalesce: true,
  };
  const stream = host.clients.variables.watch(request, metadata);
  return { stream, ...reader<WatchResponse>(stream) };
};
const denied = { grpc: 7, error: { code: 'permission_denied', execution: 'not_started', retryable: false } };

test('a principal reaches the sessions of its patterns and no other, and is not told which there are', async () => {
  expect((await get('a', 'a-1')).revision).toBe(1n);
  expect((await set('a', 'a-2')).revision).toBe(2n);
  const [there, notThere] = [await refusal(get('a', 'b-1')), await refusal(get('a', 'b-9'))];
  expect(there).toMatchObject(denied);
  expect(notThere.error?.message.replace('b-9', 'b-1')).toBe(there.error?.message);
  expect(await refusal(get('reader', 'b-10'))).toMatchObject(denied);
  expect((await get('reader', 'b-1')).revision).toBe(1n);
});

test('nobody calls on behalf of a session that is not its own, so a rule grants nothing to a chosen name', async () => {
  const session = await host.sessions.find('a-1');
  await session.setPermissions('x', [{ sessionPattern: 'b-*', permissions: ['read'] }]);
  expect(await refusal(get('a', 'a-1', 'b-1'))).toMatchObject(denied);
  expect(await watch('a', 'a-1', 'b-1').ended).toMatchObject(denied);
  // Whoever may be b-1 is granted what the rule grants to b-1, and nothing as a-2.
  expect((await get('all', 'a-1', 'b-1')).variable?.name).toBe('x');
  expect((await get('reader', 'a-1', 'b-1')).variable?.name).toBe('x');
  expect(await refusal(get('reader', 'a-1', 'a-2'))).toMatchObject(denied);
  // Refused by the rule there, here by who it is.
  expect(refused.map(({ principal, method }) => [principal, method.split('/')[2]])).toEqual([
    ['team-a', 'GetVariable'],
    ['team-a', 'Watch'],
  ]);
});

test('every method refuses who does not have its scope', async () => {
  const scopes = { reader: 'read', writer: 'write', caller: 'call' } as const;
  for (const [path, scope] of Object.entries(scopeOf)) {
    if (scope === 'itself') continue;
    expect(await raw(path, 'none'), path).toMatchObject(denied);
    for (const [who, has] of Object.entries(scopes))
      if (has !== scope) expect(await raw(path, who), `${path} as ${who}`).toMatchObject(denied);
      // Starting a session takes more than the scope of its method: see below.
      else if (!path.endsWith('CreateSession')) expect((await raw(path, who)).grpc, `${path} as ${who}`).not.toBe(7);
  }
});

test('every method that names a session refuses who may not use it', async () => {
  const services = [VariablesService, WorkersService, SessionsService, OptimizationsService].flatMap((service) =>
    Object.values(service),
  );
  // The session's id is one field of the request, wherever it stands.
  for (const { path, requestStream, requestDeserialize } of services) {
    if (requestStream) continue;
    const bytes = [1, 2, 3, 4, 5, 6]
      .map((field) => Buffer.concat([Buffer.from([field * 8 + 2, 3]), Buffer.from('b-1')]))
      .find((field) => hasSession(requestDeserialize, field));
    if (bytes === undefined) {
      expect(['ListSessions', 'ListTools', 'CreateSession'].map((name) => path.endsWith(name))).toContain(true);
      continue;
    }
    expect(await raw(path, 'nowhere', bytes), path).toMatchObject(denied);
    expect((await raw(path, 'all', bytes)).error?.code, path).not.toBe('permission_denied');
  }
});

function hasSession(decode: (bytes: Buffer) => object, bytes: Buffer): boolean {
  try {
    return Reflect.get(decode(bytes), 'sessionId') === 'b-1';
  } catch {
    return false;
  }
}

test('a list of sessions has those of the principal, page by page', async () => {
  expect(await list('a')).toEqual(['a-1', 'a-2']);
  expect(await list('a', 1)).toEqual(['a-1', 'a-2']);
  expect(await list('reader', 2)).toEqual(['a-1', 'a-2', 'b-1']);
  expect(await list('nowhere')).toEqual([]);
  expect(await list('all')).toEqual(['a-1', 'a-2', 'b-1', 'b-10']);
});

test('who starts a session has the scope for it and names one of its own', async () => {
  expect((await create('a', 'a-3')).created).toBe(true);
  for (const id of ['b-3', '']) expect(await refusal(create('a', id))).toMatchObject(denied);
  for (const id of ['a-4', '']) expect(await refusal(create('reader', id))).toMatchObject(denied);
  expect((await create('all', '')).created).toBe(true);
});

test('who may not start sessions may attach to one', async () => {
  expect(await create('reader', 'a-1', true)).toMatchObject({ created: false, session: { id: 'a-1' } });
  grant.given(1, sessionId('b-1'));
  expect(await create('worker', 'b-1', true)).toMatchObject({ created: false });
  expect(await refusal(create('reader', 'a-9', true))).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
  expect(await refusal(create('reader', 'b-10', true))).toMatchObject(denied);
});

test("the id of a request is its principal's: nobody gets the answer to another one's", async () => {
  await create('all', 'c-1', false, 'same');
  expect((await create('all', 'c-1', false, 'same')).created).toBe(true);
  expect((await create('a', 'a-5', false, 'same')).session?.id).toBe('a-5');
});

test('the token of a worker reads and writes the sessions of its calls, and neither starts nor stops any', async () => {
  for (const use of [get, set]) expect(await refusal(use('worker', 'a-1'))).toMatchObject(denied);
  grant.given(1, sessionId('a-1'));
  expect((await get('worker', 'a-1')).revision).toBe(1n);
  grant.answered(1);
  expect((await set('worker', 'a-1')).revision).toBe(2n);
  expect(await list('worker')).toEqual(['a-1']);
  expect(await refusal(get('worker', 'a-2'))).toMatchObject(denied);
  expect(await refusal(get('worker', 'a-1', 'a-2'))).toMatchObject(denied);
  expect(await watch('worker', 'a-2').ended).toMatchObject(denied);
  expect(await refusal(create('worker', 'w-1'))).toMatchObject(denied);
  const { sessions } = host.clients;
  const stop = ask(sessions.stopSession.bind(sessions), { requestId: '', sessionId: 'a-1', keep: true }, as('worker'));
  expect(await refusal(stop)).toMatchObject(denied);
  expect(new Set(refused.map(({ principal, code }) => `${principal} ${code}`))).toEqual(
    new Set(['worker:default-0 permission_denied']),
  );
});

test('a tool is called on behalf of a session only by a worker that serves it', async () => {
  grant.given(1, sessionId('a-1'));
  const { workers } = host.clients;
  const call = (id: string) => {
    const request = { requestId: '', name: 'x', arguments: new Map(), sessionId: id, pool: '', idempotent: false };
    return refusal(ask(workers.callTool.bind(workers), request, as('worker')));
  };
  expect(await call('a-2')).toMatchObject(denied);
  // There is no such tool: it was looked for.
  for (const id of ['a-1', '']) expect(await call(id)).toMatchObject({ error: { code: 'tool_not_found' } });
});

test('with the life of a worker its token is worth nothing, and its watches end', async () => {
  grant.given(1, sessionId('a-1'));
  const { next, ended } = watch('worker');
  await next();
  grant.close();
  expect(await ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  expect(await refusal(get('worker', 'a-1'))).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
});

test('a principal has as many watches as it may, and another one has its own', async () => {
  const open = [watch('a'), watch('a'), watch('a')];
  for (const { next } of open) await next();
  expect(await watch('a').ended).toMatchObject({ grpc: 8, error: { code: 'rate_limited', details: { limit: 3 } } });
  expect(refused).toEqual([{ method: VariablesService.watch.path, code: 'rate_limited', principal: 'team-a' }]);
  const other = watch('reader');
  await other.next();
  open[0]?.stream.cancel();
  await open[0]?.ended;
  await expect.poll(() => host.gateway.openStreams).toBe(3);
  const again = watch('a');
  await again.next();
  for (const { stream } of [...open, other, again]) stream.cancel();
});

test('refusals are told with who and what, and no secret is in them nor in what the caller gets', async () => {
  const seen: unknown[] = [];
  for (const who of ['a', 'stranger']) seen.push(await refusal(get(who, 'b-1')));
  seen.push(await refusal(get('none', 'a-1')), await refusal(create('reader', 'a-9')));
  const { variables } = host.clients;
  seen.push(await refusal(ask(variables.getVariable.bind(variables), { sessionId: 'a-1', variable: 'x' })));
  expect(refused).toEqual([
    { method: VariablesService.getVariable.path, code: 'permission_denied', principal: 'team-a' },
    { method: askedForToken(VariablesService.getVariable.path), code: 'unauthenticated', principal: null },
    { method: VariablesService.getVariable.path, code: 'permission_denied', principal: 'none' },
    { method: SessionsService.createSession.path, code: 'permission_denied', principal: 'reader' },
    { method: askedForToken(VariablesService.getVariable.path), code: 'unauthenticated', principal: null },
  ]);
  const told = JSON.stringify([refused, seen]) + seen.map((one) => (one as Refusal).error?.message).join();
  expect(told).not.toContain('token-of');
});

test('the token is asked for before anything is read of the request', async () => {
  expect((await raw(VariablesService.setVariable.path, 'stranger', Buffer.from('ffff', 'hex'))).grpc).toBe(16);
  expect((await raw(VariablesService.setVariable.path, 'reader', Buffer.from('ffff', 'hex'))).grpc).toBe(7);
  expect((await raw(VariablesService.setVariable.path, 'all', Buffer.from('ffff', 'hex'))).grpc).toBe(3);
});

/** A request of these bytes; status 0 for an answer. */
function raw(path: string, who: string, bytes: Buffer = Buffer.alloc(0)): Promise<Refusal> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer token-of-${who}`);
  const asItIs = (buffer: Buffer): Buffer => buffer;
  const call = host.clients.variables.makeServerStreamRequest(path, asItIs, asItIs, bytes, metadata);
  return new Promise((resolve, reject) => {
    call.once('data', () => {
      resolve({ grpc: 0, error: undefined });
      call.cancel();
    });
    call.once('status', ({ code }) => {
      if (code === 0) resolve({ grpc: 0, error: undefined });
    });
    call.on('error', (error) => refusal(Promise.reject(error)).then(resolve, reject));
  });
}

const pem = (name: string): string => readFileSync(new URL(`../support/tls/${name}.pem`, import.meta.url), 'utf8');
const tls = { cert: pem('server'), key: pem('server-key') };

async function overTls(
  options: Parameters<typeof startTestGateway>[0],
  channel: ReturnType<typeof credentials.createSsl>,
  use: (sessions: SessionsClient, gateway: TestGateway['gateway']) => Promise<void>,
): Promise<void> {
  const secure = await startTestGateway(options);
  const client = new SessionsClient(secure.gateway.address, channel);
  await use(client, secure.gateway).finally(async () => {
    client.close();
    await secure.stop();
  });
}
const listOn = (client: SessionsClient, headers: Record<string, string> = {}) =>
  ask(client.listSessions.bind(client), { pageSize: 0, pageToken: '' }, { headers, timeoutMs: 120_000 });

test('with a certificate connections are encrypted, and who speaks in the clear is not understood', async () => {
  const ca = Buffer.from(pem('ca'));
  await overTls({ tls, workerOf }, credentials.createSsl(ca), async (client, gateway) => {
    expect((await listOn(client)).sessions).toEqual([]);
    const plain = new SessionsClient(gateway.address, credentials.createInsecure());
    await expect(listOn(plain)).rejects.toMatchObject({ code: 14 });
    plain.close();
  });
});

test('with a certificate authority for clients, a certificate of it is needed and is enough for any host', async () => {
  const ca = Buffer.from(pem('ca'));
  const options = { host: '0.0.0.0', tls: { ...tls, clientCa: pem('ca') } };
  const mine = credentials.createSsl(ca, Buffer.from(pem('client-key')), Buffer.from(pem('client')));
  const mutual = await startTestGateway(options);
  const address = `127.0.0.1:${mutual.gateway.port}`;
  const [known, unknown] = [new SessionsClient(address, mine), new SessionsClient(address, credentials.createSsl(ca))];
  expect((await listOn(known)).sessions).toEqual([]);
  await expect(listOn(unknown)).rejects.toMatchObject({ code: 14 });
  for (const client of [known, unknown]) client.close();
  await mutual.stop();
});

test('the workers of this machine have a door of their own beside an encrypted one, and nobody else goes in', async () => {
  await overTls({ tls, workerOf }, credentials.createSsl(Buffer.from(pem('ca'))), async (_client, gateway) => {
    expect(gateway.workersAddress).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(gateway.workersAddress).not.toBe(gateway.address);
    const back = new SessionsClient(gateway.workersAddress, credentials.createInsecure());
    expect((await listOn(back, as('worker').headers)).sessions).toEqual([]);
    for (const headers of [{}, as('all').headers])
      expect(await refusal(listOn(back, headers))).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
    back.close();
  });
});

test('a certificate that is none is a clear error without a word of the key', async () => {
  for (const wrong of [
    { cert: 'x', key: tls.key },
    { cert: tls.cert, key: pem('client-key') },
    { cert: tls.cert, key: 'secret' },
  ]) {
    const error = await startTestGateway({ tls: wrong }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid_argument', details: { field: 'gateway.tls' } });
    expect(String(error)).not.toContain('secret');
  }
});

test('a certificate without one for clients does not open a gateway to other machines', async () => {
  await expect(startTestGateway({ host: '0.0.0.0', tls })).rejects.toMatchObject({
    details: { field: 'gateway.host' },
  });
});

test('a principal calls over as many connections as it may, and another one has its own', async () => {
  const few = await startTestGateway({
    authenticator: bearerAuthenticator({ principals }),
    limits: { maxConnectionsPerPrincipal: 1 },
  });
  await few.sessions.start({ id: 'a-1' });
  const another = few.open(SessionsClient);
  for (let n = 0; n < 2; n += 1) expect((await listOn(few.clients.sessions, as('a').headers)).sessions).toHaveLength(1);
  expect(await refusal(listOn(another, as('a').headers))).toMatchObject({
    grpc: 8,
    error: { code: 'rate_limited', details: { principal: 'team-a', limit: 1 } },
  });
  expect((await listOn(another, as('reader').headers)).sessions).toHaveLength(1);
  few.hangUp();
  await expect
    .poll(() =>
      listOn(another, as('a').headers).then(
        () => 'served',
        () => 'refused',
      ),
    )
    .toBe('served');
  another.close();
  await few.stop();
});

test('one connection more than there may be is closed at once, and those there are go on', async () => {
  const few = await startTestGateway({ limits: { maxConnections: 1 } });
  const { sessions } = few.clients;
  expect((await listOn(sessions)).sessions).toEqual([]);
  const another = few.open(VariablesClient);
  const call = ask(another.getVariable.bind(another), { sessionId: 'a', variable: 'x' }, { timeoutMs: 120_000 });
  await expect(call).rejects.toMatchObject({ code: 14 });
  expect((await listOn(sessions)).sessions).toEqual([]);
  another.close();
  await few.stop();
});

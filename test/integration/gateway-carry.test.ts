/** What is particular to calls that share one stream. What a method does is asked of both carriers in the other files. */

import { afterEach, expect, test } from 'vitest';
import type { GatewayOptions } from '../../src/gateway/server.js';
import { CallRequest } from '../../src/gen/coilyard/v1/calls.js';
import { SessionsService } from '../../src/gen/coilyard/v1/sessions.js';
import { VariablesService } from '../../src/gen/coilyard/v1/variables.js';
import { systemClock } from '../../src/kernel/clock.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { bearerAuthenticator } from '../../src/gateway/authenticator.js';
import type { ExecuteOptions, SessionHandle, SessionsPort } from '../../src/sessions/handle.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { cutUp } from '../../src/wire/pieces.js';
import { CallLine } from '../support/call-line.js';
import { noSource, startTestGateway, type TestGateway, value } from '../support/gateway-host.js';
import { hostSessions } from '../support/session-host.js';

const MIB = 1024 * 1024;
const hosts: TestGateway[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

async function start(options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const host = await startTestGateway(options);
  hosts.push(host);
  return host;
}

const request = (callId: number, method: string, message: Buffer, more: Partial<CallRequest> = {}) =>
  ({ $case: 'request', value: { callId, method, message, callingSession: '', ...more } }) as const;
const cancel = (callId: number) => ({ $case: 'cancel', value: { callId } }) as const;
const { getVariable, setVariable, registerVariables, watch } = VariablesService;
const get = (callId: number, variable = 'x', sessionId = 's', more: Partial<CallRequest> = {}) =>
  request(callId, getVariable.path, getVariable.requestSerialize({ sessionId, variable }), more);
const set = (callId: number, content: unknown, more: Partial<CallRequest> = {}) =>
  request(
    callId,
    setVariable.path,
    setVariable.requestSerialize({ ...noSource, sessionId: 's', variable: 'x', value: value(content) }),
    more,
  );
const inPieces = (callId: number, method: string, message: Buffer) => {
  const whole = CallRequest.encode({ callId, method, message, callingSession: '' }).finish();
  return Array.from(cutUp(whole, 0n), ({ data, last }) => ({ $case: 'piece', value: { callId, data, last } }) as const);
};

/** A session whose commands stay in hand until the test lets them go. */
async function startSlow(options: Partial<GatewayOptions> = {}) {
  const { sessions } = hostSessions({ clock: systemClock });
  const session = await sessions.start({ id: 's' });
  await session.register('x', 'float', 0);
  const asked: ExecuteOptions[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const execute: SessionHandle['execute'] = async (command, given = {}) => {
    asked.push(given);
    await Promise.race([
      released,
      new Promise((_resolve, reject) => given.signal?.addEventListener('abort', () => reject(given.signal?.reason))),
    ]);
    return session.execute(command, given);
  };
  const slow: SessionHandle = Object.assign(Object.create(session), { execute });
  const port: SessionsPort = { start: (given) => sessions.start(given), find: async () => slow, page: async () => [] };
  const host = await start({ sessions: port, ...options });
  return { host, asked, release };
}

async function startPlain(options: Partial<GatewayOptions> = {}): Promise<TestGateway> {
  const host = await start(options);
  const session = await host.sessions.start({ id: 's' });
  await session.register('x', 'float', 0.5);
  return host;
}

test('many calls share one stream, and one message', async () => {
  const line = new CallLine(await startPlain());
  line.send(get(1), set(2, 0.7), get(3), get(4, 'missing'));
  expect(getVariable.responseDeserialize(await line.message(1)).variable?.version).toBe(0n);
  expect(setVariable.responseDeserialize(await line.message(2)).revision).toBe(2n);
  expect((await line.message(3)).length).toBeGreaterThan(0);
  expect(await line.error(4)).toMatchObject({ code: 'variable_not_found', details: { variable: 'missing' } });
  line.hangUp();
});

test('an accepted stream says what it takes', async () => {
  const line = new CallLine(await startPlain({ limits: { maxCarriedBytes: 1234, maxReceiveBytes: 5678 } }));
  const metadata = await line.accepted;
  expect(metadata.get('coilyard-max-bytes')).toEqual(['1234']);
  expect(metadata.get('coilyard-max-message-bytes')).toEqual(['5678']);
  line.hangUp();
});

test('a call that takes long holds back no other', async () => {
  const { host, release } = await startSlow();
  const line = new CallLine(host);
  line.send(set(1, 1), get(2));
  await line.message(2);
  expect(line.answered).toEqual([2]);
  release();
  await line.message(1);
  line.hangUp();
});

test('a call that is cancelled aborts its command and is not answered', async () => {
  const { host, asked, release } = await startSlow();
  const line = new CallLine(host);
  line.send(set(1, 1), set(2, 2));
  await expect.poll(() => asked.length).toBe(2);
  line.send(cancel(1), cancel(99));
  await expect.poll(() => asked[0]?.signal?.aborted).toBe(true);
  release();
  await line.message(2);
  line.send(get(1));
  await line.message(1);
  expect(line.answered).toEqual([2, 1]);
  line.hangUp();
});

test('a call whose time is over is answered so, and its command aborted', async () => {
  const clock = new ManualClock();
  const { host, asked } = await startSlow({ clock });
  const line = new CallLine(host);
  line.send(set(1, 1, { timeoutMs: 60 }), set(2, 2, { timeoutMs: 0 }));
  await expect.poll(() => asked.length).toBe(1);
  await clock.advance(100);
  expect(await line.error(1)).toMatchObject({ code: 'deadline_exceeded', execution: 'unknown' });
  expect(await line.error(2)).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started' });
  expect(asked).toHaveLength(1);
  expect(asked[0]?.signal?.aborted).toBe(true);
  line.hangUp();
});

test('when the client ends its side, what is in hand is answered before the stream ends', async () => {
  const { host, asked, release } = await startSlow();
  const line = new CallLine(host);
  line.send(set(1, 1));
  await expect.poll(() => asked.length).toBe(1);
  line.end();
  release();
  await line.message(1);
  expect(await line.ended).toBe('ok');
});

test('a client that goes away aborts its commands', async () => {
  const { host, asked } = await startSlow();
  const line = new CallLine(host);
  line.send(set(1, 1));
  await expect.poll(() => asked.length).toBe(1);
  line.hangUp();
  await expect.poll(() => asked[0]?.signal?.aborted).toBe(true);
  await expect.poll(() => host.gateway.openStreams).toBe(0);
});

test('a gateway that stops answers what it has, refuses what is new, and says why it ends', async () => {
  const { host, asked, release } = await startSlow();
  const line = new CallLine(host);
  line.send(set(1, 1));
  await expect.poll(() => asked.length).toBe(1);
  const stopped = host.gateway.stop({ timeoutMs: 120_000 });
  line.send(get(2));
  expect(await line.error(2)).toMatchObject({ code: 'store_unavailable', execution: 'not_started', retryable: true });
  release();
  await line.message(1);
  expect(await line.ended).toMatchObject({ grpc: 14, error: { code: 'store_unavailable' } });
  expect(await stopped).toEqual({ forced: false });
});

test('what is no unary method is refused for itself', async () => {
  const line = new CallLine(await startPlain());
  line.send(request(1, '/coilyard.v1.Variables/Nope', Buffer.alloc(0)), request(2, watch.path, Buffer.alloc(0)));
  for (const callId of [1, 2])
    expect(await line.error(callId)).toMatchObject({ code: 'invalid_argument', details: { field: 'method' } });
  line.send(
    request(3, getVariable.path, Buffer.from('ffff', 'hex')),
    get(4, 'x', 's', { callingSession: 'not an id' }),
  );
  expect(await line.error(3)).toMatchObject({ code: 'invalid_argument', details: { field: 'request' } });
  expect(await line.error(4)).toMatchObject({ code: 'invalid_argument', details: { field: 'coilyard-session' } });
  line.send(get(5));
  await line.message(5);
  line.hangUp();
});

test.each<[string, (line: CallLine) => void]>([
  ['a frame of no kind', (line) => line.send(undefined)],
  ['an id that is in hand', (line) => line.send(set(1, 1), set(1, 2))],
  [
    'pieces that are no request',
    (line) => line.send({ $case: 'piece', value: { callId: 1, data: Buffer.from('ffff', 'hex'), last: true } }),
  ],
  [
    'pieces of another call',
    (line) => {
      const [piece] = inPieces(2, getVariable.path, Buffer.alloc(0));
      line.send({ $case: 'piece', value: { callId: 1, data: piece?.value.data ?? Buffer.alloc(0), last: true } });
    },
  ],
  [
    'requests in pieces without an end',
    (line) => {
      for (let callId = 0; callId < 2000; callId += 1)
        line.send({ $case: 'piece', value: { callId, data: Buffer.from('a'), last: false } });
    },
  ],
])('%s ends the stream as invalid', async (_what, send) => {
  const { host } = await startSlow();
  const line = new CallLine(host);
  send(line);
  expect(await line.ended).toMatchObject({ grpc: 3, error: { code: 'invalid_argument' } });
});

test('a request and a reply beyond the size of a message arrive in pieces, and small calls pass them', async () => {
  const host = await startPlain();
  const session = await host.sessions.find('s');
  const line = new CallLine(host);
  const data = new Uint8Array(20 * MIB).map((_, index) => index % 251);
  const registration = registerVariables.requestSerialize({
    ...noSource,
    sessionId: 's',
    variables: [
      {
        name: 'large',
        type: 'tensor',
        initialValue: value({ dtype: 'uint8', shape: [data.length], data }),
        constraints: new Map(),
        metadata: new Map(),
        description: '',
        readOnly: false,
        dependencies: [],
        accessRules: [],
      },
    ],
  });
  const pieces = inPieces(1, registerVariables.path, registration);
  expect(pieces.length).toBeGreaterThan(20);
  for (const [index, piece] of pieces.entries()) {
    line.send(piece);
    if (index === 3) line.send(get(2));
  }
  await Promise.all([line.message(1), line.message(2)]);
  expect(session.lookUp('large')?.version).toBe(0);
  line.send(get(3, 'large'), ...Array.from({ length: 20 }, (_, index) => get(10 + index)));
  const reply = getVariable.responseDeserialize(await line.message(3));
  expect(reply.variable?.value?.kind?.$case).toBe('tensor');
  expect(line.answered.at(-1)).toBe(3);
  line.hangUp();
});

test('a request in pieces that is too large is refused for itself, once', async () => {
  const line = new CallLine(await startPlain({ limits: { maxCarriedBytes: 4 * MIB } }));
  for (const piece of inPieces(1, setVariable.path, Buffer.alloc(9 * MIB))) line.send(piece);
  expect(await line.error(1)).toMatchObject({
    code: 'payload_too_large',
    execution: 'not_started',
    details: { limit: 4 * MIB },
  });
  for (const piece of inPieces(2, setVariable.path, Buffer.alloc(3 * MIB))) line.send(piece);
  expect(await line.error(2)).toMatchObject({ code: 'invalid_argument' });
  expect(line.answered).toEqual([1, 2]);
  line.hangUp();
});

test('no more is read from a client that does not read its replies', async () => {
  let served = 0;
  const host = await startPlain();
  const session = await host.sessions.start({ id: 'large' });
  await session.register('page', 'string', 'a'.repeat(MIB / 2));
  const { sessions } = host;
  const counted = await start({
    sessions: {
      start: (given) => sessions.start(given),
      page: async () => [],
      find: async (id) => {
        served += 1;
        return sessions.find(id);
      },
    },
  });
  const line = new CallLine(counted);
  await line.accepted;
  line.pause();
  for (let callId = 1; callId <= 400; callId += 1) line.send(get(callId, 'page', 'large'));
  await expect.poll(() => served).toBeGreaterThan(16);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const whileFull = served;
  expect(whileFull).toBeLessThan(200);
  line.resume();
  await Promise.all(Array.from({ length: 400 }, (_, index) => line.message(index + 1)));
  expect(served).toBe(400);
  line.hangUp();
});

test('calls beyond those that one stream may have in hand are refused for themselves, and it goes on', async () => {
  const { host, asked, release } = await startSlow({ limits: { maxConcurrentStreams: 10 } });
  const line = new CallLine(host);
  line.send(...Array.from({ length: 15 }, (_, index) => set(index + 1, index)));
  for (let callId = 11; callId <= 15; callId += 1)
    expect(await line.error(callId)).toMatchObject({ code: 'rate_limited', retryable: true, execution: 'not_started' });
  expect(asked).toHaveLength(10);
  release();
  await line.message(10);
  line.send(get(16));
  await line.message(16);
  line.hangUp();
});

test('a token that loses its worth closes the stream that it opened', async () => {
  let isGood = true;
  const good = bearerAuthenticator({ token: 'good' });
  const host = await startPlain({
    authenticator: {
      open: false,
      authenticate: (shown) => {
        if (!isGood) throw new CoilyardError('unauthenticated', 'not any more');
        return good.authenticate(shown);
      },
    },
  });
  const line = new CallLine(host, 'good');
  line.send(get(1));
  await line.message(1);
  isGood = false;
  line.send(get(2));
  expect(await line.ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
  expect(line.answered).toEqual([1]);
});

test('a stream without a good token is refused before anything is read', async () => {
  const host = await startPlain({ authenticator: bearerAuthenticator({ token: 'good' }) });
  const line = new CallLine(host, 'bad');
  line.send(get(1));
  expect(await line.ended).toMatchObject({ grpc: 16, error: { code: 'unauthenticated' } });
});

test('a principal has as many streams as it may', async () => {
  const host = await startPlain({ limits: { maxStreamsPerPrincipal: 2 } });
  const lines = [new CallLine(host), new CallLine(host)];
  await Promise.all(lines.map((line) => line.accepted));
  const third = new CallLine(host);
  expect(await third.ended).toMatchObject({ grpc: 8, error: { code: 'rate_limited' } });
  for (const line of lines) line.hangUp();
  await expect.poll(() => host.gateway.openStreams).toBe(0);
});

test('the same request over both carriers has its effect once', async () => {
  const host = await startPlain();
  const created = SessionsService.createSession.requestSerialize({
    requestId: 'once',
    id: 'made',
    metadata: new Map(),
    attachIfExists: false,
  });
  const line = new CallLine(host);
  line.send(request(1, SessionsService.createSession.path, created));
  await line.message(1);
  const again = await new Promise<Buffer>((resolve, reject) =>
    host.calls.makeUnaryRequest(
      SessionsService.createSession.path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      created,
      (error, reply) => (reply === undefined ? reject(error) : resolve(reply)),
    ),
  );
  expect(again.equals(await line.message(1))).toBe(true);
  line.hangUp();
});

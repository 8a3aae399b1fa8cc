import { Metadata } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import type { ExecuteOptions, SessionHandle, SessionsPort } from '../../src/sessions/handle.js';
import { deferred } from '../../src/kernel/deferred.js';
import { ask, noSource, refusal, startTestGateway, type TestGateway, value } from '../support/gateway-host.js';
import { hostSessions } from '../support/session-host.js';

const hosts: TestGateway[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop();
});

/** A gateway before a sessions port that does as the test says. */
async function before(sessions: Partial<SessionsPort>): Promise<TestGateway> {
  const unused = (): never => {
    throw new Error('not part of this test');
  };
  const host = await startTestGateway({ sessions: { start: unused, find: unused, page: unused, ...sessions } });
  hosts.push(host);
  return host;
}

/** A session whose commands are never answered, and what they were given. */
async function beforeSilence() {
  const asked = deferred<ExecuteOptions>();
  const session = await hostSessions({ clock: systemClock }).sessions.start({ id: 'silent' });
  const execute = (_command: unknown, options: ExecuteOptions = {}): Promise<never> => {
    asked.resolve(options);
    return new Promise((_resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
  };
  const silent: SessionHandle = Object.assign(Object.create(session), { execute });
  const host = await before({ find: async () => silent });
  return { host, asked: asked.promise };
}

const request = { ...noSource, sessionId: 'silent', variable: 'a', value: value(1) };

test('the deadline of a call is the deadline of its command', async () => {
  const { host, asked } = await beforeSilence();
  const { variables } = host.clients;
  const metadata = new Metadata();
  const deadline = systemClock.nowMs() + 300_000;
  const call = variables.setVariable(request, metadata, { deadline }, () => {});
  const { timeoutMs } = await asked;
  expect(timeoutMs).toBeGreaterThan(0);
  expect(timeoutMs).toBeLessThanOrEqual(300_000);
  call.cancel();
  expect((await refusal(ask(variables.setVariable.bind(variables), request, { timeoutMs: 50 }))).grpc).toBe(4);
});

test('a call without a deadline leaves it to the session', async () => {
  const { host, asked } = await beforeSilence();
  const call = host.clients.variables.setVariable(request, () => {});
  expect((await asked).timeoutMs).toBeUndefined();
  call.cancel();
});

test('a cancelled call aborts its command', async () => {
  const { host, asked } = await beforeSilence();
  const answered = deferred<number | undefined>();
  const call = host.clients.variables.setVariable(request, new Metadata(), (error) => answered.resolve(error?.code));
  const { signal } = await asked;
  expect(signal?.aborted).toBe(false);
  const aborted = new Promise((resolve) => signal?.addEventListener('abort', resolve));
  call.cancel();
  await aborted;
  expect(signal?.reason).toMatchObject({ code: 'cancelled' });
  expect(await answered.promise).toBe(1);
});

test.each([
  ['an error', () => Promise.reject(new TypeError('a bug'))],
  ['nothing', () => Promise.reject(undefined)],
  ['something without a text', () => Promise.reject(Object.create(null))],
  [
    'an error at once',
    () => {
      throw new RangeError('a bug');
    },
  ],
])('a port that fails with %s is answered as internal, once, and the gateway serves on', async (_what, find) => {
  const host = await before({ find, page: async () => [] });
  const { variables, sessions } = host.clients;
  const call = ask(variables.getVariable.bind(variables), { sessionId: 'a', variable: 'a' });
  expect(await refusal(call)).toMatchObject({ grpc: 13, error: { code: 'internal', execution: 'unknown' } });
  const watch = host.clients.variables.watch({
    sessionId: 'a',
    variables: [],
    pattern: '',
    includeInitial: false,
    includeSettings: false,
    coalesce: true,
  });
  const code = await new Promise((resolve) => watch.on('error', (error) => resolve(Reflect.get(error, 'code'))));
  expect(code).toBe(13);
  expect((await ask(sessions.listSessions.bind(sessions), { pageSize: 0, pageToken: '' })).sessions).toEqual([]);
});

test('a call that is in hand when the gateway stops is cut off after the time-out, and its command aborted', async () => {
  const { host, asked } = await beforeSilence();
  const call = refusal(ask(host.clients.variables.setVariable.bind(host.clients.variables), request));
  const { signal } = await asked;
  // The call would go on for ever.
  expect(await host.gateway.stop({ timeoutMs: 50 })).toEqual({ forced: true });
  expect((await call).grpc).toBe(14);
  await expect.poll(() => signal?.aborted).toBe(true);
});

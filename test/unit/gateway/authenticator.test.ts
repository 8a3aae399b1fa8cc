import { expect, test } from 'vitest';
import { bearerAuthenticator, workersOnly } from '../../../src/gateway/authenticator.js';
import { mayUse, mayUseAll } from '../../../src/gateway/principal.js';
import { sessionId, workerId } from '../../../src/kernel/ids.js';
import { WorkerGrant } from '../../../src/workers/worker-grant.js';

const grant = new WorkerGrant();
grant.given(1, sessionId('given'));
const ended = new WorkerGrant();
ended.given(1, sessionId('given'));
ended.close();
const tokens = new Map([
  ['worker-token', { workerId: workerId('worker-1'), grant }],
  ['token-of-the-dead', { workerId: workerId('worker-2'), grant: ended }],
]);
const workerOf = (token: string) => tokens.get(token);
const closed = bearerAuthenticator({ token: 'secret', workerOf });
const open = bearerAuthenticator({ workerOf });
const named = bearerAuthenticator({
  principals: [
    { token: 'of-ann', name: 'ann', scopes: ['read'], sessions: ['team-*'] },
    { token: 'of-bob', name: 'bob' },
  ],
  workerOf,
});
const unauthenticated = expect.objectContaining({ code: 'unauthenticated' });

test('without a configured token everyone is let in, and a worker is known by its own', () => {
  expect(open.open).toBe(true);
  expect(open.authenticate([])).toMatchObject({ type: 'anonymous', name: 'anonymous' });
  expect(open.authenticate(['Bearer whatever'])).toMatchObject({ type: 'anonymous' });
  expect(open.authenticate(['Bearer worker-token'])).toMatchObject({ type: 'worker', name: 'worker:worker-1' });
});

test('with a configured token only its holders and living workers are let in', () => {
  expect(closed.open).toBe(false);
  expect(closed.authenticate(['Bearer secret'])).toMatchObject({ type: 'client', name: 'client', sessions: ['*'] });
  expect(closed.authenticate(['bearer secret'])).toMatchObject({ type: 'client' });
  expect(closed.authenticate(['Bearer worker-token'])).toMatchObject({ type: 'worker' });
  for (const headers of [[], ['Bearer Secret'], ['Bearer secre'], ['Bearer secrets']])
    expect(() => closed.authenticate(headers)).toThrow(unauthenticated);
});

test('each token is its holder, with what that one may do', () => {
  expect(named.open).toBe(false);
  expect(named.authenticate(['Bearer of-ann'])).toEqual({
    type: 'client',
    name: 'ann',
    scopes: ['read'],
    sessions: ['team-*'],
  });
  expect(named.authenticate(['Bearer of-bob'])).toMatchObject({
    name: 'bob',
    scopes: ['read', 'write', 'sessions', 'call'],
    sessions: ['*'],
  });
  for (const headers of [[], ['Bearer ann'], ['Bearer of-anna']])
    expect(() => named.authenticate(headers)).toThrow(unauthenticated);
});

test('a worker starts and stops no sessions', () => {
  expect(named.authenticate(['Bearer worker-token']).scopes).toEqual(['read', 'write', 'call']);
});

test('a worker may use the sessions of which it was given a call, and no other', () => {
  for (const authenticator of [open, closed, named, workersOnly(workerOf)]) {
    const worker = authenticator.authenticate(['Bearer worker-token']);
    expect(['given', 'other', '*', ''].filter((id) => mayUse(worker, id))).toEqual(['given']);
    expect(mayUseAll(worker)).toBe(false);
  }
});

test('a worker whose life is over is not let in, not even where anybody is', () => {
  for (const authenticator of [open, closed, named, workersOnly(workerOf)])
    expect(() => authenticator.authenticate(['Bearer token-of-the-dead'])).toThrow(unauthenticated);
});

test('who was let in as a worker loses all rights at once when its life is over', () => {
  const mortal = new WorkerGrant();
  mortal.given(1, sessionId('given'));
  const worker = bearerAuthenticator({
    workerOf: () => ({ workerId: workerId('worker-3'), grant: mortal }),
  }).authenticate(['Bearer its-own']);
  expect([worker.scopes.length, mayUse(worker, 'given')]).toEqual([3, true]);
  mortal.close();
  expect([worker.scopes.length, mayUse(worker, 'given')]).toEqual([0, false]);
});

test('behind the door of the workers there is nobody else', () => {
  const back = workersOnly(workerOf);
  expect(back.open).toBe(false);
  expect(back.authenticate(['Bearer worker-token'])).toMatchObject({ type: 'worker' });
  for (const headers of [[], ['Bearer secret'], ['worker-token']])
    expect(() => back.authenticate(headers)).toThrow(unauthenticated);
});

test.each([
  [['']],
  [['secret']],
  [['Basic secret']],
  [['Bearer']],
  [['Bearer ']],
  [['Bearer  secret']],
  [['Bearer secret secret']],
  [['Bearer sécret']],
  [['Bearer secret', 'Bearer secret']],
  [[Buffer.from('Bearer secret')]],
])('%j is malformed, with and without a configured token', (headers) => {
  for (const authenticator of [open, closed])
    expect(() => authenticator.authenticate(headers)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
});

test('a refusal repeats nothing of what was shown', () => {
  const shown = 'Bearer my-own-precious';
  expect(() => closed.authenticate([shown])).toThrow(expect.not.objectContaining({ message: /precious/ }));
});

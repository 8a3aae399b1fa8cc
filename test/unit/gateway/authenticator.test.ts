import { expect, test } from 'vitest';
import { bearerAuthenticator, workersOnly } from '../../../src/gateway/authenticator.js';

const workerOf = (token: string): string | undefined => (token === 'worker-token' ? 'worker-1' : undefined);
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

import { expect, test } from 'vitest';
import { bearerAuthenticator } from '../../../src/gateway/authenticator.js';

const workerOf = (token: string): string | undefined => (token === 'worker-token' ? 'worker-1' : undefined);
const closed = bearerAuthenticator({ token: 'secret', workerOf });
const open = bearerAuthenticator({ workerOf });

test('without a configured token everyone is let in, and a worker is known by its own', () => {
  expect(open.open).toBe(true);
  expect(open.authenticate([])).toEqual({ type: 'anonymous' });
  expect(open.authenticate(['Bearer whatever'])).toEqual({ type: 'anonymous' });
  expect(open.authenticate(['Bearer worker-token'])).toEqual({ type: 'worker', workerId: 'worker-1' });
});

test('with a configured token only its holders and living workers are let in', () => {
  expect(closed.open).toBe(false);
  expect(closed.authenticate(['Bearer secret'])).toEqual({ type: 'client' });
  expect(closed.authenticate(['bearer secret'])).toEqual({ type: 'client' });
  expect(closed.authenticate(['Bearer worker-token'])).toEqual({ type: 'worker', workerId: 'worker-1' });
  for (const headers of [[], ['Bearer Secret'], ['Bearer secre'], ['Bearer secrets']])
    expect(() => closed.authenticate(headers)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
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

import { expect, test } from 'vitest';
import { runtimeConfig } from '../../../src/config.js';
import { defaultVariableLimits } from '../../../src/variables/limits.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure } from './harness.js';

test('a session takes a burst, then so many commands per second, and says when the next may come', async () => {
  const { session, clock } = await aSession({ limits: { rate: { ratePerSecond: 10, burst: 3 } } });
  await session.set('x', 1);
  await session.set('x', 2);
  const refusal = await failure(session.set('x', 3));
  expect(refusal).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterMs: 100, execution: 'not_started' });
  expect(session.get('x')).toBe(2);
  await clock.advance(99);
  expect((await failure(session.set('x', 3))).retryAfterMs).toBe(1);
  await clock.advance(1);
  await session.set('x', 3);
  await clock.advance(60_000);
  const many = await Promise.allSettled([4, 5, 6, 7].map((value) => session.set('x', value)));
  expect(many.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
});

test('a session whose supervisor waits refuses at once and says when to come back', async () => {
  const { session, sessions, supervisor } = await aSession();
  supervisor.restartsAtOnce = false;
  supervisor.kill();
  await settle();
  const waiting = failure(session.set('x', 1));
  sessions.suspend('a', 500);
  const refused = { code: 'session_crashed', execution: 'not_started', retryable: true, retryAfterMs: 500 };
  expect(await waiting).toMatchObject(refused);
  expect(await failure(session.set('x', 2))).toMatchObject(refused);
  await supervisor.restart();
  expect(await session.set('x', 3)).toEqual({ version: 1, revision: 2 });
});

test('reading is not limited', async () => {
  const { session } = await aSession({ limits: { rate: { ratePerSecond: 1, burst: 1 } } });
  for (let index = 0; index < 100; index += 1) expect(session.get('x')).toBe(0);
});

test('names, values and batches have limits with typed errors', async () => {
  const { session } = await aSession({
    limits: {
      variables: { ...defaultVariableLimits, maxNameLength: 5, maxValueBytes: 64, maxBatch: 2, maxVariables: 3 },
    },
  });
  expect((await failure(session.register('sixsix', 'float', 0))).code).toBe('invalid_argument');
  expect((await failure(session.register('text', 'string', 'a'.repeat(65)))).code).toBe('payload_too_large');
  expect((await failure(session.update({ a: 1, b: 1, c: 1 }))).code).toBe('invalid_argument');
  await session.register('text', 'string', 'a'.repeat(64));
  expect(await failure(session.register('more', 'float', 0))).toMatchObject({ code: 'rate_limited', retryable: false });
});

test('a document above the limit is not even read', async () => {
  const { session } = await aSession({ limits: { maxImportBytes: 10 } });
  expect((await failure(session.import(new Uint8Array(11)))).code).toBe('payload_too_large');
});

test.each<[string, object, string]>([
  ['an unknown limit', { limits: { maxNoise: 1 } }, 'limits.maxNoise'],
  ['a rate of nothing', { limits: { ratePerSecond: 0 } }, 'limits.ratePerSecond'],
  ['a burst without a rate', { limits: { burst: 5 } }, 'limits.burst'],
  ['half a variable', { limits: { maxVariables: 0.5 } }, 'limits.maxVariables'],
  ['types that are none', { types: [{}] }, 'types[0]'],
  ['a trail of text', { audit: { entries: 'all' } }, 'audit.entries'],
  ['an unknown word for the trail', { audit: { secret: 1 } }, 'audit.secret'],
])('a runtime refuses %s and names it', (_what, options, field) => {
  expect(() => runtimeConfig(options)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', details: expect.objectContaining({ field }) }),
  );
});

test('limits that were not set have their defaults', () => {
  const { limits, audit } = runtimeConfig({ limits: { ratePerSecond: 5 } });
  expect(limits).toMatchObject({ mailbox: 10_000, maxImportBytes: 16 * 1024 * 1024, rate: { ratePerSecond: 5 } });
  expect(limits.variables).toEqual(defaultVariableLimits);
  expect(audit).toEqual({ entries: 1000, redact: [] });
});

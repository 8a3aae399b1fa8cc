import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CreateSessionRequest } from '../../src/gen/coilyard/v1/sessions.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { ask, refusal, startTestGateway, type TestGateway, values } from '../support/gateway-host.js';

const clock = new ManualClock();
let host: TestGateway;

beforeAll(async () => {
  host = await startTestGateway({ clock });
});

afterAll(() => host.stop());

const sessions = () => host.clients.sessions;
const create = (request: Partial<CreateSessionRequest> = {}) =>
  ask(sessions().createSession.bind(sessions()), {
    requestId: '',
    id: '',
    metadata: new Map(),
    attachIfExists: false,
    ...request,
  });
const get = (sessionId: string) => ask(sessions().getSession.bind(sessions()), { sessionId });
const stop = (sessionId: string, requestId = '') =>
  ask(sessions().stopSession.bind(sessions()), { sessionId, requestId, keep: false });

test('a session is made, described and stopped', async () => {
  const metadata = values({ team: 'mail' });
  const { session, created } = await create({ id: 'life', ttlMs: 60_000n, metadata });
  expect(created).toBe(true);
  expect(session).toMatchObject({ id: 'life', revision: 0n, variableCount: 0n, ttlMs: 60_000n, metadata });
  expect(Number(session?.expiresAtMs)).toBeGreaterThan(Number(session?.createdAtMs));
  expect((await get('life')).session?.id).toBe('life');
  await stop('life');
  expect(await refusal(get('life'))).toMatchObject({ grpc: 5, error: { code: 'session_not_found' } });
});

test('a session without an id gets one, and without a time to live it does not expire', async () => {
  const { session } = await create();
  expect(session?.id).not.toBe('');
  expect(session?.expiresAtMs).toBeUndefined();
});

test('an id that is taken is refused, unless the caller wants to attach', async () => {
  await create({ id: 'taken' });
  expect(await refusal(create({ id: 'taken' }))).toMatchObject({ grpc: 6, error: { code: 'session_exists' } });
  const { session, created } = await create({ id: 'taken', attachIfExists: true });
  expect([session?.id, created]).toEqual(['taken', false]);
});

test('a retried creation answers the same session, also when it came twice at once', async () => {
  const [first, second] = await Promise.all([create({ requestId: 'once' }), create({ requestId: 'once' })]);
  expect(second).toEqual(first);
  expect(await create({ requestId: 'once' })).toEqual(first);
  expect((await create({ requestId: 'again' })).session?.id).not.toBe(first.session?.id);
});

test('a creation that failed can be tried again with the same id of the request', async () => {
  await create({ id: 'blocked' });
  await refusal(create({ id: 'blocked', requestId: 'retry' }));
  await stop('blocked');
  expect((await create({ id: 'blocked', requestId: 'retry' })).created).toBe(true);
});

test('a retried stop succeeds again', async () => {
  await create({ id: 'stopped' });
  await stop('stopped', 'stop-once');
  await stop('stopped', 'stop-once');
  expect((await refusal(stop('stopped', 'stop-twice'))).error?.code).toBe('session_not_found');
});

test('a touch puts off expiry', async () => {
  const { session } = await create({ id: 'touched', ttlMs: 60_000n });
  await clock.advance(1000);
  const touched = await ask(sessions().touchSession.bind(sessions()), { sessionId: 'touched' });
  expect(touched.session?.expiresAtMs).toBe((session?.expiresAtMs ?? 0n) + 1000n);
});

test('sessions are listed by pages in order of their ids', async () => {
  for (let n = 0; n < 7; n += 1) await create({ id: `zz-page-${n}` });
  const ids: string[] = [];
  let pages = 0;
  for (let pageToken = 'zz-page'; ; pages += 1) {
    const page = await ask(sessions().listSessions.bind(sessions()), { pageSize: 3, pageToken });
    ids.push(...page.sessions.map(({ id }) => id));
    if (page.nextPageToken === '') break;
    pageToken = page.nextPageToken;
  }
  expect(ids).toEqual(Array.from({ length: 7 }, (_, n) => `zz-page-${n}`));
  expect(pages).toBe(2);
});

test.each([
  [{ id: '../etc' }, 'id'],
  [{ id: 'x'.repeat(129) }, 'id'],
  [{ ttlMs: 0n }, 'ttlMs'],
  [{ ttlMs: 2n ** 63n }, 'ttl_ms'],
  [{ requestId: 'x'.repeat(129) }, 'request_id'],
  [{ metadata: new Map([['a', { kind: undefined }]]) }, 'metadata.a'],
])('a creation with %o is refused by name', async (request, field) => {
  expect(await refusal(create(request))).toMatchObject({
    grpc: 3,
    error: { code: 'invalid_argument', details: { field } },
  });
});

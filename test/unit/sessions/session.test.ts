import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHost, aSession, failure, thrown } from './harness.js';

test('each commit raises the revision by one, each write the version of its variable', async () => {
  const { session } = await aSession();
  expect(session.revision).toBe(1);
  expect(await session.set('x', 1)).toEqual({ version: 1, revision: 2 });
  expect(await session.set('n', 5)).toEqual({ version: 1, revision: 3 });
  expect(await session.set('x', 2)).toEqual({ version: 2, revision: 4 });
  const { revision, results } = await session.update({ x: 3, n: 6 });
  expect([revision, results.get('x'), results.get('n')]).toEqual([5, { version: 3 }, { version: 2 }]);
  await session.delete('n');
  expect(session.revision).toBe(6);
});

test('commands are carried out in order of asking, and each sees the effects of all before it', async () => {
  const { session } = await aSession();
  const answers = Array.from({ length: 500 }, (_, version) => session.set('n', version, { expectedVersion: version }));
  const replies = await Promise.all(answers);
  expect(replies.map(({ revision }) => revision)).toEqual(Array.from({ length: 500 }, (_, index) => index + 2));
  expect(session.get('n')).toBe(499);
});

test('a write is seen by whoever was told of it, and by nobody on the stack of whoever asked', async () => {
  const { session } = await aSession();
  const set = session.set('x', 1);
  expect(session.get('x')).toBe(0);
  await set;
  expect(session.get('x')).toBe(1);
});

test('whoever awaits the reply hears it before any observer hears of the change', async () => {
  const { session } = await aSession();
  const order: string[] = [];
  session.observe('x', ({ value }) => order.push(`observer ${value}`));
  const stream = session.watch(['x']);
  void stream.next().then(({ value }) => order.push(`watcher ${value.value}`));
  await session.set('x', 1);
  order.push('caller');
  await settle();
  expect(order).toEqual(['caller', 'observer 1', 'watcher 1']);
});

test('when the reply comes, the change is committed: state, revision and store say so', async () => {
  const { session, store } = await aSession();
  await session.set('x', 7);
  expect(session.variable('x')).toMatchObject({ value: 7, version: 1, revision: 2 });
  expect(session.actor.getSnapshot().context.revision).toBe(2);
  expect(await store.find(session.id)).toMatchObject({ position: { revision: 2 } });
});

test('a failed command changes nothing and nobody hears of it', async () => {
  const { session, store } = await aSession();
  const heard: unknown[] = [];
  session.observe('x', (update) => heard.push(update));
  for (const refused of [
    session.set('x', 'text'),
    session.set('x', 1e9),
    session.set('missing', 1),
    session.set('x', 1, { expectedVersion: 7 }),
    session.register('x', 'float', 1),
    session.delete('missing'),
  ])
    expect((await failure(refused)).execution).toBe('not_started');
  const { ok, revision } = await session.update({ x: 1, n: 'text' });
  expect([ok, revision]).toEqual([false, 1]);
  await settle();
  expect(heard).toEqual([]);
  expect(session.variable('x')).toMatchObject({ value: 0, version: 0 });
  expect(await store.find(session.id)).toMatchObject({ position: { revision: 1 } });
});

test('get gives the default only for a variable that does not exist', async () => {
  const { session } = await aSession();
  expect(session.get('x', 5)).toBe(0);
  expect(session.get('missing', 5)).toBe(5);
  expect(session.get('missing', undefined)).toBeUndefined();
  expect(thrown(() => session.get('missing'))).toMatchObject({
    code: 'variable_not_found',
    details: { variable: 'missing' },
  });
});

test('names and ids are both understood everywhere', async () => {
  const { session } = await aSession();
  const { id } = session.variable('x');
  await session.set(id, 5);
  expect([session.get(id), session.get('x'), session.variable(id).name]).toEqual([5, 5, 'x']);
  expect(session.history(id)).toEqual(session.history('x'));
  await session.delete(id);
  expect(thrown(() => session.get('x')).code).toBe('variable_not_found');
});

test('list gives records in order of registration, by type, by source and by glob', async () => {
  const { session } = await aSession();
  await session.register('llm.model', 'string', 'gpt', { source: 'python' });
  const names = (options?: Parameters<typeof session.list>[0]): string[] =>
    session.list(options).map(({ name }) => name);
  expect(names()).toEqual(['x', 'n', 'llm.model']);
  expect(names({ type: 'float' })).toEqual(['x']);
  expect(names({ source: 'python' })).toEqual(['llm.model']);
  expect(names({ pattern: 'llm.*' })).toEqual(['llm.model']);
  expect(names({ pattern: '?', type: 'integer' })).toEqual(['n']);
});

test('what is handed out cannot be changed', async () => {
  const { session } = await aSession();
  const updates: { value: unknown }[] = [];
  session.observe('x', (update) => updates.push(update));
  await session.set('x', 1, { metadata: { deep: { list: [1] } } });
  await settle();
  const inSnapshot = session.actor.getSnapshot().context.variables.get('x');
  const record = session.variable('x');
  for (const given of [record, session.list()[0], inSnapshot, updates[0], record.metadata, record.constraints]) {
    expect(Object.isFrozen(given)).toBe(true);
    expect(() => Object.assign(given ?? {}, { value: 99 })).toThrow(TypeError);
  }
  expect(() => (record.metadata.deep as { list: number[] }).list.push(2)).toThrow(TypeError);
  expect(session.get('x')).toBe(1);
});

test('two sessions do not see each other', async () => {
  const { sessions } = aHost();
  const [a, b] = [await sessions.start({ id: 'a' }), await sessions.start({ id: 'b' })];
  await a.register('x', 'float', 1);
  await b.register('x', 'string', 'one');
  const heard: unknown[] = [];
  b.observe('x', (update) => heard.push(update));
  await a.set('x', 2);
  await settle();
  expect([a.get('x'), b.get('x'), a.revision, b.revision]).toEqual([2, 'one', 2, 1]);
  expect(heard).toEqual([]);
  expect((await failure(b.set(a.variable('x').id, 3))).code).toBe('validation_failed');
  await a.stop();
  expect(b.get('x')).toBe('one');
});

test('two hosts do not know of each other', async () => {
  const [one, other] = [aHost(), aHost()];
  await one.sessions.start({ id: 'a' });
  expect((await failure(other.sessions.find('a'))).code).toBe('session_not_found');
  await other.sessions.start({ id: 'a' });
});

test('a command that waits too long is answered and not carried out; the ones beside it are', async () => {
  const { session } = await aSession();
  const [late, given, good] = [
    failure(session.set('x', 1, { timeoutMs: 0 })),
    failure(session.set('x', 2, { signal: AbortSignal.abort(new Error('no')) })),
    session.set('x', 3),
  ];
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started' });
  expect(await given).toMatchObject({ code: 'cancelled', execution: 'not_started' });
  expect(await good).toEqual({ version: 1, revision: 2 });
});

test('a full mailbox refuses and the session goes on', async () => {
  const { session } = await aSession({ limits: { mailbox: 3 } });
  const settled = await Promise.allSettled([1, 2, 3, 4, 5].map((value) => session.set('x', value)));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  expect(await session.set('x', 9)).toEqual({ version: 4, revision: 5 });
});

test('telemetry hears of registrations, updates with their duration, deletions and refusals', async () => {
  const host = await aSession();
  const { session } = host;
  const [registered, updated, deleted, refused] = [
    host.heard('variable.registered'),
    host.heard('variable.updated'),
    host.heard('variable.deleted'),
    host.heard('variable.refused'),
  ];
  await session.register('y', 'float', 1);
  await session.set('y', 2, { source: 'python' });
  await failure(session.set('y', 'text'));
  await session.delete('y');
  const about = { sessionId: 'a', name: 'y' };
  expect(registered).toMatchObject([{ ...about, value: 1, variableType: 'float', revision: 2 }]);
  expect(updated).toMatchObject([{ ...about, oldValue: 1, value: 2, version: 1, source: 'python', revision: 3 }]);
  expect(updated[0]?.durationMs).toBeGreaterThanOrEqual(0);
  expect(refused).toMatchObject([{ sessionId: 'a', command: 'variable.set', code: 'validation_failed' }]);
  expect(deleted).toMatchObject([{ ...about, revision: 4 }]);
});

test('a telemetry listener that throws changes nothing for the caller', async () => {
  const { session, telemetry } = await aSession();
  telemetry.on('variable.updated', () => {
    throw new Error('a bad listener');
  });
  expect(await session.set('x', 1)).toEqual({ version: 1, revision: 2 });
});

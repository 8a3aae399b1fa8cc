import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHost, aSession, failure, Reader } from './harness.js';
import { ScriptedStore } from './scripted-store.js';

/** A session whose store answers commits when the test lets them land. */
async function slow() {
  const store = new ScriptedStore();
  const host = await aSession({ store });
  store.usual = 'later';
  const commits = () => store.requests.length - 1;
  return { ...host, store, commits };
}

test('nothing is told and nothing can be read before the commit has landed', async () => {
  const { session, store } = await slow();
  const reader = new Reader(session.watch(['x']));
  let isTold = false;
  const set = session.set('x', 1).then(() => {
    isTold = true;
  });
  await settle();
  expect([session.get('x'), session.revision, isTold, reader.story]).toEqual([0, 1, false, []]);
  await store.land();
  await set;
  expect([session.get('x'), session.revision]).toEqual([1, 2]);
  expect(reader.story).toEqual(['updated x 1 @2']);
});

test('what queues during a commit is decided in order and lands as one commit, each told its own', async () => {
  const { session, store, commits } = await slow();
  const reader = new Reader(session.watch());
  const first = session.set('n', 1);
  await settle();
  const outcomes = [
    session.set('n', 2, { expectedVersion: 1 }),
    session.register('y', 'float', 1),
    session.set('y', 5),
    failure(session.set('n', 3, { expectedVersion: 1 })),
    session.update({ n: 4, y: 6 }),
    failure(session.set('missing', 1)),
    session.delete('y'),
  ];
  await settle();
  expect(commits()).toBe(1);
  await store.land();
  expect(await first).toEqual({ version: 1, revision: 2 });
  expect([commits(), store.held]).toEqual([2, 1]);
  expect(session.revision).toBe(2);
  await store.land();
  const [set, , setY, stale, update, missing] = await Promise.all(outcomes);
  expect([set, setY]).toEqual([
    { version: 2, revision: 3 },
    { version: 1, revision: 3 },
  ]);
  expect(update).toMatchObject({ ok: true, revision: 3 });
  expect([stale, missing]).toMatchObject([{ code: 'optimistic_lock_failure' }, { code: 'variable_not_found' }]);
  expect([session.revision, session.get('n'), session.get('y', 'gone')]).toEqual([3, 4, 'gone']);
  expect(reader.story).toEqual([
    'updated n 1 @2',
    'updated n 2 @3',
    'registered y 1 @3',
    'updated y 5 @3',
    'updated n 4 @3',
    'updated y 6 @3',
    'deleted y @3',
  ]);
});

test('one commit is under way at a time, however much queues', async () => {
  const { session, store, commits } = await slow();
  const sets: Promise<unknown>[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (let index = 0; index < 300; index += 1) sets.push(session.set('n', sets.length));
    await settle();
    expect(store.held).toBeLessThanOrEqual(1);
    await store.land();
  }
  while (session.variable('n').version < 1500) await store.land();
  await Promise.all(sets);
  expect(commits()).toBeLessThanOrEqual(6);
});

test('a deadline that passes while the commit is under way leaves it unknown, and the commit lands all the same', async () => {
  const { session, store, clock } = await slow();
  const late = failure(session.set('x', 1, { timeoutMs: 50 }));
  await clock.advance(100);
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'unknown', retryable: false });
  await store.land();
  expect([session.get('x'), session.revision]).toEqual([1, 2]);
});

test('a deadline that passes while the command queues means that it is not carried out', async () => {
  const { session, store, clock, commits } = await slow();
  const first = session.set('x', 1);
  await settle();
  const late = failure(session.set('x', 2, { timeoutMs: 50 }));
  const given = new AbortController();
  const cancelled = failure(session.set('x', 3, { signal: given.signal }));
  given.abort();
  await clock.advance(100);
  expect(await late).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started', retryable: true });
  expect(await cancelled).toMatchObject({ code: 'cancelled', execution: 'not_started' });
  await store.land();
  await first;
  await settle();
  expect([commits(), session.get('x')]).toEqual([1, 1]);
});

test('a caller that gives up during its own commit is told unknown', async () => {
  const { session, store } = await slow();
  const controller = new AbortController();
  const set = failure(session.set('x', 1, { signal: controller.signal }));
  await settle();
  controller.abort();
  expect(await set).toMatchObject({ code: 'cancelled', execution: 'unknown' });
  await store.land();
  expect(session.get('x')).toBe(1);
});

test('a store that has hung keeps nobody waiting beyond the deadline', async () => {
  const { session, clock } = await slow();
  const errors = [1, 2, 3].map((value) => failure(session.set('x', value)));
  await clock.advance(6000);
  expect((await Promise.all(errors)).map(({ code }) => code)).toEqual(Array(3).fill('deadline_exceeded'));
  expect(session.get('x')).toBe(0);
});

test('the retry of a request that queues in the same batch gets the same answer and has one effect', async () => {
  const { session, store } = await slow();
  const command = { type: 'variable.set', variable: 'n', value: 1, source: 'test', requestId: 'r' } as const;
  const first = session.set('x', 1);
  await settle();
  const replies = [session.execute(command), session.execute(command)];
  await store.land();
  await first;
  await store.land();
  const [one, two] = await Promise.all(replies);
  expect(one).toEqual(two);
  expect(session.variable('n').version).toBe(1);
});

test('a commit that meets another writer is told not_started, and the session goes on from what the other wrote', async () => {
  const { session, store } = await slow();
  const reader = new Reader(session.watch(['x']));
  store.usual = 'now';
  const present = session.variable('x');
  const position = (await store.find(session.id))?.position;
  if (position === undefined) throw new Error('not stored');
  // Another node commits to the same session.
  await store.inner.commit(session.id, {
    writer: 'other',
    seq: 1,
    expected: position,
    tag: 'other.1',
    atMs: 0,
    events: [{ type: 'variable.updated', variable: { ...present, value: 50, version: 1, revision: 2 }, oldValue: 0 }],
  });
  expect(await failure(session.set('x', 1))).toMatchObject({
    code: 'store_unavailable',
    execution: 'not_started',
    retryable: true,
    details: { outcome: 'conflict' },
  });
  await settle();
  expect(session.get('x')).toBe(50);
  expect(await session.set('x', 2, { expectedVersion: 1 })).toEqual({ version: 2, revision: 3 });
  await settle();
  expect(reader.story).toEqual(['updated x 50 @2', 'updated x 2 @3']);
});

test('a stop lets the commit under way land, and what queued behind it is refused and not carried out', async () => {
  const { session, store, commits } = await slow();
  const reader = new Reader(session.watch(['x']));
  const first = session.set('x', 1);
  await settle();
  const queued = [2, 3].map((value) => failure(session.set('x', value)));
  const stopped = session.stop({ keep: true });
  await settle();
  expect(store.held).toBe(1);
  await store.land();
  expect(await first).toEqual({ version: 1, revision: 2 });
  await stopped;
  for (const error of await Promise.all(queued))
    expect(error).toMatchObject({ code: 'session_not_found', execution: 'not_started' });
  await reader.done;
  expect(reader.story).toEqual(['updated x 1 @2']);
  expect(commits()).toBe(1);
  expect(await store.find(session.id)).toMatchObject({ position: { revision: 2 } });
});

test('a stop is not held up by a store that fails', async () => {
  const { session, store } = await slow();
  store.fates.push('rejects_later');
  const set = failure(session.set('x', 1));
  await settle();
  const stopped = session.stop();
  await store.land();
  await stopped;
  expect((await set).code).toBe('store_unavailable');
  expect(await store.find(session.id)).toBeUndefined();
});

test('two callers that start or find the same session while the store answers share one', async () => {
  const store = new ScriptedStore();
  const create = store.create.bind(store);
  const find = store.find.bind(store);
  const answers: (() => void)[] = [];
  const later = <Answer>(answer: Answer): Promise<Answer> =>
    new Promise((resolve) => answers.push(() => resolve(answer)));
  store.create = (...args) => later(create(...args)) as Promise<boolean>;
  store.find = (...args) => later(find(...args)) as ReturnType<typeof find>;
  const { sessions, supervisor } = aHost({ store });
  const started = sessions.start({ id: 'a' });
  const found = [sessions.find('a'), sessions.find('a')];
  const again = failure(sessions.start({ id: 'a' }));
  await settle();
  // The finders are answered before the one that created it.
  for (const answer of answers.splice(0).reverse()) answer();
  const [one, two, three] = await Promise.all([started, ...found]);
  expect((await again).code).toBe('session_exists');
  expect(two).toBe(one);
  expect(three).toBe(one);
  expect(supervisor.lives).toHaveLength(1);
});

test('a session that is stopped while it is still being read from the store stays stopped', async () => {
  const store = new ScriptedStore();
  const resume = store.resume.bind(store);
  let answer = (): void => {};
  store.resume = (...args) =>
    new Promise((resolve) => {
      answer = () => resolve(resume(...args));
    }) as ReturnType<typeof resume>;
  const { sessions, supervisor } = aHost({ store });
  const starting = sessions.start({ id: 'a' });
  await settle();
  await sessions.close();
  answer();
  const session = await starting;
  await settle();
  expect(supervisor.lives).toEqual([]);
  expect(await failure(session.set('x', 1))).toMatchObject({
    code: 'store_unavailable',
    details: { reason: 'runtime_stopped' },
  });
  expect(sessions.size).toBe(0);
});

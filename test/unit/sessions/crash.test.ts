import { describe, expect, test } from 'vitest';
import type { SetVariable } from '../../../src/variables/commands.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure, Reader, thrown } from './harness.js';
import { type Fate, ScriptedStore } from './scripted-store.js';

async function scripted() {
  const store = new ScriptedStore();
  const host = await aSession({ store });
  const crashes = host.heard('session.crashed');
  return { ...host, store, crashes };
}

/** A command that makes deciding it throw: a bug in the domain, or in a user's type. */
const bug: SetVariable = {
  type: 'variable.set',
  source: 'test',
  value: 1,
  get variable(): string {
    throw new Error('a bug');
  },
};

const points: readonly {
  readonly fate: Fate;
  readonly code: string;
  readonly execution: string;
  /** Whether the write is there afterwards. */
  readonly landed: boolean;
}[] = [
  { fate: 'throws_before', code: 'store_unavailable', execution: 'unknown', landed: false },
  { fate: 'throws_after', code: 'store_unavailable', execution: 'unknown', landed: true },
  { fate: 'rejects_before', code: 'store_unavailable', execution: 'not_started', landed: false },
  { fate: 'rejects_after', code: 'store_unavailable', execution: 'unknown', landed: true },
  { fate: 'conflict', code: 'store_unavailable', execution: 'not_started', landed: false },
  { fate: 'fenced', code: 'store_unavailable', execution: 'not_started', landed: false },
  { fate: 'garbage', code: 'store_unavailable', execution: 'unknown', landed: true },
  { fate: 'breaks_state', code: 'session_crashed', execution: 'unknown', landed: true },
];

describe.each(points)('a commit that $fate', ({ fate, code, execution, landed }) => {
  test('answers the command in hand and the queued ones, and the session goes on from the store', async () => {
    const { session, store, supervisor, crashes } = await scripted();
    await session.set('x', 1);
    store.fates.push(fate);
    const [inHand, queued, alsoQueued] = [2, 3, 4].map((value) => failure(session.set('x', value)));
    expect(await inHand).toMatchObject({ code, execution, retryable: execution === 'not_started' });
    expect(await queued).toMatchObject({ code: 'session_crashed', execution: 'not_started', retryable: true });
    expect(await alsoQueued).toMatchObject({ code: 'session_crashed', execution: 'not_started' });
    await settle();
    expect(crashes).toHaveLength(1);
    expect(supervisor.lives).toHaveLength(2);
    const [version, value] = landed ? [2, 2] : [1, 1];
    expect(session.variable('x')).toMatchObject({ version, value });
    expect(session.revision).toBe(version + 1);
    expect(await session.set('x', 9)).toEqual({ version: version + 1, revision: version + 2 });
    expect(session.history('x').map(({ version: past }) => past)).toEqual(
      Array.from({ length: version + 2 }, (_, index) => version + 1 - index),
    );
  });

  test('lets every watcher and observer see each revision once', async () => {
    const { session, store } = await scripted();
    const reader = new Reader(session.watch(['x']));
    const all = new Reader(session.watch());
    const heard: unknown[] = [];
    session.observe('x', ({ value, revision }) => heard.push(`${value} @${revision}`));
    await session.set('x', 1);
    store.fates.push(fate);
    await failure(session.set('x', 2));
    await settle();
    await session.set('x', 3);
    await settle();
    const expected = landed ? ['1 @2', '2 @3', '3 @4'] : ['1 @2', '3 @3'];
    expect(heard).toEqual(expected);
    expect(reader.story).toEqual(expected.map((text) => `updated x ${text}`));
    expect(all.story).toEqual(reader.story);
  });

  test('does not repeat a request that carries an id and has landed', async () => {
    const { session, store } = await scripted();
    const command: SetVariable = { type: 'variable.set', variable: 'n', value: 5, source: 'test', requestId: 'r' };
    store.fates.push(fate);
    await failure(session.execute(command));
    await settle();
    const reply = await session.execute(command);
    expect(reply.variable).toMatchObject({ version: 1, value: 5 });
    expect(session.variable('n').version).toBe(1);
  });
});

test('a bug in deciding answers its command unknown, the queued ones not_started, and changes nothing', async () => {
  const { session, supervisor, crashes } = await scripted();
  const before = session.set('x', 1);
  const [inHand, queued] = [failure(session.execute(bug)), failure(session.set('x', 2))];
  expect(await before).toEqual({ version: 1, revision: 2 });
  expect(await inHand).toMatchObject({ code: 'session_crashed', execution: 'unknown', cause: new Error('a bug') });
  expect(await queued).toMatchObject({ code: 'session_crashed', execution: 'not_started' });
  expect(session.get('x')).toBe(1);
  await settle();
  expect(crashes).toMatchObject([{ sessionId: 'a', error: new Error('a bug'), revision: 2 }]);
  expect(supervisor.lives).toHaveLength(2);
  expect(await session.set('x', 3)).toEqual({ version: 2, revision: 3 });
});

test('a bug in the middle of a batch that queued behind a slow commit leaves nothing half done', async () => {
  const { session, store } = await scripted();
  store.usual = 'later';
  const first = session.set('x', 1);
  await settle();
  const [good, inHand, queued] = [
    failure(session.set('x', 2)),
    failure(session.execute(bug)),
    failure(session.set('x', 3)),
  ];
  await store.land();
  expect(await first).toEqual({ version: 1, revision: 2 });
  expect(await good).toMatchObject({ code: 'session_crashed', execution: 'not_started' });
  expect(await inHand).toMatchObject({ code: 'session_crashed', execution: 'unknown' });
  expect(await queued).toMatchObject({ code: 'session_crashed', execution: 'not_started' });
  await settle();
  expect([session.get('x'), session.revision]).toEqual([1, 2]);
});

test('until a crashed session is back its last sound state can be read and commands wait', async () => {
  const { session, supervisor, store } = await scripted();
  supervisor.restartsAtOnce = false;
  await session.set('x', 1);
  store.fates.push('throws_before');
  await failure(session.set('x', 2));
  await settle();
  expect(session.get('x')).toBe(1);
  const waiting = session.set('x', 5);
  await settle();
  await supervisor.restart();
  expect(await waiting).toEqual({ version: 2, revision: 3 });
});

test('a command that waits for a restart has its deadline', async () => {
  const { session, supervisor, store, clock } = await scripted();
  supervisor.restartsAtOnce = false;
  store.fates.push('throws_before');
  await failure(session.set('x', 2));
  await settle();
  const waiting = failure(session.set('x', 5, { timeoutMs: 100 }));
  await clock.advance(200);
  expect(await waiting).toMatchObject({ code: 'deadline_exceeded', execution: 'not_started' });
  await supervisor.restart();
  expect(session.get('x')).toBe(0);
});

test('a state that broke in the middle of a change cannot be read until the session is back', async () => {
  const { session, sessions, supervisor, store } = await scripted();
  supervisor.restartsAtOnce = false;
  store.fates.push('breaks_state');
  await failure(session.set('x', 2));
  await settle();
  const refusals = [
    () => session.get('x'),
    () => session.get('x', 'default'),
    () => session.list(),
    () => session.info(),
    () => session.watch(),
    () => session.observe('x', () => {}),
  ];
  for (const refusal of refusals)
    expect(thrown(refusal)).toMatchObject({ code: 'session_crashed', execution: 'not_started', retryable: true });
  const listed: unknown[] = [];
  for await (const info of sessions.list()) listed.push(info.id);
  expect(listed).toEqual([]);
  expect(await sessions.page('', 10)).toEqual([]);
  await supervisor.restart();
  expect(session.get('x')).toBe(2);
});

test('a page of sessions is full while there are more, also when some of them cannot be read now', async () => {
  const { session, sessions, supervisor, store } = await scripted();
  for (const id of ['b', 'c', 'd']) await sessions.start({ id });
  supervisor.restartsAtOnce = false;
  store.fates.push('breaks_state');
  await failure(session.set('x', 2));
  await settle();
  const pages: string[][] = [];
  for (let after = ''; pages.at(-1)?.length !== 0; after = pages.at(-1)?.at(-1) ?? '')
    pages.push((await sessions.page(after, 2)).map(({ id }) => id));
  expect(pages).toEqual([['b', 'c'], ['d'], []]);
});

test('a reader that overflowed before a crash is told so once the session is back', async () => {
  const { session, supervisor, store } = await scripted();
  supervisor.restartsAtOnce = false;
  const stream = session.watch(['n'], { coalesce: false });
  for (let value = 1; value <= 1030; value += 1) await session.set('n', value);
  await settle();
  store.fates.push('breaks_state');
  await failure(session.set('n', 0));
  await settle();
  const reader = new Reader(stream);
  await settle();
  expect(reader.story).toEqual([]);
  await supervisor.restart();
  expect(reader.story).toEqual(['reset overflow @1032', 'initial n 0 @1032']);
});

test('a start that fails is tried again, and nothing is lost or told twice', async () => {
  const { session, supervisor, store } = await scripted();
  const reader = new Reader(session.watch(['x']));
  await session.set('x', 1);
  for (const failingReads of [1, 2]) {
    store.fates.push('throws_after');
    store.failingReads = failingReads;
    await failure(session.set('x', failingReads + 1));
    await settle();
    await supervisor.restart();
    expect(supervisor.failedStarts).toHaveLength(failingReads * 2 - 1);
  }
  await session.set('x', 9);
  await settle();
  expect(reader.story).toEqual(['updated x 1 @2', 'updated x 2 @3', 'updated x 3 @4', 'updated x 9 @5']);
});

test('what another node wrote while the session was being read again is told once, when it gets there', async () => {
  const { session, store } = await scripted();
  const reader = new Reader(session.watch(['x']));
  store.fates.push('throws_after');
  const resume = store.resume.bind(store);
  let reads = 0;
  store.resume = async (...args) => {
    const answer = await resume(...args);
    reads += 1;
    // Between the two reads of a restart.
    if (reads === 1) await writeElsewhere();
    return answer;
  };
  async function writeElsewhere(): Promise<void> {
    const expected = (await store.inner.find(session.id))?.position;
    if (expected === undefined) throw new Error('not stored');
    const { x } = Object.fromEntries(session.list().map((record) => [record.name, record]));
    if (x === undefined) throw new Error('no x');
    const revision = expected.revision + 1;
    const variable = { ...x, value: 70, version: 2, revision };
    const events = [{ type: 'variable.updated' as const, variable, oldValue: 1 }];
    await store.inner.commit(session.id, { writer: 'other', seq: 1, expected, tag: 'other.1', events, atMs: 0 });
  }
  await failure(session.set('x', 1));
  await settle();
  expect((await failure(session.set('x', 2))).code).toBe('store_unavailable');
  await settle();
  await session.set('x', 3);
  await settle();
  expect(reader.story).toEqual(['updated x 1 @2', 'updated x 70 @3', 'updated x 3 @4']);
});

describe('a session that is killed', () => {
  test('answers what waited not_started and goes on', async () => {
    const { session, supervisor } = await scripted();
    await session.set('x', 1);
    supervisor.kill();
    const waiting = failure(session.set('x', 2));
    await settle();
    expect((await waiting).code).toBe('session_crashed');
    expect(await session.set('x', 3)).toEqual({ version: 2, revision: 3 });
  });

  test('while a commit is under way answers it unknown, and the next life is not disturbed by its landing', async () => {
    const { session, supervisor, store } = await scripted();
    const reader = new Reader(session.watch(['x']));
    store.fates.push('applied_answered_later');
    const inHand = failure(session.set('x', 1));
    await settle();
    const queued = failure(session.set('x', 2));
    supervisor.kill();
    expect(await inHand).toMatchObject({ code: 'session_crashed', execution: 'unknown' });
    expect(await queued).toMatchObject({ code: 'session_crashed', execution: 'not_started' });
    await settle();
    expect(await session.set('x', 3)).toEqual({ version: 2, revision: 3 });
    await store.land();
    expect(await session.set('x', 4)).toEqual({ version: 3, revision: 4 });
    await settle();
    expect(reader.story).toEqual(['updated x 1 @2', 'updated x 3 @3', 'updated x 4 @4']);
  });

  test('while a commit is under way serves on, although that commit lands in the middle of the next life', async () => {
    const { session, supervisor, store } = await scripted();
    const reader = new Reader(session.watch(['x']));
    store.fates.push('later');
    const inHand = failure(session.set('x', 1));
    await settle();
    supervisor.kill();
    await inHand;
    await settle();
    expect(session.get('x')).toBe(0);
    await store.land();
    // The life that has not seen it makes way for one that has.
    expect([session.get('x'), session.revision, supervisor.lives.length]).toEqual([1, 2, 3]);
    expect(await session.set('x', 3)).toEqual({ version: 2, revision: 3 });
    await settle();
    expect(reader.story).toEqual(['updated x 1 @2', 'updated x 3 @3']);
  });

  test('again and again under load loses no acknowledged write and tells none twice', async () => {
    const { session, supervisor } = await scripted();
    const reader = new Reader(session.watch(['n']));
    const acknowledged: number[] = [];
    for (let value = 1; value <= 300; value += 1) {
      const set = session.set('n', value).then(
        () => acknowledged.push(value),
        () => {},
      );
      if (value % 10 === 0) supervisor.kill();
      if (value % 3 === 0) await set;
      if (value % 50 === 0) await settle();
    }
    await settle();
    const told = reader.updates.map(({ value }) => value);
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(told).toEqual(expect.arrayContaining(acknowledged));
    expect(reader.updates.map(({ revision }) => revision)).toEqual(told.map((_, index) => index + 2));
    expect(session.revision).toBe(told.length + 1);
  });
});

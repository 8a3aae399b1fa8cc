import { expect, test } from 'vitest';
import type { CommitOutcome, CommitRequest, SessionStore } from '../../../src/sessions/store.js';
import { memoryStore } from '../../../src/sessions/stores/memory.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { hostSessions } from '../../support/session-host.js';

/** A store that answers a commit when the test says so; what it holds is the memory store's. */
class SlowStore {
  readonly commits: CommitRequest[] = [];
  readonly port: SessionStore;
  #waiting: { land(): void; fail(error: Error): void }[] = [];

  constructor() {
    const memory = memoryStore();
    const commit: SessionStore['commit'] = (id, request) =>
      new Promise<CommitOutcome>((resolve, reject) => {
        this.commits.push(request);
        this.#waiting.push({ land: () => resolve(memory.commit(id, request)), fail: reject });
      });
    this.port = new Proxy(memory, {
      get: (target, key: keyof SessionStore) => {
        if (key === 'commit') return commit;
        const value = target[key];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async land(): Promise<void> {
    for (const { land } of this.#waiting.splice(0)) land();
    await settle();
  }

  async fail(): Promise<void> {
    for (const { fail } of this.#waiting.splice(0)) fail(new Error('the disk is gone'));
    await settle();
  }
}

async function slowSession() {
  const store = new SlowStore();
  const session = await hostSessions({ store: store.port }).sessions.start({ id: 'a' });
  const registered = session.register('x', 'integer', 0);
  await settle();
  await store.land();
  await registered;
  store.commits.length = 0;
  return { store, session };
}

const codes = (settled: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  settled.map((result) =>
    result.status === 'fulfilled' ? 'done' : { code: result.reason.code, execution: result.reason.execution },
  );

test('nobody is answered, no observer hears and no reader sees it before the commit has landed', async () => {
  const { store, session } = await slowSession();
  const heard: string[] = [];
  session.observe('x', () => heard.push('observer'));
  const set = session.set('x', 1).then(() => heard.push('caller'));
  await settle();
  expect(heard).toEqual([]);
  expect(session.get('x')).toBe(0);
  await store.land();
  await set;
  expect(heard.sort()).toEqual(['caller', 'observer']);
  expect(session.get('x')).toBe(1);
});

test('what queued while a commit was under way is one commit with one revision', async () => {
  const { store, session } = await slowSession();
  const first = session.set('x', 1);
  await settle();
  const queued = [2, 3, 4].map((value) => session.set('x', value));
  await settle();
  await store.land();
  await store.land();
  const replies = await Promise.all([first, ...queued]);
  expect(store.commits.map(({ events }) => events.length)).toEqual([1, 3]);
  expect(replies.map(({ version, revision }) => ({ version, revision }))).toEqual([
    { version: 1, revision: 2 },
    { version: 2, revision: 3 },
    { version: 3, revision: 3 },
    { version: 4, revision: 3 },
  ]);
});

test('when a life ends, what it had in hand is unknown and what was queued has not been started', async () => {
  const { store, session } = await slowSession();
  const inHand = session.set('x', 1);
  await settle();
  const ended = Promise.allSettled([inHand, session.set('x', 2), session.set('x', 3)]);
  await settle();
  await store.fail();
  expect(codes(await ended)).toEqual([
    { code: 'store_unavailable', execution: 'unknown' },
    { code: 'session_crashed', execution: 'not_started' },
    { code: 'session_crashed', execution: 'not_started' },
  ]);
  const later = session.set('x', 9);
  await settle();
  await store.land();
  expect(await later).toMatchObject({ version: 1, revision: 2 });
});

test('a session that finds another writer in its history goes on from there', async () => {
  const { sessions, store } = hostSessions();
  const session = await sessions.start({ id: 'a' });
  await session.register('x', 'integer', 0);
  const { position } = (await store.find(session.id)) ?? {};
  if (position === undefined) throw new Error('the session is not in the store');
  await store.commit(session.id, {
    writer: 'another',
    seq: 1,
    expected: position,
    tag: 'another.1',
    events: [],
    atMs: 0,
  });
  expect(codes(await Promise.allSettled([session.set('x', 1)]))).toEqual([
    { code: 'store_unavailable', execution: 'not_started' },
  ]);
  expect(await session.set('x', 1)).toMatchObject({ version: 1, revision: position.revision + 2 });
});

test('what is sent to the xstate reference is handled in the mailbox, and its snapshot shows what was committed', async () => {
  const { sessions } = hostSessions();
  const session = await sessions.start({ id: 'a' });
  await session.register('x', 'integer', 0);
  const seen: unknown[] = [];
  session.actor.subscribe(({ context }) => seen.push([context.revision, context.variables.get('x')?.value]));
  session.actor.send({ type: 'variable.set', variable: 'x', value: 7, source: 'typescript' });
  expect(session.get('x')).toBe(0);
  await settle();
  expect(session.get('x')).toBe(7);
  expect(seen.at(-1)).toEqual([2, 7]);
});

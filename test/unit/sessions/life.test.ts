import { describe, expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import { spawn } from '../../../src/kernel/spawn.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHost, aSession, failure, Reader, thrown } from './harness.js';
import { ScriptedStore } from './scripted-store.js';

describe('start and find', () => {
  test('a session is found by its id as long as it lives, as the same one', async () => {
    const { sessions } = aHost();
    const session = await sessions.start({ id: 'a' });
    expect(await sessions.find('a')).toBe(session);
    expect((await failure(sessions.start({ id: 'a' }))).code).toBe('session_exists');
    expect((await failure(sessions.find('b'))).code).toBe('session_not_found');
  });

  test('without an id one is made up, never the same', async () => {
    const { sessions } = aHost();
    const ids = new Set<string>();
    for (let index = 0; index < 100; index += 1) ids.add((await sessions.start()).id);
    expect(ids.size).toBe(100);
    expect(sessions.size).toBe(100);
  });

  test('metadata and owner are kept, copied and frozen', async () => {
    const { sessions, clock } = aHost();
    const metadata = { team: 'a', tags: ['x'] };
    const session = await sessions.start({ id: 'a', metadata, owner: 'me', ttlMs: 1000 });
    metadata.tags.push('y');
    expect(session.info()).toEqual({
      id: 'a',
      revision: 0,
      variableCount: 0,
      metadata: { team: 'a', tags: ['x'] },
      owner: 'me',
      createdAtMs: clock.nowMs(),
      expiresAtMs: clock.nowMs() + 1000,
      ttlMs: 1000,
    });
    expect(() => Object.assign(session.info().metadata, { team: 'b' })).toThrow(TypeError);
  });

  test('living sessions are listed, and paged by id', async () => {
    const { sessions } = aHost();
    for (const id of ['b', 'a', 'd', 'c']) await sessions.start({ id });
    const listed: string[] = [];
    for await (const { id } of sessions.list()) {
      listed.push(id);
      // Whoever stops sessions while listing them disturbs nobody.
      if (id === 'b') await (await sessions.find('d')).stop();
    }
    expect(listed).toEqual(['b', 'a', 'c']);
    expect((await sessions.page('', 2)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await sessions.page('b', 9)).map(({ id }) => id)).toEqual(['c']);
    expect((await sessions.page('', 2, (id) => id !== 'a')).map(({ id }) => id)).toEqual(['b', 'c']);
  });

  test('a start that fails leaves nothing behind', async () => {
    const store = new ScriptedStore();
    const { sessions } = aHost({ store });
    store.failingReads = 1;
    expect((await failure(sessions.start({ id: 'a' }))).message).toBe('the disk cannot be read');
    expect(sessions.size).toBe(0);
    expect((await sessions.find('a')).revision).toBe(0);
  });

  test('a store that cannot be asked is store_unavailable, with the reason', async () => {
    const store = new ScriptedStore();
    const { sessions } = aHost({ store });
    store.failingReads = 1;
    expect(await failure(sessions.find('a'))).toMatchObject({
      code: 'store_unavailable',
      cause: new Error('the disk cannot be read'),
    });
  });
});

describe('stop', () => {
  test('deletes the state: its id is free, and it is not found', async () => {
    const { session, sessions, store } = await aSession();
    await session.stop();
    expect(await store.find(session.id)).toBeUndefined();
    expect((await failure(sessions.find('a'))).code).toBe('session_not_found');
    const again = await sessions.start({ id: 'a' });
    expect([again.revision, again.list()]).toEqual([0, []]);
  });

  test('with keep leaves the state, and whoever finds it goes on where it was', async () => {
    const { session, sessions } = await aSession();
    await session.set('x', 1);
    const reader = new Reader(session.watch());
    await session.stop({ keep: true });
    await reader.done;
    expect((await failure(sessions.start({ id: 'a' }))).code).toBe('session_exists');
    const found = await sessions.find('a');
    expect(found).not.toBe(session);
    expect([found.get('x'), found.revision, found.history('x').length]).toEqual([1, 2, 2]);
    expect(await found.set('x', 2, { expectedVersion: 1 })).toEqual({ version: 2, revision: 3 });
    const resumed = new Reader(found.watch(['x'], { afterRevision: 1 }));
    await settle();
    expect(resumed.story).toEqual(['updated x 1 @2', 'updated x 2 @3']);
  });

  test('a stopped session answers everything with session_not_found', async () => {
    const { session } = await aSession();
    const stream = session.watch(['x']);
    await session.stop();
    for (const refused of [
      session.set('x', 1),
      session.update({ x: 1 }),
      session.register('y', 'float', 1),
      session.delete('x'),
    ])
      expect(await failure(refused)).toMatchObject({ code: 'session_not_found', execution: 'not_started' });
    for (const refused of [
      () => session.get('x'),
      () => session.get('x', 1),
      () => session.variable('x'),
      () => session.list(),
      () => session.history('x'),
      () => session.watch(),
      () => session.observe('x', () => {}),
      () => session.info(),
    ])
      expect(thrown(refused)).toMatchObject({ code: 'session_not_found' });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('twice, or at once from two sides, is one stop', async () => {
    const { session, sessions, heard } = await aSession();
    const stopped = heard('session.stopped');
    await Promise.all([session.stop(), session.stop(), session[Symbol.asyncDispose]()]);
    await session.stop();
    expect(stopped).toMatchObject([{ sessionId: 'a', reason: { type: 'shutdown', detail: 'session_stopped' } }]);
    expect(sessions.size).toBe(0);
  });

  test('again never touches another session that has its id by then', async () => {
    const { session, sessions } = await aSession();
    await session.stop();
    const next = await sessions.start({ id: 'a' });
    await next.register('y', 'float', 1);
    await session.stop();
    expect(next.get('y')).toBe(1);
    expect(await next.set('y', 2)).toEqual({ version: 1, revision: 2 });
  });

  test('again never deletes what was kept', async () => {
    const { session, sessions } = await aSession();
    await session.stop({ keep: true });
    await session.stop();
    expect((await sessions.find('a')).get('x')).toBe(0);
  });

  test('while a command waits refuses it and leaves no promise open', async () => {
    const { session } = await aSession();
    const first = session.stop();
    const settled = await Promise.allSettled([session.set('x', 1), session.set('x', 2)]);
    await first;
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  test('while it is being restarted ends it at once', async () => {
    const store = new ScriptedStore();
    const { session, sessions, supervisor } = await aSession({ store });
    supervisor.restartsAtOnce = false;
    store.fates.push('throws_before');
    await failure(session.set('x', 1));
    await settle();
    const waiting = failure(session.set('x', 2));
    await session.stop();
    expect((await waiting).code).toBe('session_not_found');
    await supervisor.restart();
    expect(supervisor.lives).toHaveLength(1);
    expect((await failure(sessions.find('a'))).code).toBe('session_not_found');
  });

  test('of a session that is killed meanwhile still ends', async () => {
    const store = new ScriptedStore();
    const { session, supervisor } = await aSession({ store });
    store.fates.push('later');
    const set = failure(session.set('x', 1));
    await settle();
    const stopped = session.stop();
    await settle();
    supervisor.kill();
    await stopped;
    expect((await set).code).toBe('session_crashed');
    await store.land();
    expect(thrown(() => session.get('x')).code).toBe('session_not_found');
    expect(await store.find(session.id)).toBeUndefined();
  });

  test('right after a crash ends the watches only after all that was committed', async () => {
    const store = new ScriptedStore();
    const { session } = await aSession({ store });
    const reader = new Reader(session.watch(['n']));
    store.fates.push('now', 'throws_before');
    let stopped: Promise<void> | undefined;
    const set = session.set('n', 1);
    const command = { type: 'variable.set', variable: 'n', value: 2, source: 'test' } as const;
    // As early as anybody can hear of the crash.
    const crashed = session.execute(command).catch(() => {
      stopped = session.stop();
    });
    await Promise.all([set, crashed]);
    await stopped;
    await reader.done;
    expect(reader.story[0]).toBe('updated n 1 @2');
    expect(reader.ended).toBe(true);
  });

  test('of a supervisor that goes down takes a session with it that had crashed, and keeps its state', async () => {
    const host = aHost();
    const parent = await spawn({ trapExit: true });
    host.supervisor.parent = parent;
    host.supervisor.restartsAtOnce = false;
    const session = await host.sessions.start({ id: 'a' });
    await session.register('x', 'float', 1);
    const reader = new Reader(session.watch());
    host.supervisor.kill();
    await settle();
    const waiting = failure(session.set('x', 2, { timeoutMs: 60_000 }));
    parent.exit(exitReason.killed);
    await settle();
    expect(await waiting).toMatchObject({
      code: 'store_unavailable',
      execution: 'not_started',
      details: { reason: 'runtime_stopped', sessionId: 'a' },
    });
    await reader.done;
    expect(host.sessions.size).toBe(0);
    host.supervisor.parent = undefined;
    expect((await host.sessions.find('a')).get('x')).toBe(1);
  });

  test('whose deletion fails rejects, and the session is gone from here', async () => {
    const store = new ScriptedStore();
    store.delete = () => Promise.reject(new Error('the disk is gone'));
    const { session, sessions } = await aSession({ store });
    expect(await failure(session.stop())).toMatchObject({ code: 'store_unavailable' });
    expect(sessions.size).toBe(0);
  });

  test('keeps a finder waiting until the state is gone', async () => {
    const store = new ScriptedStore();
    const remove = store.delete.bind(store);
    let answer = (): void => {};
    store.delete = (id) =>
      new Promise((resolve) => {
        answer = () => resolve(remove(id));
      });
    const { session, sessions } = await aSession({ store });
    const stopped = session.stop();
    await settle();
    const found = failure(sessions.find('a'));
    const started = sessions.start({ id: 'a' });
    await settle();
    answer();
    await stopped;
    // Whoever starts it anew may well be first.
    expect((await started).revision).toBe(0);
    await found.catch(() => undefined);
  });
});

describe('the runtime', () => {
  test('going down ends every session and watch, and keeps the states', async () => {
    const { session, sessions, store } = await aSession({ ttlMs: 1000 });
    const reader = new Reader(session.watch());
    await session.set('x', 1);
    await sessions.close();
    await reader.done;
    expect(thrown(() => session.get('x'))).toMatchObject({ code: 'store_unavailable' });
    expect(sessions.size).toBe(0);
    expect(await store.find(session.id)).toMatchObject({ position: { revision: 2 } });
  });

  test('going down leaves no expiry behind that would delete what was kept', async () => {
    const { session, sessions, store, clock } = await aSession({ ttlMs: 1000 });
    await sessions.close();
    await settle();
    await clock.advance(10_000);
    expect(await store.find(session.id)).toBeDefined();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('time to live', () => {
  test('ends an idle session, whose id then answers session_expired', async () => {
    const host = await aSession({ ttlMs: 1000 });
    const { session, sessions, store, clock } = host;
    const expired = host.heard('session.expired');
    await clock.advance(999);
    expect(session.revision).toBe(1);
    expect(thrown(() => session.get('missing')).code).toBe('variable_not_found');
    await clock.advance(1100);
    expect(thrown(() => session.get('x')).code).toBe('session_expired');
    expect((await failure(session.set('x', 1))).code).toBe('session_expired');
    expect((await failure(sessions.find('a'))).code).toBe('session_expired');
    expect((await failure(sessions.find('b'))).code).toBe('session_not_found');
    expect(await store.find(session.id)).toBeUndefined();
    expect(expired).toEqual([{ sessionId: 'a' }]);
  });

  test('is put off by every read and write, and by touch', async () => {
    const { session, clock } = await aSession({ ttlMs: 1000 });
    const uses = [
      () => session.get('x'),
      () => session.get('missing', 0),
      () => session.set('x', 1),
      () => session.variable('x'),
      () => session.list(),
      () => session.history('x'),
      () => session.touch(),
      () => session.update({}),
    ];
    for (const use of uses) {
      await clock.advance(900);
      await use();
      expect(session.info().expiresAtMs).toBe(clock.nowMs() + 1000);
    }
    await clock.advance(1100);
    expect(thrown(() => session.get('x')).code).toBe('session_expired');
  });

  test('is not put off by observers, watches or looking at the session', async () => {
    const { session, clock } = await aSession({ ttlMs: 1000 });
    const reader = new Reader(session.watch());
    session.observe('x', () => {});
    await clock.advance(900);
    expect([session.revision, session.info().variableCount]).toEqual([1, 2]);
    await clock.advance(200);
    await reader.done;
    expect(reader.failed).toMatchObject({ code: 'session_expired' });
  });

  test('needs one timer for any number of sessions, and none without one', async () => {
    const { sessions, clock } = aHost();
    for (let index = 0; index < 200; index += 1) await sessions.start();
    expect(clock.pendingTimers).toBe(0);
    for (let index = 0; index < 200; index += 1) await sessions.start({ ttlMs: 1000 + index });
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(1300);
    expect(sessions.size).toBe(200);
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends a session also while it is being restarted, and its commands with it', async () => {
    const store = new ScriptedStore();
    const { session, supervisor, clock } = await aSession({ store, ttlMs: 1000 });
    supervisor.restartsAtOnce = false;
    store.fates.push('throws_before');
    await failure(session.set('x', 1));
    await settle();
    const waiting = failure(session.set('x', 2, { timeoutMs: 60_000 }));
    await clock.advance(1100);
    expect((await waiting).code).toBe('session_expired');
  });

  test('of an id that is started again counts anew', async () => {
    const { sessions, clock } = await aSession({ ttlMs: 1000 });
    await clock.advance(1100);
    const again = await sessions.start({ id: 'a', ttlMs: 1000 });
    await clock.advance(900);
    expect(again.revision).toBe(0);
    expect(await sessions.find('a')).toBe(again);
    await again.stop();
    expect((await failure(sessions.find('a'))).code).toBe('session_not_found');
  });
});

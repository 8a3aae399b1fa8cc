import { describe, expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import { sessionId } from '../../../src/kernel/ids.js';
import { spawn } from '../../../src/kernel/spawn.js';
import type { SessionStore } from '../../../src/sessions/store.js';
import { memoryStore } from '../../../src/sessions/stores/memory.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHost, aSession, failure, thrown } from './harness.js';

const id = sessionId('a');

async function warningsOf(work: () => Promise<void>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const listen = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listen);
  try {
    await work();
    await settle();
  } finally {
    process.off('warning', listen);
  }
  return warnings;
}

describe('a session that was stopped and kept', () => {
  test('with a time to live is removed once nobody has wanted it for so long', async () => {
    const host = await aSession({ ttlMs: 1000 });
    const { session, sessions, store, clock } = host;
    const expired = host.heard('session.expired');
    await clock.advance(900);
    await session.stop({ keep: true });
    await clock.advance(999);
    expect(await store.find(id)).toBeDefined();
    expect(expired).toEqual([]);
    await clock.advance(100);
    expect(await store.find(id)).toBeUndefined();
    expect(expired).toEqual([{ sessionId: 'a' }]);
    expect((await failure(sessions.find('a'))).code).toBe('session_expired');
    expect(clock.pendingTimers).toBe(0);
    expect((await sessions.start({ id: 'a' })).revision).toBe(0);
  });

  test('is not given to anybody once its time is up, however late the sweep', async () => {
    const { session, sessions, store, clock } = await aSession({ ttlMs: 1001 });
    await session.stop({ keep: true });
    await clock.advance(1001);
    expect((await failure(sessions.find('a'))).code).toBe('session_expired');
    expect(await store.find(id)).toBeUndefined();
  });

  test('and found again lives on, with its whole time to live', async () => {
    const { session, sessions, store, clock } = await aSession({ ttlMs: 1000 });
    await session.set('x', 5);
    await session.stop({ keep: true });
    await clock.advance(900);
    const found = await sessions.find('a');
    await clock.advance(900);
    expect(found.get('x')).toBe(5);
    await found.stop({ keep: true });
    await clock.advance(900);
    expect(await store.find(id)).toBeDefined();
    await clock.advance(200);
    expect(await store.find(id)).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  test('without a time to live is kept for ever', async () => {
    const { session, store, clock } = await aSession();
    await session.stop({ keep: true });
    await clock.advance(1e9);
    expect(await store.find(id)).toBeDefined();
  });
});

test.each([
  ['that lives', false],
  ['that was stopped and kept', true],
])('an expired session %s is removed later when the store cannot do it at once, with a warning', async (_, isKept) => {
  const warnings = await warningsOf(async () => {
    const store = memoryStore();
    const { session, sessions, clock, heard } = await aSession({ store, ttlMs: 1000 });
    const crashed = heard('session.crashed');
    const remove = store.delete.bind(store);
    store.delete = () => Promise.reject(new Error('the disk is gone'));
    if (isKept) await session.stop({ keep: true });
    await clock.advance(1100);
    expect(await store.find(id)).toBeDefined();
    store.delete = remove;
    await clock.advance(1100);
    expect(await store.find(id)).toBeUndefined();
    expect((await failure(sessions.find('a'))).code).toBe('session_expired');
    expect(crashed).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
  expect(warnings).toEqual([expect.stringContaining('removing session a, which has expired, failed: ')]);
});

test('a session that its supervisor took down is kept no longer than its time to live', async () => {
  const { sessions, supervisor, store, clock } = aHost();
  const parent = await spawn({});
  supervisor.parent = parent;
  await sessions.start({ id: 'a', ttlMs: 1000 });
  parent.exit(exitReason.shutdown);
  await settle();
  expect([sessions.size, (await store.find(id)) !== undefined]).toEqual([0, true]);
  await clock.advance(1100);
  expect(await store.find(id)).toBeUndefined();
});

describe('what an exclusive store has kept from before', () => {
  const filled = async (): Promise<SessionStore> => {
    const store: SessionStore = Object.assign(memoryStore(), { isExclusive: true });
    const { sessions } = aHost({ store });
    for (let index = 0; index < 600; index += 1) await sessions.start({ id: `ttl-${index}`, ttlMs: 1000 });
    await sessions.start({ id: 'forever' });
    await sessions.close();
    await settle();
    return store;
  };

  test('is removed after its time to live, counted from the start, unless it is found', async () => {
    const store = await filled();
    const { sessions, clock } = aHost({ store });
    const found = await sessions.find('ttl-7');
    await sessions.adoptKept();
    await clock.advance(900);
    found.touch();
    const late = await sessions.find('ttl-8');
    await clock.advance(200);
    expect(await store.list('', 1000)).toEqual(['forever', 'ttl-7', 'ttl-8']);
    await clock.advance(2000);
    expect(await store.list('', 1000)).toEqual(['forever']);
    expect(thrown(() => late.info()).code).toBe('session_expired');
  });

  test('is looked for again later when the store does not answer, with one warning', async () => {
    const store = await filled();
    const list = store.list.bind(store);
    store.list = () => Promise.reject(new Error('busy'));
    const { sessions, clock } = aHost({ store });
    const warnings = await warningsOf(async () => {
      await sessions.adoptKept();
      await clock.advance(61_000);
      await settle();
      store.list = list;
      await clock.advance(61_000);
    });
    expect(warnings).toEqual(['looking for sessions that the store has kept failed: busy']);
    await clock.advance(1100);
    expect(await store.list('', 1000)).toEqual(['forever']);
    await sessions.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('is left alone in a store that others may have open', async () => {
    const store = await filled();
    Object.assign(store, { isExclusive: false });
    const { sessions, clock } = aHost({ store });
    await sessions.adoptKept();
    await clock.advance(10_000);
    expect(await store.list('', 1000)).toHaveLength(601);
  });
});

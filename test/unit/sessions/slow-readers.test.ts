import { expect, test } from 'vitest';
import { OUTBOX_BYTES, OUTBOX_LIMIT } from '../../../src/sessions/outbox.js';
import type { VariableUpdate } from '../../../src/sessions/update.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, Reader, tell } from './harness.js';

type Session = Awaited<ReturnType<typeof aSession>>['session'];

async function write(session: Session, count: number, name = 'n'): Promise<void> {
  const base = Number(session.get(name));
  for (let done = 0; done < count; done += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, count - done) }, (_, index) => session.set(name, base + done + index + 1)),
    );
  await settle();
}

const told = (updates: readonly VariableUpdate[]): number => updates.reduce((sum, { skipped }) => sum + skipped + 1, 0);

test('a reader that keeps within the limit gets every single change', async () => {
  const { session } = await aSession();
  const watcher = session.openWatch({ variables: ['n'] });
  watcher.take();
  await write(session, OUTBOX_LIMIT);
  const updates = watcher.take()?.updates ?? [];
  expect(updates.map(({ value }) => value)).toEqual(Array.from({ length: OUTBOX_LIMIT }, (_, index) => index + 1));
});

test('a reader that falls behind gets the newest value of each variable and is told how many it has skipped', async () => {
  const { session } = await aSession();
  const watcher = session.openWatch({});
  watcher.take();
  await session.set('x', 5);
  await write(session, 10_000);
  const batch = watcher.take();
  const updates = batch?.updates ?? [];
  expect(updates.length).toBeLessThanOrEqual(2 * OUTBOX_LIMIT);
  expect(told(updates)).toBe(10_001);
  expect(updates.at(-1)).toMatchObject({ name: 'n', value: 10_000, revision: 10_002 });
  expect(updates.find(({ name }) => name === 'x')).toMatchObject({ value: 5, skipped: 0 });
  expect(updates.map(({ revision }) => revision)).toEqual(
    updates.map(({ revision }) => revision).sort((a, b) => a - b),
  );
  expect(batch?.position.revision).toBe(session.revision);
  expect(watcher.take()).toBeUndefined();
});

test('what is told of a folded variable starts at the value that the reader knew', async () => {
  const { session } = await aSession();
  const watcher = session.openWatch({ variables: ['n'] });
  watcher.take();
  await write(session, 5000);
  const updates = watcher.take()?.updates ?? [];
  expect(updates[0]?.oldValue).toBe(0);
  for (const [index, update] of updates.entries())
    if (index > 0) expect(update.oldValue).toBe(updates[index - 1]?.value);
});

test('a slow reader of a session where variables come and go costs bounded memory', async () => {
  const { session } = await aSession();
  const watcher = session.openWatch({});
  watcher.take();
  for (let index = 0; index < 3000; index += 1) {
    await session.register(`v${index}`, 'float', 1);
    await session.delete(`v${index}`);
  }
  await session.set('n', 7);
  await settle();
  const updates = watcher.take()?.updates ?? [];
  expect(updates.length).toBeLessThanOrEqual(OUTBOX_LIMIT + 2);
  expect(updates.at(-1)).toMatchObject({ name: 'n', value: 7 });
});

test('a reader that does not coalesce gets one reset with the present values, and goes on from there', async () => {
  const { session } = await aSession();
  const watcher = session.openWatch({ coalesce: false });
  watcher.take();
  await session.set('x', 3);
  await write(session, OUTBOX_LIMIT + 5);
  expect(watcher.take()).toMatchObject({
    position: { revision: session.revision },
    updates: [
      { type: 'reset', reason: 'overflow', revision: session.revision },
      { type: 'initial', name: 'x', value: 3 },
      { type: 'initial', name: 'n', value: OUTBOX_LIMIT + 5 },
    ],
  });
  expect(watcher.take()).toBeUndefined();
  await session.set('n', -1);
  await settle();
  expect(watcher.take()?.updates.map(tell)).toEqual([`updated n -1 @${session.revision}`]);
});

test('a slow reader of large values costs bounded memory: folded, or one reset', async () => {
  const { session } = await aSession();
  await session.register('text', 'string', '');
  const large = 'x'.repeat(OUTBOX_BYTES / 8);
  const [folding, resetting] = [true, false].map((coalesce) => session.openWatch({ coalesce }));
  for (const watcher of [folding, resetting]) watcher?.take();
  for (let index = 0; index < 100; index += 1) await session.set('text', `${index} ${large}`);
  await session.set('n', 7);
  await settle();
  const updates = folding?.take()?.updates ?? [];
  expect(updates.length).toBeLessThanOrEqual(16 + 2);
  expect(told(updates)).toBe(101);
  expect(updates.at(-1)).toMatchObject({ name: 'n', value: 7 });
  expect(String(updates.at(-2)?.value).startsWith('99 ')).toBe(true);
  const afterReset = resetting?.take()?.updates ?? [];
  expect(afterReset[0]).toMatchObject({ type: 'reset', reason: 'overflow' });
  expect(afterReset.slice(1).map(({ type, name }) => `${type} ${name}`)).toContain('initial text');
});

test('a reader that has overflowed hears so also when the session ends before it looks', async () => {
  const { session } = await aSession();
  const stream = session.watch(['n'], { coalesce: false });
  await write(session, OUTBOX_LIMIT + 5);
  await session.stop();
  const reader = new Reader(stream);
  await reader.done;
  expect(reader.updates.map(({ type, reason }) => [type, reason])).toEqual([['reset', 'overflow']]);
  expect(reader.ended).toBe(true);
});

test('a reader that has overflowed hears so also when its variable is deleted before it looks', async () => {
  const { session } = await aSession();
  const stream = session.watch(['n'], { coalesce: false });
  await write(session, OUTBOX_LIMIT + 5);
  await session.delete('n');
  await settle();
  const reader = new Reader(stream);
  await reader.done;
  expect(reader.story).toEqual([`reset overflow @${session.revision}`]);
});

test('a slow reader delays neither the writer nor another reader', async () => {
  const { session } = await aSession();
  session.watch(['n']);
  session.watch(['n'], { coalesce: false });
  const quick = new Reader(session.watch(['n']));
  for (let value = 1; value <= 3000; value += 1) {
    await session.set('n', value);
    if (value % 100 === 0) await settle();
  }
  await settle();
  expect(quick.updates.map(({ value }) => value)).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
});

test('many present values are read in time that grows with their number alone', async () => {
  const { session } = await aSession();
  for (let at = 0; at < 30_000; at += 10_000)
    await session.registerMany(
      Array.from({ length: 10_000 }, (_, index) => ({ name: `v${at + index}`, type: 'float', initialValue: 1 })),
    );
  const reader = new Reader(session.watch([], { includeInitial: true }));
  await settle();
  expect(reader.updates).toHaveLength(30_002);
});

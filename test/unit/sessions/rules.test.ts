import { expect, test } from 'vitest';
import type { Permission } from '../../../src/variables/access.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure, Reader, thrown } from './harness.js';

const grant = (sessionPattern: string, ...permissions: Permission[]) => ({ sessionPattern, permissions });

test('a reader without the right to read is denied, with a default too, and finds nothing in lists', async () => {
  const { session } = await aSession();
  await session.setPermissions('x', [grant('friend', 'read')]);
  const stranger = session.as('stranger');
  for (const denied of [
    () => stranger.get('x', 1),
    () => stranger.variable('x'),
    () => stranger.history('x'),
    () => stranger.stats('x'),
    () => stranger.dependencies('x'),
    () => session.get('x'),
  ])
    expect(thrown(denied).code).toBe('permission_denied');
  expect(stranger.list().map(({ name }) => name)).toEqual(['n']);
  expect(session.as('friend').get('x')).toBe(0);
});

test('checkAccess tells of the caller and of others, and knows only the four words', async () => {
  const { session } = await aSession();
  await session.setPermissions('x', [grant('any', 'read'), grant('a*', 'write')]);
  expect([session.checkAccess('x', 'write'), session.as('b').checkAccess('x', 'write')]).toEqual([true, false]);
  expect(session.checkAccess('x', 'read', 'whoever')).toBe(true);
  expect(thrown(() => session.checkAccess('x', 'fly' as Permission)).code).toBe('invalid_argument');
  expect(thrown(() => session.checkAccess('missing', 'read')).code).toBe('variable_not_found');
});

test('only what may be observed is observed and watched', async () => {
  const { session } = await aSession();
  await session.setPermissions('x', [grant('a', 'read', 'write', 'observe')]);
  const stranger = session.as('stranger');
  expect(thrown(() => stranger.observe('x', () => {})).code).toBe('permission_denied');
  expect(thrown(() => stranger.watch(['x'])).code).toBe('permission_denied');
  const all = new Reader(stranger.watch([], { includeInitial: true }));
  const mine = new Reader(session.watch([], { includeInitial: true }));
  await session.update({ x: 1, n: 1 });
  await settle();
  expect(all.story).toEqual(['initial n 0 @1', 'updated n 1 @3']);
  expect(mine.story).toEqual(['initial x 0 @2', 'initial n 0 @1', 'updated x 1 @3', 'updated n 1 @3']);
});

test('whoever loses the right to observe hears nothing from that commit on, and again once it is back', async () => {
  const { session } = await aSession();
  const seen: unknown[] = [];
  session.as('stranger').observe('x', ({ value }) => seen.push(value));
  await session.set('x', 1);
  await session.setPermissions('x', [grant('a', 'write', 'observe')]);
  await session.set('x', 2);
  await session.setPermissions('x', []);
  await session.set('x', 3);
  await settle();
  expect(seen).toEqual([1, 3]);
});

test('the tail of a resumed watch keeps to the rules that held then', async () => {
  const { session } = await aSession();
  const { revision } = session;
  await session.set('x', 1);
  await session.setPermissions('x', [grant('a', 'write', 'observe')]);
  await session.set('x', 2);
  await session.set('n', 1);
  const reader = new Reader(session.as('stranger').watch([], { afterRevision: revision }));
  await settle();
  expect(reader.story).toEqual(['updated x 1 @2', 'updated n 1 @5']);
});

test('new settings are heard only by who asks, and without the value by who may no longer observe', async () => {
  const { session } = await aSession();
  await session.set('x', 7);
  const plain = session.openWatch({ variables: ['x'] });
  const asking = session.openWatch({ variables: ['x'], includeSettings: true });
  const stranger = session.as('stranger').openWatch({ variables: ['x'], includeSettings: true });
  for (const watcher of [plain, asking, stranger]) watcher.take();
  await session.setPermissions('x', [grant('a', 'observe')]);
  await settle();
  expect(plain.take()?.updates ?? []).toEqual([]);
  expect(asking.take()?.updates).toMatchObject([{ type: 'configured', value: 7, version: 1, revision: 3 }]);
  expect(stranger.take()?.updates).toMatchObject([{ type: 'configured', value: undefined, oldValue: undefined }]);
});

test('who resumes hears of settings that took its right to observe, without the value', async () => {
  const { session } = await aSession();
  const { revision } = session;
  await session.setPermissions('x', [grant('a', 'observe')]);
  const resumed = (includeSettings: boolean) =>
    session.as('stranger').openWatch({ after: { revision }, includeSettings });
  const [asking, plain] = [resumed(true), resumed(false)];
  await settle();
  expect(asking.take()?.updates).toMatchObject([{ type: 'configured', name: 'x', value: undefined }]);
  expect(plain.take()?.updates ?? []).toEqual([]);
});

test('a session of another can be asked, not stopped', async () => {
  const { session } = await aSession();
  expect((await failure(session.as('stranger').stop())).code).toBe('permission_denied');
  expect(await session.as('stranger').set('x', 1)).toMatchObject({ version: 1 });
  expect(thrown(() => session.as('')).code).toBe('invalid_argument');
});

test('the owner under its own id is the owner', async () => {
  const { session } = await aSession();
  await session.as('a').setPermissions('x', [grant('a', 'read')]);
  expect(session.get('x')).toBe(0);
});

test('an export has only what the caller may read', async () => {
  const { session } = await aSession();
  await session.setPermissions('x', [grant('a', 'read')]);
  const text = new TextDecoder().decode(await session.as('stranger').export());
  expect(JSON.parse(text).variables.map(({ name }: { name: string }) => name)).toEqual(['n']);
});

test('the history of a deleted variable keeps to its last rules', async () => {
  const { session } = await aSession();
  const { id } = session.variable('x');
  await session.setPermissions('x', [grant('a', 'read', 'write')]);
  await session.set('x', 1);
  await session.delete('x');
  expect(session.history(id).map(({ value }) => value)).toEqual([1, 0]);
  expect(thrown(() => session.history('x')).code).toBe('variable_not_found');
  expect(thrown(() => session.as('stranger').history(id)).code).toBe('permission_denied');
});

import { expect, test } from 'vitest';
import type { SessionHandle } from '../../../src/sessions/handle.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { type Permission, permissions } from '../../../src/variables/access.js';
import type { VariableUpdate } from '../../../src/sessions/update.js';
import { aSession, failure, Reader, tell, thrown } from './harness.js';

const grant = (sessionPattern: string, ...granted: Permission[]) => ({ sessionPattern, permissions: granted });
const all = grant('a', ...permissions);

/** `x` has the rules given, `n` has none. */
async function withRules(...rules: ReturnType<typeof grant>[]) {
  const host = await aSession();
  await host.session.setPermissions('x', [all, ...rules]);
  return { ...host, guest: host.session.as('b-1', { onlyByRule: true }) };
}

test('a guest reads what a rule lets it read, and finds nothing else, by whatever way it asks', async () => {
  const { session, guest } = await withRules(grant('any', 'read'));
  await session.set('x', 1);
  expect([guest.get('x'), guest.variable('x').version, guest.history('x').length]).toEqual([1, 1, 2]);
  expect(guest.stats('x')).toMatchObject({ writeCount: 1 });
  expect(guest.list().map(({ name }) => name)).toEqual(['x']);
  expect(guest.lookUp('n')).toBeUndefined();
  const document = JSON.parse(new TextDecoder().decode(await guest.export()));
  expect(document.variables.map(({ name }: { name: string }) => name)).toEqual(['x']);
  using pin = guest.pin();
  expect([pin.get('x'), pin.list().length]).toEqual([1, 1]);
});

test('what no rule grants a guest and what is not there are refused in the same words, default or not', async () => {
  const { guest } = await withRules(grant('any', 'read'));
  using pin = guest.pin();
  const told = ['n', 'missing', 'var_n_2'].flatMap((name) =>
    [
      () => guest.get(name),
      () => guest.get(name, 1),
      () => guest.variable(name),
      () => guest.history(name),
      () => guest.stats(name),
      () => guest.dependencies(name),
      () => guest.dependents(name),
      () => guest.checkAccess(name, 'read'),
      () => guest.observe(name, () => {}),
      () => guest.watch([name]),
      () => pin.get(name, 1),
      () => pin.variable(name),
    ].map((ask) => `${thrown(ask).code} ${thrown(ask).message}`),
  );
  expect(new Set(told)).toEqual(new Set(['permission_denied no rule grants "b-1" this']));
});

test('the session itself is nothing for its guests', async () => {
  const { guest } = await withRules(grant('any', 'read', 'write', 'observe', 'optimize'));
  for (const ask of [
    () => guest.info(),
    () => guest.stats(),
    () => guest.audit(),
    () => guest.actor,
    () => guest.touch(),
    () => guest.checkAccess('x', 'read', 'somebody'),
  ])
    expect(thrown(ask).code).toBe('permission_denied');
  for (const refused of [
    guest.stop(),
    guest.delete('x'),
    guest.register('new', 'float', 0),
    guest.setPermissions('x', []),
    guest.setReadOnly('x', true),
    guest.import(new TextEncoder().encode('{"format":"coilyard.variables","version":1,"variables":[]}')),
  ])
    expect((await failure(refused)).code).toBe('permission_denied');
});

test('checkAccess tells a guest its own rights', async () => {
  const { guest } = await withRules(grant('b-*', 'read', 'observe'), grant('c-*', 'write'));
  const rights = (['read', 'write', 'observe', 'optimize'] as const).map((right) => guest.checkAccess('x', right));
  expect(rights).toEqual([true, false, true, false]);
});

test('a guest stays one, also under the id of the owner and through another name', async () => {
  const { session, guest } = await withRules();
  expect(session.as('a', { onlyByRule: true }).get('x')).toBe(0);
  expect(thrown(() => session.as('a', { onlyByRule: true }).get('n')).code).toBe('permission_denied');
  expect((await failure(session.as('a', { onlyByRule: true }).setPermissions('x', []))).code).toBe('permission_denied');
  expect(thrown(() => guest.as('a').get('n')).code).toBe('permission_denied');
  expect(session.as('b-1').get('n')).toBe(0);
  expect(thrown(() => session.as('b-1', { onlyByRule: 1 as unknown as boolean })).code).toBe('invalid_argument');
});

test('whether a guest has any right is looked at in every variable, and asking does not put off expiry', async () => {
  const { session, guest, clock } = await (async () => {
    const host = await aSession({ ttlMs: 1000 });
    return { ...host, guest: host.session.as('b-1', { onlyByRule: true }) as SessionHandle };
  })();
  expect([session.hasRights(), guest.hasRights()]).toEqual([true, false]);
  await session.setPermissions('n', [grant('b-*')]);
  expect(guest.hasRights()).toBe(false);
  await session.setPermissions('n', [grant('b-*', 'optimize')]);
  expect(guest.hasRights()).toBe(true);
  const { expiresAtMs } = session.info();
  await clock.advance(500);
  guest.hasRights();
  expect(session.info().expiresAtMs).toBe(expiresAtMs);
});

test('a guest hears of what it may observe, of a right that comes and of one that goes', async () => {
  const { session, guest } = await withRules(grant('b-*', 'observe'));
  const reader = new Reader(guest.watch([], { includeInitial: true }));
  const seen: unknown[] = [];
  guest.observe('x', ({ value }) => seen.push(value));
  await session.update({ x: 1, n: 1 });
  await session.setPermissions('x', [all]);
  await session.set('x', 2);
  await session.setPermissions('x', []);
  await session.set('x', 3);
  await session.setPermissions('n', [all, grant('any', 'write', 'observe')]);
  await session.set('n', 4);
  await settle();
  expect(reader.story).toEqual(['initial x 0 @2', 'updated x 1 @3', 'updated n 4 @9']);
  expect(seen).toEqual([1]);
});

test('of new settings a guest hears where it may see the variable or might until then, and nowhere else', async () => {
  const { session, guest } = await withRules(grant('b-*', 'read'));
  const watcher = guest.openWatch({ includeSettings: true });
  const after = { revision: session.revision };
  await session.setReadOnly('n', true);
  await session.setPermissions('n', [all, grant('c-*', 'read')]);
  await session.setPermissions('x', [all, grant('b-*', 'read', 'observe')]);
  await session.setPermissions('x', []);
  await session.setPermissions('x', [grant('c-*', 'read')]);
  await session.delete('n');
  await settle();
  const heard = ['configured x 0 @5', 'configured x @6'];
  const story = (updates: readonly VariableUpdate[] = []) => updates.map((update) => tell({ ...update, skipped: 0 }));
  expect(story(watcher.take()?.updates)).toEqual(heard);
  const resumed = guest.openWatch({ includeSettings: true, after });
  await settle();
  expect(story(resumed.take()?.updates)).toEqual(heard);
});

test('who resumes cannot tell a name that it may not observe from one that is not there', async () => {
  const { session, guest } = await withRules(grant('b-*', 'observe'));
  const after = { revision: session.revision };
  await session.set('n', 1);
  for (const name of ['n', 'missing']) {
    const watcher = guest.openWatch({ variables: [name], after });
    await settle();
    expect(watcher.take()?.updates ?? []).toEqual([]);
    expect(watcher.ended).toBe('variable_deleted');
  }
});

test('a guest whose rights are all gone is not told that the session starts over', async () => {
  const { session, guest, supervisor } = await withRules(grant('b-*', 'observe'));
  const watcher = guest.openWatch({});
  watcher.take();
  await session.setPermissions('x', []);
  supervisor.kill();
  await settle();
  expect(watcher.take()).toBeUndefined();
});

test('the end of a session is told to an observer only as far as it may observe', async () => {
  const { session, guest } = await withRules(grant('b-*', 'observe'), grant('c', 'observe'));
  const heard: unknown[] = [];
  guest.observe('x', ({ type, oldValue }) => heard.push(['b-1', type, oldValue]));
  session.as('c').observe('x', ({ type, oldValue }) => heard.push(['c', type, oldValue]));
  await session.setPermissions('x', [grant('c', 'observe')]);
  await session.stop();
  await settle();
  expect(heard).toEqual([['c', 'deleted', 0]]);
});

test('dependencies are shown to a guest between variables that it may read', async () => {
  const { session, guest } = await withRules(grant('any', 'read', 'write'));
  await session.register('y', 'float', 0, { accessRules: [all, grant('b-*', 'read')] });
  await session.register('secret', 'float', 0);
  await session.addDependency('x', 'y');
  await session.addDependency('x', 'secret');
  expect(guest.dependencies('x').map(({ name }) => name)).toEqual(['y']);
  expect(session.dependencies('x')).toHaveLength(2);
});

test('what a guest is refused stands in the audit trail under its name', async () => {
  const { session, guest } = await withRules(grant('b-*', 'read'));
  expect((await failure(guest.set('n', 1))).code).toBe('permission_denied');
  expect(session.audit({ limit: 1 })).toMatchObject([{ action: 'refused', variable: 'n', principal: 'b-1' }]);
});

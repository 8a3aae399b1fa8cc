import { expect, test } from 'vitest';
import { createActor, type Observer, setup, waitFor } from 'xstate';
import type { SessionActor } from '../../../src/sessions/live-session.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure } from './harness.js';
import { ScriptedStore } from './scripted-store.js';

const valueIn = (actor: SessionActor, name: string): unknown => actor.getSnapshot().context.variables.get(name)?.value;

/** Node's warnings while the test runs: what an isolated observer that fails becomes. */
async function warningsOf(run: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const listen = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listen);
  await run();
  await settle();
  process.off('warning', listen);
  return warnings;
}

test('its snapshot shows the revision and a read-only view of the variables by name', async () => {
  const { session } = await aSession();
  const { context, status } = session.actor.getSnapshot();
  expect([status, context.revision, context.variables.size]).toEqual(['active', 1, 2]);
  expect([...context.variables.keys()]).toEqual(['x', 'n']);
  expect([...context.variables.values()].map(({ name }) => name)).toEqual(['x', 'n']);
  expect([...context.variables].map(([name, { value }]) => [name, value])).toEqual([
    ['x', 0],
    ['n', 0],
  ]);
  const visited: string[] = [];
  context.variables.forEach((_variable, name) => void visited.push(name));
  expect(visited).toEqual(['x', 'n']);
  expect(context.variables.has('x')).toBe(true);
  expect(context.variables.get(session.variable('x').id)).toBeUndefined();
  expect('set' in context.variables).toBe(false);
});

test('a subscriber hears each commit, with the state of that commit', async () => {
  const { session } = await aSession();
  const heard: unknown[] = [];
  session.actor.subscribe(({ context }) => heard.push([context.revision, context.variables.get('x')?.value]));
  await session.set('x', 1);
  await session.update({ x: 2, n: 2 });
  await failure(session.set('x', 'text'));
  expect(heard).toEqual([
    [2, 1],
    [3, 2],
  ]);
});

test('waitFor resolves once the state is as awaited, and rejects when the session stops before', async () => {
  const { session } = await aSession();
  const awaited = waitFor(session.actor, ({ context }) => context.variables.get('x')?.value === 3);
  for (const value of [1, 2, 3]) await session.set('x', value);
  expect((await awaited).context.revision).toBe(4);
  const never = waitFor(session.actor, ({ context }) => context.revision > 100).catch((error: Error) => error.message);
  await session.stop();
  expect(await never).toMatch(/terminated/);
});

test('commands that are sent to it are carried out in the mailbox, refusals are telemetry', async () => {
  const host = await aSession();
  const { session } = host;
  const refused = host.heard('variable.refused');
  session.actor.send({ type: 'variable.set', variable: 'x', value: 1, source: 'test' });
  session.actor.send({ type: 'variable.set', variable: 'x', value: 'text', source: 'test' });
  session.actor.send({ type: 'variable.delete', variable: 'n', source: 'test' });
  expect(session.get('x')).toBe(0);
  await settle();
  expect([valueIn(session.actor, 'x'), session.get('n', 'gone'), session.revision]).toEqual([1, 'gone', 3]);
  expect(refused).toMatchObject([{ command: 'variable.set', code: 'validation_failed' }]);
});

test('a subscriber may send from within its callback: every command arrives', async () => {
  const { session } = await aSession();
  session.actor.subscribe(({ context }) => {
    const n = Number(context.variables.get('n')?.value);
    if (n > 0 && n < 50)
      session.actor.send({ type: 'variable.set', variable: 'n', value: n + 1, expectedVersion: n, source: 'test' });
  });
  await session.set('n', 1);
  await settle();
  expect(session.get('n')).toBe(50);
});

test('a subscriber that writes at every snapshot does not starve the event loop', async () => {
  const { session } = await aSession();
  let snapshots = 0;
  session.actor.subscribe(({ context }) => {
    snapshots += 1;
    void session.set('n', context.revision).catch(() => {});
  });
  await session.set('n', 1);
  await settle();
  expect(snapshots).toBeGreaterThan(100);
  expect(snapshots).toBeLessThan(10_000);
  await session.stop();
});

test('a subscriber that throws harms neither the writer nor another subscriber', async () => {
  const { session } = await aSession();
  const heard: number[] = [];
  const warnings = await warningsOf(async () => {
    session.actor.subscribe(() => {
      throw new Error('a bad subscriber');
    });
    session.actor.subscribe(({ context }) => heard.push(context.revision));
    expect(await session.set('x', 1)).toEqual({ version: 1, revision: 2 });
    expect(await session.set('x', 2)).toEqual({ version: 2, revision: 3 });
  });
  expect(heard).toEqual([2, 3]);
  expect(warnings[0]).toContain('a bad subscriber');
});

test('a subscriber that is not one, or has no parts, harms nobody', async () => {
  const { session } = await aSession();
  const { actor } = session;
  // What no typed caller could pass.
  for (const observer of [{}, { next: undefined }, undefined])
    actor.subscribe(observer as Observer<ReturnType<typeof actor.getSnapshot>>).unsubscribe();
  actor.subscribe({});
  expect(await session.set('x', 1)).toEqual({ version: 1, revision: 2 });
});

const garbage: unknown[] = [
  undefined,
  null,
  0,
  '',
  'variable.set',
  [],
  {},
  { type: 5 },
  { type: '' },
  { type: 'unknown' },
  { type: '__proto__' },
  { type: 'constructor' },
  { type: 'xstate.stop' },
  { type: 'xstate.init' },
  { type: 'xstate.error.actor.x' },
  { type: 'state.published', context: { revision: 666, variables: new Map() } },
  { type: 'variable.set' },
  { type: 'variable.set', variable: 'x' },
  { type: 'variable.set', variable: {}, value: 1, source: 5 },
  { type: 'variables.update', writes: null, atomic: true },
  { type: 'variables.register', specs: [null] },
  { type: 'variable.delete', variable: Symbol('x') },
];

test('whatever is sent to it, it serves on and its snapshot shows what was committed', async () => {
  const { session, supervisor, wheelFailures } = await aSession();
  const heard: number[] = [];
  session.actor.subscribe(({ context }) => heard.push(context.revision));
  for (const message of garbage) {
    // What no typed caller could send.
    session.actor.send(message as Parameters<typeof session.actor.send>[0]);
    await settle();
  }
  expect(await session.set('x', 1)).toEqual({ version: 1, revision: 2 });
  expect([session.actor.getSnapshot().context.revision, valueIn(session.actor, 'x')]).toEqual([2, 1]);
  expect(heard.at(-1)).toBe(2);
  expect(heard.every((revision) => revision <= 2)).toBe(true);
  expect([supervisor.lives.length, wheelFailures]).toEqual([1, []]);
});

test('only the session stops it: whoever holds the reference cannot', async () => {
  const { session } = await aSession();
  const { actor } = session;
  let isComplete = false;
  actor.subscribe({
    complete: () => {
      isComplete = true;
    },
  });
  actor.stop();
  await session.set('x', 1);
  expect([isComplete, actor.getSnapshot().context.revision]).toEqual([false, 2]);
  await session.stop();
  expect([isComplete, actor.getSnapshot().status]).toEqual([true, 'stopped']);
});

test('the reference stays the same when the session crashes, and shows the state after it', async () => {
  const store = new ScriptedStore();
  const { session } = await aSession({ store });
  const { actor } = session;
  const heard: number[] = [];
  actor.subscribe(({ context }) => heard.push(context.revision));
  store.fates.push('throws_after');
  await failure(session.set('x', 1));
  await settle();
  expect(session.actor).toBe(actor);
  expect([actor.getSnapshot().context.revision, valueIn(actor, 'x')]).toEqual([2, 1]);
  await session.set('x', 2);
  expect(heard).toEqual([2, 3]);
});

test('a chart can send it commands', async () => {
  const { session } = await aSession();
  const chart = createActor(
    setup({ types: { context: {} as { readonly session: SessionActor }, input: {} as SessionActor } }).createMachine({
      context: ({ input }) => ({ session: input }),
      on: {
        warm: {
          actions: ({ context }) =>
            context.session.send({ type: 'variable.set', variable: 'x', value: 40, source: 'chart' }),
        },
      },
    }),
    { input: session.actor },
  );
  chart.start();
  chart.send({ type: 'warm' });
  await settle();
  expect(session.variable('x')).toMatchObject({ value: 40, source: 'chart' });
});

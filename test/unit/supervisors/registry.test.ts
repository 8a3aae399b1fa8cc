import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import {
  exitReason,
  type Process,
  type RegistryEvent,
  spawn,
  startRegistry,
  startSupervisor,
} from '../../../supervisors/index.js';
import { boom, failure, refusal } from './fixtures.js';

/** The error of a call that must throw. */
const thrown = (run: () => void): Promise<unknown> => failure((async () => run())());

test('S86 a key has one living owner: a second registration is already_registered', async () => {
  const registry = await startRegistry<string, number>({ keys: 'unique' });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register('k', a, 1);
  const error = await thrown(() => registry.register('k', b));
  expect(error).toMatchObject({ code: 'invalid_argument', details: { reason: 'already_registered', process: a } });
  expect(await thrown(() => registry.register('k', a))).toMatchObject({ details: { reason: 'already_registered' } });
  expect(registry.whereis('k')).toBe(a);
  expect(registry.lookup('k')).toEqual([{ process: a, value: 1 }]);
});

test('S86 the key of a process that has just died is free: neither whereis nor lookup shows it', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const a = await spawn({});
  registry.register('k', a);
  a.exit(exitReason.killed);
  expect(registry.whereis('k')).toBeUndefined();
  expect(registry.lookup('k')).toEqual([]);
  expect(registry.count()).toBe(1);
  await settle();
  expect(registry.count()).toBe(0);
});

test('S86 the late clean-up of a dead owner does not remove its successor', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register('k', a);
  a.exit(exitReason.killed);
  registry.register('k', b);
  await settle();
  expect(registry.whereis('k')).toBe(b);
  expect(registry.count()).toBe(1);
});

test('S87 unregister and updateValue touch only the entries of that process', async () => {
  const registry = await startRegistry<string, number>({ keys: 'unique' });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register('k', a, 1);
  registry.unregister('k', b);
  expect(registry.updateValue('k', b, () => 9)).toBe(false);
  expect(registry.updateValue('k', a, (value = 0) => value + 1)).toBe(true);
  expect(registry.lookup('k')).toEqual([{ process: a, value: 2 }]);
  registry.unregister('k', a);
  registry.unregister('k', a);
  expect(registry.whereis('k')).toBeUndefined();
});

test('S87 a crash of the registry ends every process that has a key in it, and no other', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const [holder, former, never] = [await spawn({}), await spawn({}), await spawn({})];
  registry.register('a', holder);
  registry.register('b', holder);
  registry.register('c', former);
  registry.unregister('a', holder);
  registry.unregister('c', former);
  registry.exit(exitReason.killed);
  await settle();
  expect([holder.alive, former.alive, never.alive]).toEqual([false, true, true]);
  expect(await holder.exited).toEqual(exitReason.killed);
});

test('S87 keys compare as Map keys do', async () => {
  const registry = await startRegistry<unknown>({ keys: 'unique' });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register(1, a);
  registry.register('1', b);
  registry.register({ n: 1 }, a);
  registry.register({ n: 1 }, b);
  expect(registry.whereis(1)).toBe(a);
  expect(registry.whereis('1')).toBe(b);
  expect(registry.keys(a)).toEqual([1, { n: 1 }]);
});

test('S88 a duplicate registry holds any number of entries per key, also of one process', async () => {
  const registry = await startRegistry<string, number>({ keys: 'duplicate' });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register('topic', a, 1);
  registry.register('topic', a, 2);
  registry.register('topic', b, 3);
  expect(registry.lookup('topic').map(({ value }) => value)).toEqual([1, 2, 3]);
  registry.unregister('topic', a);
  expect(registry.lookup('topic')).toEqual([{ process: b, value: 3 }]);
});

test('S88 dispatch calls the function with the entries, on the stack of the caller; not at all without entries', async () => {
  const registry = await startRegistry<string, string>({ keys: 'duplicate' });
  const a = await spawn({});
  const seen: unknown[] = [];
  registry.dispatch('topic', (entries) => seen.push(entries));
  registry.register('topic', a, 'v');
  registry.dispatch('topic', (entries) => seen.push(entries));
  expect(seen).toEqual([[{ process: a, value: 'v' }]]);
  expect(() =>
    registry.dispatch('topic', () => {
      throw new Error('the caller hears it');
    }),
  ).toThrow('the caller hears it');
});

test('S88 listeners hear of registrations and of their end; one that throws hurts nobody', async () => {
  const events: RegistryEvent<string, number>[] = [];
  const registry = await startRegistry<string, number>({
    keys: 'unique',
    listeners: [
      () => {
        throw new Error('a bad listener');
      },
      (event) => events.push(event),
    ],
  });
  const [a, b] = [await spawn({}), await spawn({})];
  registry.register('a', a, 1);
  registry.register('b', b);
  registry.unregister('b', b);
  a.exit(boom);
  await settle();
  expect(events).toEqual([
    { type: 'register', key: 'a', process: a, value: 1 },
    { type: 'register', key: 'b', process: b, value: undefined },
    { type: 'unregister', key: 'b', process: b },
    { type: 'unregister', key: 'a', process: a },
  ]);
});

test('a dead process, or a dead registry, registers nothing', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const [dead, living] = [await spawn({}), await spawn({})];
  dead.exit(exitReason.killed);
  expect(await thrown(() => registry.register('k', dead))).toMatchObject({ details: { reason: 'noproc' } });
  await registry.stop();
  expect(await thrown(() => registry.register('k', living))).toMatchObject({ details: { reason: 'noproc' } });
  expect(await refusal(registry.stop())).toBe('noproc');
  expect(living.alive).toBe(true);
});

test('a registry is a process like others: it can be supervised, and its keys must be unique or duplicate', async () => {
  expect(await refusal(startRegistry({ keys: 'several' as never }))).toBe('invalid_keys');
  let registry: Process | undefined;
  const supervisor = await startSupervisor({
    children: [
      {
        id: 'names',
        start: async (self) => {
          registry = await startRegistry({ keys: 'unique', parent: self });
          return registry;
        },
      },
    ],
  });
  const first = registry;
  first?.exit(exitReason.killed);
  await settle();
  expect(registry).not.toBe(first);
  await supervisor.stop();
  expect(registry?.alive).toBe(false);
});

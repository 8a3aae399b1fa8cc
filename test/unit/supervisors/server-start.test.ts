import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  exitReason,
  type From,
  IGNORE,
  type Process,
  spawn,
  spawnServer,
  startRegistry,
  startSupervisor,
} from '../../../supervisors/index.js';
import { boom, failure, refusal } from './fixtures.js';

/** A counter that is asked by name. */
function counter(options: { parent?: Process; clock?: ManualClock; name?: Parameters<typeof spawn>[0]['name'] } = {}) {
  return spawnServer({
    ...(options.parent === undefined ? {} : { parent: options.parent }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.name === undefined ? {} : { name: options.name }),
    init: () => ({ state: 0 }),
    handleCall: (message: 'increment' | 'get', _from: From<number>, count: number) =>
      message === 'get' ? { reply: count, state: count } : { reply: count + 1, state: count + 1 },
    handleCast: (by: number, count: number) => ({ state: count + by }),
  });
}

test('S65 a server has started once init is through, and is linked to its parent from the beginning', async () => {
  const parent = await spawn({});
  const server = await spawnServer({
    parent,
    init: async () => {
      await settle();
      return { state: 'ready' };
    },
    handleCall: (_message, _from, state: string) => ({ reply: state, state }),
  });
  expect(await server.call('state')).toBe('ready');
  server.exit(boom);
  expect(await parent.exited).toBe(boom);
});

test('S66 an init that stops fails the start: the error carries the reason, and an error is its cause', async () => {
  expect(await refusal(spawnServer({ init: () => ({ stop: exitReason.shutdown }) }))).toBe('shutdown');
  const error = new Error('no');
  expect(await failure(spawnServer({ init: () => ({ stop: exitReason.error(error) }) }))).toMatchObject({
    name: 'CoilyardError',
    cause: error,
  });
  expect(await failure(spawnServer({ init: async () => ({ stop: exitReason.error(error) }) }))).toMatchObject({
    name: 'CoilyardError',
    cause: error,
  });
});

test('S66 an init that returns an error ends with normal and fails the start, and the cause is that error', async () => {
  const parent = await spawn({});
  const error = new Error('no such file');
  expect(await failure(spawnServer({ parent, init: () => ({ error }) }))).toMatchObject({
    name: 'CoilyardError',
    cause: error,
  });
  expect(await failure(spawnServer({ parent, init: async () => ({ error }) }))).toMatchObject({
    name: 'CoilyardError',
    cause: error,
  });
  expect(parent.alive).toBe(true);
});

test('S66 an ignoring init is no failure, any other value is a bad_return_value', async () => {
  expect(await spawnServer({ init: () => IGNORE })).toBe(IGNORE);
  for (const value of [undefined, 42, 'state', {}])
    expect(await refusal(spawnServer({ init: (): never => value as never }))).toBe('bad_return_value');
});

test('S67 a failed init takes a starter along that does not trap', async () => {
  const parent = await spawn({});
  await failure(spawnServer({ parent, init: () => ({ stop: exitReason.custom('why') }) }));
  expect(await parent.exited).toEqual(exitReason.custom('why'));
});

test('S68 an init over its time is killed', async () => {
  const clock = new ManualClock();
  const starting = failure(spawnServer({ clock, initTimeoutMs: 50, init: () => new Promise<never>(() => {}) }));
  await clock.advance(50);
  expect(await starting).toMatchObject({ code: 'deadline_exceeded', details: { reason: 'timeout' } });
});

test('S69 a second server under a name is refused with already_started and the first', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const name = { registry, key: 'counter' };
  const first = await counter({ name });
  const error = await failure(counter({ name }));
  expect(error).toMatchObject({ details: { reason: 'already_started', process: first } });
});

test('S70 a supervised server under a name restarts without a clash, 500 times out of 500', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const name = { registry, key: 'counter' };
  const supervisor = await startSupervisor({
    maxRestarts: 1000,
    children: [{ id: 'counter', start: (parent) => counter({ parent, name }) }],
  });
  for (let restart = 0; restart < 500; restart += 1) {
    registry.whereis('counter')?.exit(exitReason.killed);
    await settle();
  }
  expect(registry.whereis('counter')?.alive).toBe(true);
  expect(await supervisor.whichChildren()).toMatchObject([{ restarts: 500 }]);
});

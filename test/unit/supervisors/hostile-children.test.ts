import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromCallback, fromPromise } from 'xstate';
import { sleep, systemClock } from '../../../src/kernel/clock.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  exitReason,
  type Process,
  spawn,
  spawnActor,
  spawnServer,
  startDynamicSupervisor,
  startRegistry,
  startSupervisor,
  startTask,
  type Supervisor,
} from '../../../supervisors/index.js';
import { boom, idle, refusal, Stage } from './fixtures.js';

/** What reaches the process; nothing may. */
let uncaught: unknown[] = [];
let others: {
  uncaughtException: NodeJS.UncaughtExceptionListener[];
  unhandledRejection: NodeJS.UnhandledRejectionListener[];
};
const caught = (thrown: unknown): void => void uncaught.push(thrown);

beforeEach(() => {
  uncaught = [];
  others = {
    uncaughtException: process.listeners('uncaughtException'),
    unhandledRejection: process.listeners('unhandledRejection'),
  };
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection');
  process.on('uncaughtException', caught).on('unhandledRejection', caught);
});

afterEach(async () => {
  await sleep(systemClock, 2);
  process.off('uncaughtException', caught).off('unhandledRejection', caught);
  for (const listener of others.uncaughtException) process.on('uncaughtException', listener);
  for (const listener of others.unhandledRejection) process.on('unhandledRejection', listener);
  expect(uncaught).toEqual([]);
});

const fail = (): never => {
  throw new Error('hostile');
};
const failLater = (): Promise<never> => Promise.reject(new Error('hostile, later'));

/** A supervisor with a good child, beside which hostile ones are put. */
async function withSibling(): Promise<{ supervisor: Supervisor; sibling: Process | undefined }> {
  const supervisor = await startSupervisor({ maxRestarts: 3 });
  return { supervisor, sibling: await supervisor.startChild({ id: 'sibling', start: idle }) };
}

test.for([fail, failLater])('an init that fails hurts no sibling: %s', async (init) => {
  const { supervisor, sibling } = await withSibling();
  const starts = [
    (self: Process) => spawn({ parent: self, init }),
    (self: Process) => spawnServer({ parent: self, init }),
    (self: Process) => spawnActor(fromPromise(init), { parent: self }).then(({ exited }) => exited.then(fail)),
    (self: Process) => spawnActor(fromCallback(fail), { parent: self }),
  ];
  for (const start of starts)
    expect(await refusal(supervisor.startChild({ id: 'x', start }))).toBe('failed_to_start_child');
  expect(sibling?.alive).toBe(true);
});

test.for([fail, failLater])(
  'handlers and terminate that fail are exit reasons and hurt no sibling: %s',
  async (hostile) => {
    const { supervisor, sibling } = await withSibling();
    const server = await supervisor.startChild({
      id: 'server',
      restart: 'temporary',
      start: (self) =>
        spawnServer({
          parent: self,
          init: () => ({ state: 0 }),
          handleCall: hostile,
          handleCast: hostile,
          terminate: hostile,
          onCrash: hostile,
        }),
    });
    const trapper = await supervisor.startChild({
      id: 'trapper',
      restart: 'temporary',
      start: (self) => spawn({ parent: self, trapExit: true, handleExit: hostile, terminate: hostile }),
    });
    expect(await refusal(server?.call('x') ?? Promise.resolve())).toBe('error');
    trapper?.exit(exitReason.normal);
    expect(await trapper?.exited).toMatchObject({ type: 'error' });
    await settle();
    expect(sibling?.alive).toBe(true);
    expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['sibling']);
  },
);

test('monitors, event listeners, registry listeners, dispatchers and tasks that fail hurt nobody', async () => {
  const registry = await startRegistry({ keys: 'unique', listeners: [fail, failLater] });
  const supervisor = await startSupervisor({ onEvent: fail, children: [{ id: 'a', start: idle }] });
  const dynamic = await startDynamicSupervisor({ onEvent: failLater });
  const child = await supervisor.startChild({
    id: 'b',
    start: (self) => spawn({ parent: self, name: { registry, key: 'b' } }),
  });
  child?.monitor(fail);
  child?.monitor(failLater);
  startTask(fail);
  startTask(failLater);
  await startTask(failLater, { supervisor: dynamic });
  child?.exit(boom);
  await settle();
  expect(await supervisor.countChildren()).toMatchObject({ active: 2 });
  expect(dynamic.alive).toBe(true);
});

test('a child that hangs in init is bounded by its start time, also when it is restarted', async () => {
  const clock = new ManualClock();
  let hang = false;
  const stage = new Stage();
  const supervisor = await startSupervisor({
    clock,
    maxRestarts: 2,
    children: [
      { id: 'first', start: stage.child('first') },
      {
        id: 'hanging',
        start: stage.child('hanging', {
          clock,
          initTimeoutMs: 100,
          init: () => (hang ? new Promise<void>(() => {}) : undefined),
        }),
      },
    ],
  });
  hang = true;
  stage.take();
  stage.kill('hanging');
  await clock.advance(100);
  await clock.advance(100);
  expect(stage.take()).toEqual(['+hanging', '+hanging', '-first']);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test('a child that hangs in terminate is bounded by its shutdown time, also in a group restart', async () => {
  const clock = new ManualClock();
  const stage = new Stage();
  await startSupervisor({
    clock,
    strategy: 'one_for_all',
    children: [
      { id: 'a', start: stage.child('a') },
      { id: 'b', shutdown: 100, start: stage.child('b', { terminate: () => new Promise(() => {}) }) },
    ],
  });
  stage.take();
  stage.kill('a');
  await clock.advance(99);
  expect(stage.take()).toEqual(['-b']);
  await clock.advance(1);
  expect(stage.take()).toEqual(['+a', '+b']);
});

test('a child that is killed in the middle of its own restart has failed to start, and is tried again', async () => {
  const stage = new Stage();
  let victim: Process | undefined;
  let starts = 0;
  const supervisor = await startSupervisor({
    maxRestarts: 5,
    children: [
      {
        id: 'a',
        start: stage.child('a', {
          init: async (context) => {
            starts += 1;
            victim = context.process;
            await settle();
          },
        }),
      },
    ],
  });
  victim?.exit(boom, supervisor);
  stage.kill('a');
  await settle();
  expect(starts).toBe(2);
  victim?.exit(exitReason.killed);
  await settle();
  await settle();
  expect(starts).toBe(3);
  expect(await supervisor.whichChildren()).toMatchObject([{ status: 'running', process: victim, restarts: 1 }]);
});

test('an exit signal to the process that a child once was does nothing to its successor', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: stage.child('a') }] });
  const old = stage.process('a');
  stage.kill('a');
  old.exit(boom);
  await settle();
  old.exit(exitReason.killed);
  await settle();
  expect(stage.take()).toEqual(['+a', '+a']);
  expect(await supervisor.whichChildren()).toMatchObject([{ restarts: 1 }]);
});

test('a supervisor that is told to stop inside a restart storm stops, and nothing starts afterwards', async () => {
  const stage = new Stage();
  let starts = 0;
  const supervisor = await startSupervisor({
    maxRestarts: 1_000_000,
    children: [
      { id: 'calm', start: stage.child('calm') },
      {
        id: 'storm',
        start: async (self) => {
          starts += 1;
          if (starts > 1) throw new Error('again and again');
          return idle(self);
        },
      },
    ],
  });
  const [storm] = await supervisor.whichChildren();
  if (typeof storm?.process === 'object') storm.process.exit(exitReason.killed);
  await supervisor.countChildren();
  await supervisor.countChildren();
  const report = await supervisor.stop();
  expect(report).toEqual({ reason: exitReason.normal, killed: [], failed: [] });
  expect(starts).toBeGreaterThan(2);
  const startsAtStop = starts;
  await settle();
  expect(starts).toBe(startsAtStop);
  expect(stage.take()).toEqual(['+calm', '-calm']);
});

test('a supervisor whose parent stops it inside a restart storm stops as well', async () => {
  let starts = 0;
  let inner: Supervisor | undefined;
  const outer = await startSupervisor({
    children: [
      {
        id: 'inner',
        type: 'supervisor',
        start: async (self) => {
          inner = await startSupervisor({
            parent: self,
            maxRestarts: 1_000_000,
            children: [
              {
                id: 'storm',
                start: (parent) => {
                  starts += 1;
                  return starts > 1 ? failLater() : idle(parent);
                },
              },
            ],
          });
          return inner;
        },
      },
    ],
  });
  const [storm] = (await inner?.whichChildren()) ?? [];
  if (typeof storm?.process === 'object') storm.process.exit(exitReason.killed);
  await inner?.countChildren();
  await outer.stop();
  expect(inner?.alive).toBe(false);
});

test('a storm of restarts does not starve the event loop', async () => {
  let starts = 0;
  const supervisor = await startSupervisor({
    maxRestarts: Number.MAX_SAFE_INTEGER,
    children: [
      {
        id: 'storm',
        start: (self) => {
          starts += 1;
          return starts > 1 ? failLater() : idle(self);
        },
      },
    ],
  });
  const [storm] = await supervisor.whichChildren();
  if (typeof storm?.process === 'object') storm.process.exit(exitReason.killed);
  // Reaching the next lines at all is the point: both wait for turns of the loop.
  await settle();
  await settle();
  expect(starts).toBeGreaterThan(100);
  await supervisor.terminateChild('storm');
});

test('three deaths in the same tick, the supervisor killed in the same tick: nothing is left', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({
    strategy: 'one_for_all',
    children: ['a', 'b', 'c'].map((id) => ({ id, start: stage.child(id) })),
  });
  const all = ['a', 'b', 'c'].map((id) => stage.process(id));
  stage.take();
  stage.kill('a');
  stage.kill('b');
  supervisor.exit(exitReason.killed);
  stage.kill('c');
  await settle();
  expect(stage.take()).toEqual([]);
  expect(all.map(({ alive }) => alive)).toEqual([false, false, false]);
});

test('a supervisor that is killed while it restarts a group starts nothing more', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({
    strategy: 'one_for_all',
    children: [
      { id: 'a', start: stage.child('a', { init: () => settle() }) },
      { id: 'b', start: stage.child('b') },
    ],
  });
  stage.take();
  stage.kill('b');
  await settle();
  supervisor.exit(exitReason.killed);
  await settle();
  await settle();
  // The new `a` hears of its parent's end once its init is through.
  expect(stage.take()).toEqual(['-a', '+a', '-a']);
  expect(stage.process('a').alive).toBe(false);
});

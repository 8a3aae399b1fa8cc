import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  type ExitReason,
  exitReason,
  IGNORE,
  type Process,
  spawn,
  startDynamicSupervisor,
  startRegistry,
  startSupervisor,
} from '../../../supervisors/index.js';
import { failingAfter, failure, idle, refusal, Stage } from './fixtures.js';

test('S18 children start left to right, each after the init of the one before', async () => {
  const stage = new Stage();
  const ready = (id: string) => async (): Promise<void> => {
    await settle();
    stage.log.push(`${id} ready`);
  };
  await startSupervisor({
    children: ['a', 'b', 'c'].map((id) => ({ id, start: stage.child(id, { init: ready(id) }) })),
  });
  expect(stage.take()).toEqual(['+a', 'a ready', '+b', 'b ready', '+c', 'c ready']);
});

test('S19 a start function may return a process or a promise of one', async () => {
  let made: Process | undefined;
  const supervisor = await startSupervisor({});
  const child = await spawn({ parent: supervisor });
  expect(await supervisor.startChild({ id: 'now', start: () => child })).toBe(child);
  const later = await supervisor.startChild({
    id: 'later',
    start: async (self): Promise<Process> => {
      made = await spawn({ parent: self });
      return made;
    },
  });
  expect(later).toBe(made);
});

test.for<[string, () => unknown]>([
  ['undefined', () => undefined],
  ['a number', () => 42],
  ['a promise of nothing', async () => undefined],
  ['an object that looks like a process', () => ({ id: 'x', alive: true })],
])('S19 a start function that returns %s has failed', async ([, start]) => {
  const supervisor = await startSupervisor({});
  const error = await failure(supervisor.startChild({ id: 'x', start: start as never }));
  expect(error).toMatchObject({
    details: { reason: 'failed_to_start_child', childId: 'x' },
    cause: { details: { reason: 'bad_return_value' } },
  });
});

test('S19 a start function that throws, rejects, or throws nothing sensible has failed with that as the cause', async () => {
  const supervisor = await startSupervisor({});
  const boom = new Error('boom');
  const starts = [
    () => {
      throw boom;
    },
    () => Promise.reject(boom),
  ];
  for (const start of starts)
    expect(await failure(supervisor.startChild({ id: 'x', start }))).toMatchObject({ code: 'internal', cause: boom });
  expect(await failure(supervisor.startChild({ id: 'x', start: () => Promise.reject(undefined) }))).toMatchObject({
    details: { reason: 'failed_to_start_child' },
  });
});

test('S19 a child that is not linked to the supervisor is not watched by it', async () => {
  const supervisor = await startSupervisor({ children: [{ id: 'loose', start: () => spawn({}) }] });
  const [loose] = await supervisor.whichChildren();
  if (typeof loose?.process === 'object') loose.process.exit(exitReason.killed);
  await settle();
  expect(await supervisor.countChildren()).toMatchObject({ specs: 1, active: 0 });
});

test('S20 whoever starts a supervisor may compute its flags, ignore, or fail: the start function is its init', async () => {
  const error = new Error('no configuration');
  const starting = (sizes: number | undefined) => async (self: Process) => {
    if (sizes === undefined) throw error;
    if (sizes === 0) return IGNORE;
    const children = Array.from({ length: sizes }, (_, id) => ({ id, start: idle }));
    return startSupervisor({ parent: self, children });
  };
  const supervisor = await startSupervisor({});
  const two = await supervisor.startChild({ id: 'two', type: 'supervisor', start: starting(2) });
  expect(await two?.countChildren()).toMatchObject({ active: 2 });
  expect(await supervisor.startChild({ id: 'none', type: 'supervisor', start: starting(0) })).toBeUndefined();
  const failed = await failure(supervisor.startChild({ id: 'failed', type: 'supervisor', start: starting(undefined) }));
  expect(failed).toMatchObject({ cause: error });
});

test('S21 a child that fails to start stops those before it in reverse; those after it never start', async () => {
  const stage = new Stage();
  const boom = new Error('boom');
  const error = await failure(
    startSupervisor({
      children: [
        { id: 'a', start: stage.child('a') },
        { id: 'b', start: stage.child('b') },
        { id: 'c', start: () => Promise.reject(boom) },
        { id: 'd', start: stage.child('d') },
      ],
    }),
  );
  expect(error).toMatchObject({ details: { reason: 'failed_to_start_child', childId: 'c' }, cause: boom });
  expect(stage.take()).toEqual(['+a', '+b', '-b', '-a']);
});

test('S21 the supervisor exits with shutdown and the reason, as a parent that does not trap finds out', async () => {
  const parent = await spawn({});
  await failure(startSupervisor({ parent, children: [{ id: 'c', start: failingAfter(0) }] }));
  expect(await parent.exited).toMatchObject({
    type: 'shutdown',
    detail: { reason: 'failed_to_start_child', childId: 'c' },
  });
});

test('S21 a nested failure names every level', async () => {
  const boom = new Error('boom');
  const error = await failure(
    startSupervisor({
      children: [
        {
          id: 'sub',
          type: 'supervisor',
          start: (self): Promise<Process> =>
            startSupervisor({ parent: self, children: [{ id: 'leaf', start: () => Promise.reject(boom) }] }),
        },
      ],
    }),
  );
  expect(error).toMatchObject({ details: { childId: 'sub' }, cause: { details: { childId: 'leaf' }, cause: boom } });
});

test('S22 an ignored permanent or transient child keeps its spec without a process', async () => {
  const supervisor = await startSupervisor({
    children: [{ id: 'p', start: () => IGNORE }],
  });
  expect(await supervisor.startChild({ id: 't', restart: 'transient', start: async () => IGNORE })).toBeUndefined();
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 't', process: undefined, status: 'down' },
    { id: 'p', process: undefined, status: 'down' },
  ]);
  expect(await supervisor.countChildren()).toEqual({ specs: 2, active: 0, supervisors: 0, workers: 2 });
});

test('S22 an ignored temporary child is forgotten', async () => {
  const temporary = { restart: 'temporary', start: () => IGNORE } as const;
  const supervisor = await startSupervisor({ children: [{ id: 'a', ...temporary }] });
  expect(await supervisor.startChild({ id: 'b', ...temporary })).toBeUndefined();
  expect(await supervisor.whichChildren()).toEqual([]);
});

test('S22 a dynamic supervisor keeps nothing of an ignored child', async () => {
  const supervisor = await startDynamicSupervisor();
  expect(await supervisor.startChild({ start: () => IGNORE })).toBe(IGNORE);
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
});

test('S23 a failed startChild forgets the spec, costs nothing and is not retried', async () => {
  const supervisor = await startSupervisor({ maxRestarts: 0 });
  let starts = 0;
  const start = (): never => {
    starts += 1;
    throw new Error('no');
  };
  for (let attempt = 0; attempt < 3; attempt += 1)
    expect(await refusal(supervisor.startChild({ id: 'x', start }))).toBe('failed_to_start_child');
  await settle();
  expect(starts).toBe(3);
  expect(await supervisor.whichChildren()).toEqual([]);
  expect(supervisor.alive).toBe(true);
  const dynamic = await startDynamicSupervisor({ maxRestarts: 0 });
  expect(await refusal(dynamic.startChild({ start }))).toBe('failed_to_start_child');
  expect(await dynamic.countChildren()).toMatchObject({ specs: 0 });
});

test('S23 a start that finds its name taken says already_started, with the holder', async () => {
  const registry = await startRegistry({ keys: 'unique' });
  const name = { registry, key: 'n' };
  const holder = await spawn({ name });
  for (const supervisor of [await startSupervisor({}), await startDynamicSupervisor()]) {
    const error = await failure(
      supervisor.startChild({ id: 'x', start: (self: Process) => spawn({ parent: self, name }) }),
    );
    expect(error).toMatchObject({ details: { reason: 'already_started', process: holder } });
    expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
  }
});

test('S24 an id that runs is already_started, one that does not run is already_present', async () => {
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: idle }] });
  const [a] = await supervisor.whichChildren();
  const error = await failure(supervisor.startChild({ id: 'a', start: idle }));
  expect(error).toMatchObject({ details: { reason: 'already_started', process: a?.process } });
  await supervisor.terminateChild('a');
  expect(await refusal(supervisor.startChild({ id: 'a', start: idle }))).toBe('already_present');
});

test('S24 an id that is restarting is already_present', async () => {
  const clock = new ManualClock();
  const supervisor = await startSupervisor({
    clock,
    backoff: { baseMs: 100, capMs: 100, jitter: 'none' },
    children: [{ id: 'a', start: failingAfter(1) }],
  });
  const [a] = await supervisor.whichChildren();
  if (typeof a?.process === 'object') a.process.exit(exitReason.killed);
  await settle();
  expect(await supervisor.whichChildren()).toMatchObject([{ process: 'restarting', status: 'restarting' }]);
  expect(await refusal(supervisor.startChild({ id: 'a', start: idle }))).toBe('already_present');
});

test('S25 new children go last, a restarted one keeps its place', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: stage.child('a') }] });
  await supervisor.startChild({ id: 'b', start: stage.child('b') });
  await supervisor.terminateChild('a');
  await supervisor.restartChild('a');
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['b', 'a']);
  stage.take();
  await supervisor.stop();
  expect(stage.take()).toEqual(['-b', '-a']);
});

test('S25 a temporary child that died and is started again goes last', async () => {
  const stage = new Stage();
  const a = { id: 'a', restart: 'temporary', start: stage.child('a') } as const;
  const supervisor = await startSupervisor({ children: [a, { id: 'b', start: idle }] });
  stage.kill('a');
  await settle();
  await supervisor.startChild(a);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['a', 'b']);
});

test('a start function that hangs is bounded by startTimeoutMs: what it linked is killed, whatever it returns later', async () => {
  const clock = new ManualClock();
  const supervisor = await startSupervisor({ clock });
  const ended: ExitReason[] = [];
  let finish = (): void => {};
  const starting = failure(
    supervisor.startChild({
      id: 'x',
      startTimeoutMs: 100,
      start: async (self) => {
        const first = await spawn({ parent: self, trapExit: true });
        first.monitor((reason) => ended.push(reason));
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        const second = await spawn({ trapExit: true });
        second.monitor((reason) => ended.push(reason));
        return second;
      },
    }),
  );
  await clock.advance(100);
  expect(await starting).toMatchObject({ details: { childId: 'x' }, cause: { code: 'deadline_exceeded' } });
  expect(ended).toEqual([exitReason.killed]);
  finish();
  await settle();
  expect(ended).toEqual([exitReason.killed, exitReason.killed]);
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
  expect(clock.pendingTimers).toBe(0);
});

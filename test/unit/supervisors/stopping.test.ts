import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  type ChildSpec,
  type ExitReason,
  exitReason,
  type Process,
  spawn,
  startDynamicSupervisor,
  startRegistry,
  startSupervisor,
  type Supervisor,
  type SupervisorEvent,
} from '../../../supervisors/index.js';
import { boom, failure, idle, refusal, Stage } from './fixtures.js';

const hanging = { terminate: (): Promise<never> => new Promise(() => {}) };

async function staged(specs: readonly (Partial<ChildSpec> & { id: string })[]): Promise<{
  stage: Stage;
  clock: ManualClock;
  supervisor: Supervisor;
  events: SupervisorEvent[];
}> {
  const stage = new Stage();
  const clock = new ManualClock();
  const events: SupervisorEvent[] = [];
  const children = specs.map((spec) => ({ start: stage.child(spec.id), ...spec }));
  const supervisor = await startSupervisor({ clock, children, onEvent: (event) => void events.push(event) });
  await settle();
  stage.take();
  events.length = 0;
  return { stage, clock, supervisor, events };
}

test('S46 a child that does not end in time is killed when its shutdown time is over', async () => {
  const stage = new Stage();
  const { clock, supervisor } = await staged([{ id: 'slow', shutdown: 100, start: stage.child('slow', hanging) }]);
  const stopping = supervisor.terminateChild('slow');
  await clock.advance(99);
  expect(stage.process('slow').alive).toBe(true);
  await clock.advance(1);
  await stopping;
  expect(await stage.process('slow').exited).toEqual(exitReason.killed);
  expect(clock.pendingTimers).toBe(0);
});

test('S46 a brutal_kill runs no terminate', async () => {
  const { stage, supervisor } = await staged([{ id: 'a', shutdown: 'brutal_kill' }]);
  await supervisor.terminateChild('a');
  expect(stage.take()).toEqual([]);
  expect(await stage.process('a').exited).toEqual(exitReason.killed);
});

test('S46 infinity waits for ever', async () => {
  const stage = new Stage();
  const { clock, supervisor } = await staged([{ id: 'a', shutdown: 'infinity', start: stage.child('a', hanging) }]);
  void supervisor.stop();
  await clock.advance(10 ** 9);
  expect(stage.process('a').alive).toBe(true);
  expect(supervisor.alive).toBe(true);
});

test('S46 a shutdown of 0 kills what has not ended at once', async () => {
  const stage = new Stage();
  const { clock, supervisor } = await staged([{ id: 'a', shutdown: 0, start: stage.child('a', hanging) }]);
  const stopping = supervisor.terminateChild('a');
  await clock.advance(0);
  await stopping;
  expect(await stage.process('a').exited).toEqual(exitReason.killed);
});

test('S46 a child that unlinked itself is still stopped and cannot hang the stop', async () => {
  const { stage, supervisor } = await staged([{ id: 'a' }]);
  stage.process('a').unlink(supervisor);
  await supervisor.terminateChild('a');
  expect(stage.take()).toEqual(['-a']);
});

test.for<[string, 'permanent' | 'transient', ExitReason, boolean]>([
  ['shutdown', 'permanent', exitReason.shutdown, true],
  ['normal', 'permanent', exitReason.normal, false],
  ['normal', 'transient', exitReason.normal, true],
  ['an error', 'permanent', boom, false],
  ['an error', 'transient', boom, false],
])('S47 ending with %s when told to stop, a %s child is reported: clean %s', async ([, restart, reason, cleanly]) => {
  let inside = (_reason: ExitReason): void => {};
  const { supervisor, events } = await staged([
    {
      id: 'a',
      restart,
      start: (self: Process) =>
        spawn({
          trapExit: true,
          init: ({ process, exit }) => {
            process.link(self);
            inside = exit;
          },
          // Not its parent: it decides for itself what to end with.
          handleExit: () => inside(reason),
        }),
    },
  ]);
  await supervisor.terminateChild('a');
  await settle();
  expect(events.filter(({ type }) => type === 'child.stop_failed')).toHaveLength(cleanly ? 0 : 1);
  expect(await supervisor.whichChildren()).toMatchObject([{ status: 'down', restarts: 0 }]);
});

test('S47 a child that ends badly when it is stopped is reported, and the stop succeeds', async () => {
  const stage = new Stage();
  const failing = stage.child('bad', {
    terminate: () => {
      throw new Error('in terminate');
    },
  });
  const { supervisor, events } = await staged([{ id: 'bad', start: failing }, { id: 'good' }]);
  const report = await supervisor.stop();
  await settle();
  expect(report.killed).toEqual([]);
  expect(report.failed).toMatchObject([{ path: 'bad', reason: { type: 'error' } }]);
  expect(events).toMatchObject([{ type: 'child.stop_failed', childId: 'bad' }]);
});

test('S48 a supervisor stops its children in reverse order, one at a time', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const slowly = (id: string) =>
    stage.child(id, {
      terminate: async () => {
        await settle();
        stage.log.push(`${id} ended`);
      },
    });
  const supervisor = await startSupervisor({
    clock,
    children: ['a', 'b', 'c'].map((id) => ({ id, start: slowly(id) })),
  });
  stage.take();
  await supervisor.stop();
  expect(stage.take()).toEqual(['-c', 'c ended', '-b', 'b ended', '-a', 'a ended']);
});

test('S48 a dynamic supervisor tells all its children at once', async () => {
  const stage = new Stage();
  const supervisor = await startDynamicSupervisor();
  for (const id of ['a', 'b', 'c'])
    await supervisor.startChild({
      id,
      start: stage.child(id, {
        terminate: async () => {
          await settle();
          stage.log.push(`${id} ended`);
        },
      }),
    });
  stage.take();
  await supervisor.stop();
  expect(stage.take()).toEqual(['-a', '-b', '-c', 'a ended', 'b ended', 'c ended']);
});

test('S49 children of a dynamic supervisor with the same time share one timer', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const supervisor = await startDynamicSupervisor({ clock });
  for (let index = 0; index < 10; index += 1) {
    const shutdown = index < 7 ? 100 : 200;
    await supervisor.startChild({ id: `c${index}`, shutdown, start: stage.child(`c${index}`, hanging) });
  }
  const stopping = supervisor.stop();
  await settle();
  expect(clock.pendingTimers).toBe(2);
  await clock.advance(100);
  expect(stage.process('c6').alive).toBe(false);
  expect(stage.process('c7').alive).toBe(true);
  await clock.advance(100);
  expect((await stopping).killed.map(({ path }) => path)).toEqual(
    Array.from({ length: 10 }, (_, index) => `c${index}`),
  );
  expect(clock.pendingTimers).toBe(0);
});

test('S50 requests wait while the supervisor starts or stops a child', async () => {
  let ready = (): void => {};
  const { supervisor } = await staged([{ id: 'a' }]);
  const order: string[] = [];
  const starting = supervisor.startChild({
    id: 'slow',
    start: (self) =>
      spawn({
        parent: self,
        init: () =>
          new Promise<void>((resolve) => {
            ready = resolve;
          }),
      }),
  });
  void starting.then(() => order.push('started'));
  const counting = supervisor.countChildren().then((counts) => {
    order.push('counted');
    return counts;
  });
  await settle();
  expect(order).toEqual([]);
  ready();
  expect(await counting).toMatchObject({ specs: 2, active: 2 });
  expect(order).toEqual(['started', 'counted']);
});

test('S51 when a supervisor is killed its children get killed as the exit of their parent', async () => {
  const seen: ExitReason[] = [];
  const plain: Process[] = [];
  const { stage, supervisor } = await staged([
    { id: 'trapping' },
    {
      id: 'plain',
      start: async (self) => {
        const process = await spawn({ parent: self });
        plain.push(process);
        return process;
      },
    },
  ]);
  stage.process('trapping').monitor((reason) => seen.push(reason));
  supervisor.exit(exitReason.killed);
  expect(supervisor.alive).toBe(false);
  await settle();
  expect(stage.take()).toEqual(['-trapping']);
  expect(seen).toEqual([exitReason.killed]);
  expect(await plain[0]?.exited).toEqual(exitReason.killed);
});

test('S83 stop ends with the reason that is given, by default normal, and resolves when all is gone', async () => {
  const first = await staged([{ id: 'a' }]);
  await first.supervisor.stop();
  expect(await first.supervisor.exited).toEqual(exitReason.normal);
  const second = await staged([{ id: 'a' }]);
  await second.supervisor.stop(exitReason.shutdownWith('deploy'));
  expect(await second.supervisor.exited).toEqual(exitReason.shutdownWith('deploy'));
});

test('S83 stop of a dead supervisor is noproc, and so is every other request', async () => {
  const { supervisor } = await staged([]);
  await supervisor.stop();
  expect(await refusal(supervisor.stop())).toBe('noproc');
  expect(await refusal(supervisor.countChildren())).toBe('noproc');
  expect(await refusal(supervisor.startChild({ id: 'x', start: idle }))).toBe('noproc');
});

test('S83 stop gives up waiting after its timeout while the stop goes on', async () => {
  const stage = new Stage();
  const { clock, supervisor } = await staged([{ id: 'a', shutdown: 1000, start: stage.child('a', hanging) }]);
  const stopping = refusal(supervisor.stop(exitReason.normal, { timeoutMs: 100 }));
  await clock.advance(100);
  expect(await stopping).toBe('timeout');
  expect(supervisor.alive).toBe(true);
  await clock.advance(900);
  expect(supervisor.alive).toBe(false);
});

test('S83 a stop that ends otherwise fails with that reason', async () => {
  const stage = new Stage();
  const { supervisor } = await staged([{ id: 'a', shutdown: 'infinity', start: stage.child('a', hanging) }]);
  const stopping = refusal(supervisor.stop());
  await settle();
  supervisor.exit(exitReason.killed);
  expect(await stopping).toBe('killed');
});

test('requests that wait when the supervisor ends fail with its exit reason', async () => {
  const { supervisor } = await staged([{ id: 'a' }]);
  const stopping = supervisor.stop();
  const counting = refusal(supervisor.countChildren());
  await stopping;
  expect(await counting).toBe('normal');
});

test('the report names what had to be killed at every level', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const sub = (self: Process): Promise<Process> =>
    startSupervisor({
      parent: self,
      clock,
      children: [
        { id: 'leaf', shutdown: 50, start: stage.child('leaf', hanging) },
        { id: 'good', start: idle },
      ],
    });
  const supervisor = await startSupervisor({
    clock,
    children: [
      { id: 'late', shutdown: 10, start: stage.child('late', hanging) },
      { id: 'sub', type: 'supervisor', start: sub },
    ],
  });
  const stopping = supervisor.stop();
  await clock.advance(60);
  expect(await stopping).toEqual({
    reason: exitReason.normal,
    killed: [
      { path: 'sub/leaf', reason: exitReason.killed },
      { path: 'late', reason: exitReason.killed },
    ],
    failed: [],
  });
  expect(supervisor.stopReport?.killed).toHaveLength(2);
});

test('a parallel stop tells all children at once', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const supervisor = await startSupervisor({
    clock,
    stopOrder: 'parallel',
    children: ['a', 'b'].map((id) => ({ id, shutdown: 100, start: stage.child(id, hanging) })),
  });
  stage.take();
  const stopping = supervisor.stop();
  await clock.advance(100);
  expect(stage.take()).toEqual(['-a', '-b']);
  expect((await stopping).killed.map(({ path }) => path)).toEqual(['a', 'b']);
});

test('a deadline bounds the whole stop, however long the children may take, and the report is complete', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const sub = (self: Process): Promise<Process> =>
    startSupervisor({
      parent: self,
      clock,
      children: ['x', 'y'].map((id) => ({ id, shutdown: 'infinity', start: stage.child(id, hanging) })),
    });
  const supervisor = await startSupervisor({
    clock,
    children: [
      { id: 'a', start: stage.child('a', hanging) },
      { id: 'sub', type: 'supervisor', start: sub },
    ],
  });
  const stopping = supervisor.stop(exitReason.shutdown, { deadlineMs: 1000 });
  await clock.advance(1000);
  expect((await stopping).killed.map(({ path }) => path)).toEqual(['sub/y', 'sub/x', 'a']);
  expect(supervisor.alive).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test('a deadline spares what is only linked: the registry that holds the name of the supervisor', async () => {
  const clock = new ManualClock();
  const registry = await startRegistry({ keys: 'unique' });
  const supervisor = await startSupervisor({ clock, name: { registry, key: 'top' } });
  void supervisor
    .startChild({ id: 'stuck', startTimeoutMs: 50, start: () => new Promise<never>(() => {}) })
    .catch(() => {});
  void supervisor.startChild({ id: 'stuck', start: () => new Promise<never>(() => {}) }).catch(() => {});
  const stopping = supervisor.stop(exitReason.shutdown, { deadlineMs: 100 });
  await clock.advance(100);
  await stopping;
  expect(supervisor.alive).toBe(false);
  expect(registry.alive).toBe(true);
});

test('a deadline also ends a supervisor that hangs in the start of a child', async () => {
  const clock = new ManualClock();
  const supervisor = await startSupervisor({ clock, label: 'top' });
  let stuck: Process | undefined;
  const starting = failure(
    supervisor.startChild({
      id: 'stuck',
      start: (self) =>
        spawn({
          parent: self,
          trapExit: true,
          init: ({ process }) => {
            stuck = process;
            return new Promise<void>(() => {});
          },
        }),
    }),
  );
  const stopping = supervisor.stop(exitReason.shutdown, { deadlineMs: 100 });
  await clock.advance(100);
  expect(await stopping).toEqual({
    reason: exitReason.killed,
    killed: [{ path: 'top', reason: exitReason.killed }],
    failed: [],
  });
  expect(stuck?.alive).toBe(false);
  expect(await starting).toMatchObject({ details: { reason: 'killed' } });
});

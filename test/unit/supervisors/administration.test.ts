import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  exitReason,
  IGNORE,
  type Process,
  spawn,
  startDynamicSupervisor,
  startSupervisor,
  type Supervisor,
} from '../../../supervisors/index.js';
import { boom, failingAfter, idle, refusal, Stage } from './fixtures.js';

/** A supervisor with one running child `a` and one child `r` that waits to be restarted. */
async function withRestarting(): Promise<{ supervisor: Supervisor; clock: ManualClock; starts: () => number }> {
  const clock = new ManualClock();
  const start = failingAfter(1);
  let starts = 0;
  const counted = (self: Process): Promise<Process> => {
    starts += 1;
    return start(self);
  };
  const supervisor = await startSupervisor({
    clock,
    maxRestarts: 1000,
    backoff: { baseMs: 1000, capMs: 1000, jitter: 'none' },
    children: [
      { id: 'a', start: idle },
      { id: 'r', start: counted },
    ],
  });
  const [r] = await supervisor.whichChildren();
  if (typeof r?.process === 'object') r.process.exit(exitReason.killed);
  await settle();
  return { supervisor, clock, starts: () => starts };
}

test('S52 terminateChild stops a child and keeps its spec; again it is still fine', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({ maxRestarts: 0, children: [{ id: 'a', start: stage.child('a') }] });
  await supervisor.terminateChild('a');
  await supervisor.terminateChild('a');
  expect(stage.take()).toEqual(['+a', '-a']);
  expect(await supervisor.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
});

test('S52 terminateChild forgets a temporary child, and an unknown one is not_found', async () => {
  const supervisor = await startSupervisor({ children: [{ id: 'a', restart: 'temporary', start: idle }] });
  await supervisor.terminateChild('a');
  expect(await supervisor.whichChildren()).toEqual([]);
  expect(await refusal(supervisor.terminateChild('a'))).toBe('not_found');
});

test('S52 a static supervisor knows its children by id, not by process', async () => {
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: idle }] });
  const [a] = await supervisor.whichChildren();
  expect(await refusal(supervisor.terminateChild(a?.process ?? 'none'))).toBe('not_found');
});

test('S53 a dynamic supervisor knows its children by process; a dead or unknown one is not_found', async () => {
  const supervisor = await startDynamicSupervisor();
  const child = await supervisor.startChild({ restart: 'temporary', start: idle });
  if (child === IGNORE) throw new Error('ignored');
  await supervisor.terminateChild(child);
  expect(child.alive).toBe(false);
  expect(await refusal(supervisor.terminateChild(child))).toBe('not_found');
  expect(await refusal(supervisor.terminateChild(await spawn({})))).toBe('not_found');
});

test('a dynamic child is found by the id of its spec as well, the first that has it', async () => {
  const supervisor = await startDynamicSupervisor();
  const first = await supervisor.startChild({ id: 'x', start: idle });
  await supervisor.startChild({ id: 'x', start: idle });
  await supervisor.startChild({ start: idle });
  await supervisor.terminateChild('x');
  expect(first !== IGNORE && first.alive).toBe(false);
  expect(await supervisor.countChildren()).toMatchObject({ specs: 2 });
  expect(await refusal(supervisor.terminateChild('y'))).toBe('not_found');
});

test('S53 a dynamic child that waits for a restart is terminated by its last process', async () => {
  const clock = new ManualClock();
  const supervisor = await startDynamicSupervisor({ clock, backoff: { baseMs: 100, capMs: 100, jitter: 'none' } });
  const child = await supervisor.startChild({ start: failingAfter(1) });
  if (child === IGNORE) throw new Error('ignored');
  child.exit(exitReason.killed);
  await settle();
  expect(await supervisor.whichChildren()).toMatchObject([{ process: 'restarting' }]);
  await supervisor.terminateChild(child);
  expect(await supervisor.whichChildren()).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test('S54 restartChild starts a child that does not run, in its place', async () => {
  const supervisor = await startSupervisor({
    children: [
      { id: 'a', start: idle },
      { id: 'b', start: idle },
    ],
  });
  await supervisor.terminateChild('a');
  const again = await supervisor.restartChild('a');
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'b' }, { id: 'a', process: again }]);
});

test('S54 restartChild and deleteChild are refused while the child runs, restarts or is unknown', async () => {
  const { supervisor } = await withRestarting();
  for (const [id, reason] of [
    ['a', 'running'],
    ['r', 'restarting'],
    ['none', 'not_found'],
  ] as const) {
    expect(await refusal(supervisor.restartChild(id))).toBe(reason);
    expect(await refusal(supervisor.deleteChild(id))).toBe(reason);
  }
});

test('S54 deleteChild forgets a child that does not run: its id is free again', async () => {
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: idle }] });
  await supervisor.terminateChild('a');
  await supervisor.deleteChild('a');
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
  expect(await supervisor.startChild({ id: 'a', start: idle })).toBeDefined();
});

test('S54 a failed restartChild keeps the spec without a process, is not retried and costs nothing', async () => {
  let starts = 0;
  const start = failingAfter(1);
  const supervisor = await startSupervisor({
    maxRestarts: 0,
    children: [
      {
        id: 'a',
        start: (self) => {
          starts += 1;
          return start(self);
        },
      },
    ],
  });
  await supervisor.terminateChild('a');
  expect(await refusal(supervisor.restartChild('a'))).toBe('failed_to_start_child');
  await settle();
  expect(starts).toBe(2);
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'a', process: undefined }]);
});

test('S54 a restartChild that is ignored resolves with nothing', async () => {
  let ignoring = false;
  const supervisor = await startSupervisor({
    children: [{ id: 'a', start: (self) => (ignoring ? IGNORE : idle(self)) }],
  });
  await supervisor.terminateChild('a');
  ignoring = true;
  expect(await supervisor.restartChild('a')).toBeUndefined();
});

test('S55 terminateChild ends the restart loop: the pending attempt finds nothing to do', async () => {
  const { supervisor, clock, starts } = await withRestarting();
  const before = starts();
  await supervisor.terminateChild('r');
  await clock.advance(100_000);
  expect(starts()).toBe(before);
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'r', process: undefined, status: 'down' },
    { id: 'a' },
  ]);
  expect(clock.pendingTimers).toBe(0);
});

test('S55 also without a delay between the attempts', async () => {
  const supervisor = await startSupervisor({ maxRestarts: 1_000_000, children: [{ id: 'r', start: failingAfter(1) }] });
  const [r] = await supervisor.whichChildren();
  if (typeof r?.process === 'object') r.process.exit(exitReason.killed);
  await supervisor.whichChildren();
  await supervisor.terminateChild('r');
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'r', process: undefined, status: 'down' }]);
});

test('S56 whichChildren lists the child started last first, with process, type and state', async () => {
  const { supervisor } = await withRestarting();
  const sub = await supervisor.startChild({
    id: 'sub',
    type: 'supervisor',
    start: (self) => startSupervisor({ parent: self }),
  });
  const listed = await supervisor.whichChildren();
  expect(listed).toMatchObject([
    { id: 'sub', process: sub, type: 'supervisor', status: 'running' },
    { id: 'r', process: 'restarting', type: 'worker', status: 'restarting' },
    { id: 'a', type: 'worker', status: 'running' },
  ]);
});

test('S57 countChildren counts specs, really living processes, supervisors and workers', async () => {
  const { supervisor } = await withRestarting();
  await supervisor.startChild({ id: 'sub', type: 'supervisor', start: (self) => startSupervisor({ parent: self }) });
  await supervisor.terminateChild('sub');
  expect(await supervisor.countChildren()).toEqual({ specs: 3, active: 1, supervisors: 1, workers: 2 });
});

test('S57 a dynamic supervisor counts its children as specs', async () => {
  const supervisor = await startDynamicSupervisor();
  await supervisor.startChild({ start: idle });
  await supervisor.startChild({ type: 'supervisor', start: (self) => startDynamicSupervisor({ parent: self }) });
  expect(await supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 });
});

test('S58 a child that unlinked itself and died is not noticed until it is terminated', async () => {
  const stage = new Stage();
  const supervisor = await startSupervisor({ children: [{ id: 'a', start: stage.child('a') }] });
  const a = stage.process('a');
  a.unlink(supervisor);
  a.exit(exitReason.killed);
  await settle();
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'a', process: a }]);
  expect(await supervisor.countChildren()).toMatchObject({ specs: 1, active: 0 });
  await supervisor.terminateChild('a');
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'a', process: undefined }]);
});

test('S64 a dynamic supervisor at its limit refuses with max_children', async () => {
  const supervisor = await startDynamicSupervisor({ maxChildren: 1 });
  const child = await supervisor.startChild({ start: idle });
  expect(await refusal(supervisor.startChild({ start: idle }))).toBe('max_children');
  if (child !== IGNORE) await supervisor.terminateChild(child);
  expect(await supervisor.startChild({ start: idle })).not.toBe(IGNORE);
});

test('S64 children that wait for a restart count against the limit', async () => {
  const clock = new ManualClock();
  const supervisor = await startDynamicSupervisor({
    clock,
    maxChildren: 1,
    backoff: { baseMs: 100, capMs: 100, jitter: 'none' },
  });
  const child = await supervisor.startChild({ start: failingAfter(1) });
  if (child !== IGNORE) child.exit(boom);
  await settle();
  expect(await refusal(supervisor.startChild({ start: idle }))).toBe('max_children');
});

test('a dynamic supervisor restarts its children one by one, and forgets those that are not to come back', async () => {
  const stage = new Stage();
  const supervisor = await startDynamicSupervisor({ maxRestarts: 2 });
  for (const restart of ['permanent', 'transient', 'temporary'] as const)
    await supervisor.startChild({ id: restart, restart, start: stage.child(restart) });
  stage.take();
  stage.end('permanent', exitReason.normal);
  stage.end('transient', exitReason.normal);
  stage.end('temporary', boom);
  await settle();
  expect(stage.take()).toEqual(['-permanent', '-transient', '-temporary', '+permanent']);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['permanent']);
  stage.kill('permanent');
  await settle();
  stage.kill('permanent');
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

import { expect, test } from 'vitest';
import type { Random } from '../../../src/kernel/clock.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  type ChildSpec,
  exitReason,
  type Process,
  type StaticSupervisorFlags,
  startDynamicSupervisor,
  startSupervisor,
  type Supervisor,
  type SupervisorEvent,
} from '../../../supervisors/index.js';
import { boom, idle, Stage } from './fixtures.js';

interface Staged {
  readonly stage: Stage;
  readonly clock: ManualClock;
  readonly supervisor: Supervisor;
  readonly events: SupervisorEvent[];
  crash(name: string): Promise<void>;
}

async function staged(
  flags: Omit<StaticSupervisorFlags, 'children'>,
  specs: readonly (Partial<ChildSpec> & { id: string })[] = [{ id: 'a' }, { id: 'b' }],
): Promise<Staged> {
  const stage = new Stage();
  const clock = new ManualClock();
  const events: SupervisorEvent[] = [];
  const children = specs.map((spec) => ({ start: stage.child(spec.id), ...spec }));
  const onEvent = (event: SupervisorEvent): void => void events.push(event);
  const supervisor = await startSupervisor({ label: 'top', clock, onEvent, ...flags, children });
  await settle();
  stage.take();
  events.length = 0;
  const crash = async (name: string): Promise<void> => {
    stage.kill(name);
    await settle();
  };
  return { stage, clock, supervisor, events, crash };
}

const drawing = (...draws: number[]): Random => ({ next: () => draws.shift() ?? 0, token: () => 't', uuid: () => 'u' });

test('backoff: the first restart is immediate, the next ones wait longer and longer', async () => {
  const { stage, clock, crash } = await staged({
    maxRestarts: 10,
    backoff: { baseMs: 100, capMs: 1000, jitter: 'none' },
  });
  await crash('a');
  expect(stage.take()).toEqual(['+a']);
  for (const waitMs of [100, 200, 400]) {
    await crash('a');
    await clock.advance(waitMs - 1);
    expect(stage.take()).toEqual([]);
    await clock.advance(1);
    expect(stage.take()).toEqual(['+a']);
  }
});

test('backoff: the wait is drawn with full jitter from the injected random numbers', async () => {
  const { stage, clock, events, crash } = await staged({
    maxRestarts: 10,
    random: drawing(0, 0.5),
    backoff: { baseMs: 100, capMs: 1000 },
  });
  await crash('a');
  await crash('a');
  expect(events.filter(({ type }) => type === 'child.restart_scheduled')).toEqual([
    { type: 'child.restart_scheduled', supervisor: 'top', childId: 'a', delayMs: 50, attempt: 2 },
  ]);
  stage.take();
  await clock.advance(50);
  expect(stage.take()).toEqual(['+a']);
});

test('backoff: a healthy life makes the next restart a first one again', async () => {
  const { stage, clock, crash } = await staged({
    maxRestarts: 100,
    backoff: { baseMs: 100, capMs: 400, healthyMs: 5000, jitter: 'none' },
  });
  await crash('a');
  await crash('a');
  await clock.advance(100);
  await clock.advance(5000);
  stage.take();
  await crash('a');
  expect(stage.take()).toEqual(['+a']);
});

test('backoff: while a child waits, it is restarting, its siblings go on and requests are served', async () => {
  const { clock, supervisor, crash } = await staged({ backoff: { baseMs: 100, capMs: 100, jitter: 'none' } });
  await crash('a');
  await crash('a');
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'b', status: 'running' },
    { id: 'a', process: 'restarting', status: 'restarting' },
  ]);
  await supervisor.stop();
  expect(clock.pendingTimers).toBe(0);
});

test('backoff: a killed supervisor leaves no timer behind', async () => {
  const { clock, supervisor, crash } = await staged({ backoff: { baseMs: 100, capMs: 100, jitter: 'none' } });
  await crash('a');
  await crash('a');
  expect(clock.pendingTimers).toBe(1);
  supervisor.exit(exitReason.killed);
  expect(clock.pendingTimers).toBe(0);
});

test('backoff: a slow crash loop still reaches the limit', async () => {
  const { clock, supervisor, crash } = await staged({
    maxRestarts: 5,
    withinMs: 1000,
    backoff: { baseMs: 500, capMs: 8000, healthyMs: 60_000, jitter: 'none' },
  });
  // Each life ends as it begins; without the rule, the growing waits would carry every attempt out of the window.
  for (const waitMs of [0, 500, 1000, 2000, 4000]) {
    await crash('a');
    await clock.advance(waitMs);
    expect(supervisor.alive).toBe(true);
  }
  await crash('a');
  expect(supervisor.alive).toBe(false);
});

test('backoff: a group restart waits as a whole', async () => {
  const { stage, clock, crash } = await staged({
    strategy: 'one_for_all',
    backoff: { baseMs: 100, capMs: 100, jitter: 'none' },
  });
  await crash('a');
  stage.take();
  await crash('a');
  expect(stage.take()).toEqual([]);
  await clock.advance(100);
  expect(stage.take()).toEqual(['-b', '+a', '+b']);
});

test('budget: a child may have one of its own, besides the one of the supervisor', async () => {
  const { supervisor, crash } = await staged({ maxRestarts: 100 }, [
    { id: 'fragile', budget: { maxRestarts: 1, withinMs: 1000 } },
    { id: 'robust' },
  ]);
  for (let crashes = 0; crashes < 10; crashes += 1) await crash('robust');
  await crash('fragile');
  expect(supervisor.alive).toBe(true);
  await crash('fragile');
  expect(supervisor.alive).toBe(false);
});

const breaker = { openMs: 1000, maxOpenMs: 4000, healthyMs: 500 };

test('breaker: a child that keeps failing is left alone for a while; its siblings and the budget are not touched', async () => {
  const { stage, clock, supervisor, events, crash } = await staged({ maxRestarts: 2 }, [
    { id: 'a', breaker },
    { id: 'b' },
  ]);
  for (let crashes = 0; crashes < 3; crashes += 1) await crash('a');
  expect(stage.take()).toEqual(['+a', '+a']);
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'b' },
    { id: 'a', status: 'restarting', breaker: 'open' },
  ]);
  await crash('b');
  await crash('b');
  expect(supervisor.alive).toBe(true);
  stage.take();
  await clock.advance(1000);
  expect(stage.take()).toEqual(['+a']);
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'b' },
    { id: 'a', status: 'running', breaker: 'half_open' },
  ]);
  await clock.advance(500);
  expect(await supervisor.whichChildren()).toMatchObject([{ id: 'b' }, { id: 'a', breaker: 'closed' }]);
  expect(events.flatMap((event) => (event.type === 'child.breaker' ? [event.state] : []))).toEqual([
    'open',
    'half_open',
    'closed',
  ]);
});

test('breaker: a probe that fails opens it again for longer, and a closed breaker starts afresh', async () => {
  const { stage, clock, supervisor, crash } = await staged({}, [
    { id: 'a', breaker, budget: { maxRestarts: 0, withinMs: 1000 } },
  ]);
  await crash('a');
  for (const openMs of [1000, 2000, 4000, 4000]) {
    await clock.advance(openMs - 1);
    expect(stage.take()).toEqual([]);
    await clock.advance(1);
    expect(stage.take()).toEqual(['+a']);
    await crash('a');
  }
  await clock.advance(4000);
  await clock.advance(500);
  stage.take();
  await crash('a');
  await clock.advance(1000);
  expect(stage.take()).toEqual(['+a']);
  await supervisor.stop();
  expect(clock.pendingTimers).toBe(0);
});

test('breaker: terminateChild and restartChild take an open one over', async () => {
  const { clock, supervisor, crash } = await staged({}, [
    { id: 'a', breaker, budget: { maxRestarts: 0, withinMs: 1 } },
  ]);
  await crash('a');
  await supervisor.terminateChild('a');
  expect(clock.pendingTimers).toBe(0);
  await supervisor.restartChild('a');
  expect(await supervisor.whichChildren()).toMatchObject([{ status: 'running' }]);
});

test('breaker: a dynamic child may have one', async () => {
  const clock = new ManualClock();
  const stage = new Stage();
  const supervisor = await startDynamicSupervisor({ clock, maxRestarts: 0 });
  await supervisor.startChild({ breaker, start: stage.child('a') });
  stage.kill('a');
  await settle();
  expect(await supervisor.whichChildren()).toMatchObject([{ breaker: 'open' }]);
  await clock.advance(1000);
  expect(stage.take()).toEqual(['+a', '+a']);
});

test('escalation: by default a supervisor that gives up says shutdown and nothing else', async () => {
  const { supervisor, crash } = await staged({ maxRestarts: 0 });
  await crash('a');
  expect(await supervisor.exited).toEqual({ type: 'shutdown' });
});

test('escalation: detailed keeps the cause in a reason that is still clean', async () => {
  const { stage, supervisor } = await staged({ maxRestarts: 0, escalation: 'detailed', historySize: 1 });
  stage.end('a', boom);
  expect(await supervisor.exited).toMatchObject({
    type: 'shutdown',
    detail: { reason: 'max_intensity', childId: 'a', lastReason: boom, history: [{ reason: boom }] },
  });
});

test('escalation: abnormal brings even a transient supervisor back', async () => {
  const stage = new Stage();
  const sub = (self: Process): Promise<Process> =>
    startSupervisor({
      parent: self,
      maxRestarts: 0,
      escalation: 'abnormal',
      children: [{ id: 'leaf', start: stage.child('leaf') }],
    });
  await startSupervisor({ children: [{ id: 'sub', type: 'supervisor', restart: 'transient', start: sub }] });
  stage.kill('leaf');
  await settle();
  expect(stage.take()).toEqual(['+leaf', '+leaf']);
});

test('history: the last lives of each child are remembered, with reason, wait and attempt', async () => {
  const { stage, clock, supervisor } = await staged({
    maxRestarts: 10,
    historySize: 2,
    backoff: { baseMs: 100, capMs: 100, healthyMs: 10_000, jitter: 'none' },
  });
  const bornAtMs = clock.nowMs();
  for (const reason of [boom, exitReason.killed, exitReason.normal]) {
    await clock.advance(10);
    stage.end('a', reason);
    await clock.advance(100);
  }
  const [, a] = await supervisor.whichChildren();
  expect(a?.restarts).toBe(3);
  expect(a?.history).toEqual([
    { startedAtMs: bornAtMs + 10, endedAtMs: bornAtMs + 120, reason: exitReason.killed, delayMs: 0, attempt: 1 },
    { startedAtMs: bornAtMs + 220, endedAtMs: bornAtMs + 230, reason: exitReason.normal, delayMs: 100, attempt: 2 },
  ]);
});

test('events: what happens to a child is told in order, off the path of the supervisor', async () => {
  const { stage, events } = await staged({ maxRestarts: 1 }, [{ id: 'a' }]);
  stage.end('a', boom);
  await settle();
  stage.end('a', boom);
  await settle();
  expect(events.map(({ type, supervisor, childId }) => [type, supervisor, childId])).toEqual([
    ['child.exited', 'top', 'a'],
    ['child.restarted', 'top', 'a'],
    ['child.exited', 'top', 'a'],
    ['child.gave_up', 'top', 'a'],
  ]);
});

test('events: a failed restart and an auto-shutdown are told', async () => {
  let starts = 0;
  const stage = new Stage();
  const start = stage.child('a');
  const { events } = await staged({ autoShutdown: 'any_significant' }, [
    {
      id: 'a',
      restart: 'transient',
      significant: true,
      start: (self: Process) => {
        starts += 1;
        if (starts === 2) throw new Error('once');
        return start(self);
      },
    },
  ]);
  stage.end('a', boom);
  await settle();
  stage.end('a', exitReason.normal);
  await settle();
  expect(events.map(({ type }) => type)).toEqual([
    'child.exited',
    'child.restart_failed',
    'child.restarted',
    'child.exited',
    'supervisor.auto_shutdown',
  ]);
});

test('events: a listener that throws or rejects hurts nobody', async () => {
  const stage = new Stage();
  let heard = 0;
  const supervisor = await startSupervisor({
    onEvent: () => {
      heard += 1;
      if (heard % 2 === 0) throw new Error('a bad listener');
      return Promise.reject(new Error('a bad asynchronous listener'));
    },
    children: [
      { id: 'a', start: stage.child('a') },
      { id: 'b', start: idle },
    ],
  });
  stage.kill('a');
  await settle();
  expect(heard).toBe(4);
  expect(await supervisor.countChildren()).toMatchObject({ active: 2 });
});

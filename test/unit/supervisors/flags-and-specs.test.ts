import { expect, test } from 'vitest';
import {
  IGNORE,
  startDynamicSupervisor,
  startPartitionSupervisor,
  startSupervisor,
} from '../../../supervisors/index.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { failure, idle, refusal, Stage } from './fixtures.js';

/** Flags and specs as a program without types would pass them. */
const untyped = (value: unknown): never => value as never;

test('S12 the default is three restarts within five seconds, one_for_one', async () => {
  const stage = new Stage();
  const clock = new ManualClock();
  const supervisor = await startSupervisor({
    clock,
    children: [
      { id: 'a', start: stage.child('a') },
      { id: 'b', start: stage.child('b') },
    ],
  });
  for (let crash = 0; crash < 3; crash += 1) {
    stage.kill('a');
    await settle();
  }
  expect(stage.take()).toEqual(['+a', '+b', '+a', '+a', '+a']);
  await clock.advance(5001);
  stage.kill('a');
  await settle();
  expect(supervisor.alive).toBe(true);
});

test.for([
  ['invalid_intensity', { maxRestarts: -1 }],
  ['invalid_intensity', { maxRestarts: 1.5 }],
  ['invalid_intensity', { maxRestarts: 'many' }],
  ['invalid_period', { withinMs: 0 }],
  ['invalid_period', { withinMs: Number.NaN }],
  ['invalid_period', { withinMs: '5s' }],
  ['invalid_strategy', { strategy: 'simple_one_for_one' }],
  ['invalid_auto_shutdown', { autoShutdown: 'sometimes' }],
  ['invalid_type', null],
  ['invalid_backoff', { backoff: { baseMs: 10, capMs: 5 } }],
  ['invalid_history_size', { historySize: -1 }],
  ['invalid_escalation', { escalation: 'loud' }],
  ['invalid_stop_order', { stopOrder: 'random' }],
] as const)('S13 a wrong flag fails the start with %s', async ([reason, flags]) => {
  const error = await failure(startSupervisor(untyped(flags)));
  expect(error).toMatchObject({ code: 'invalid_argument', details: { reason } });
});

test('S13 unknown flags are ignored', async () => {
  const supervisor = await startSupervisor(untyped({ colour: 'red' }));
  expect(supervisor.alive).toBe(true);
});

test('S14 children are permanent workers that may take five seconds to end, supervisors take any time', async () => {
  const clock = new ManualClock();
  const hang = { terminate: () => new Promise(() => {}) };
  const stage = new Stage();
  const supervisor = await startSupervisor({
    clock,
    children: [
      { id: 'patient', type: 'supervisor', start: stage.child('patient', hang) },
      { id: 'worker', start: stage.child('worker', hang) },
    ],
  });
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'worker', type: 'worker' },
    { id: 'patient', type: 'supervisor' },
  ]);
  void supervisor.stop();
  await clock.advance(4999);
  expect(stage.process('worker').alive).toBe(true);
  await clock.advance(1);
  expect(stage.process('worker').alive).toBe(false);
  await clock.advance(1_000_000);
  expect(stage.process('patient').alive).toBe(true);
});

test('S14 an id may be any value', async () => {
  const key = { shard: 1 };
  const supervisor = await startSupervisor({
    children: [
      { id: key, start: idle },
      { id: 0, start: idle },
      { id: Symbol('s'), start: idle },
    ],
  });
  await supervisor.terminateChild(key);
  expect((await supervisor.countChildren()).active).toBe(2);
});

test.for([
  ['invalid_child_spec', 'not a spec'],
  ['missing_id', { start: idle }],
  ['missing_start', { id: 'x' }],
  ['invalid_child_spec', { id: 'x', start: 'soon' }],
  ['invalid_restart_type', { id: 'x', start: idle, restart: 'often' }],
  ['invalid_shutdown', { id: 'x', start: idle, shutdown: -1 }],
  ['invalid_shutdown', { id: 'x', start: idle, shutdown: 'slowly' }],
  ['invalid_child_type', { id: 'x', start: idle, type: 'manager' }],
  ['invalid_significant', { id: 'x', start: idle, significant: 'very' }],
  ['invalid_start_timeout', { id: 'x', start: idle, startTimeoutMs: 0 }],
  ['invalid_backoff', { id: 'x', start: idle, backoff: { baseMs: 0, capMs: 1 } }],
  ['invalid_budget', { id: 'x', start: idle, budget: { maxRestarts: 1 } }],
  ['invalid_breaker', { id: 'x', start: idle, breaker: { openMs: 1 } }],
] as const)(
  'S15 a wrong spec fails with %s before any child starts, and startChild refuses it too',
  async ([reason, spec]) => {
    const stage = new Stage();
    const first = { id: 'first', start: stage.child('first') };
    expect(await refusal(startSupervisor({ children: [first, untyped(spec)] }))).toBe(reason);
    expect(stage.log).toEqual([]);
    const supervisor = await startSupervisor({});
    expect(await refusal(supervisor.startChild(untyped(spec)))).toBe(reason);
    expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
  },
);

test('S15 two specs with one id fail with duplicate_child_name', async () => {
  const specs = [
    { id: 'x', start: idle },
    { id: 'x', start: idle },
  ];
  expect(await refusal(startSupervisor({ children: specs }))).toBe('duplicate_child_name');
});

test('S15 the error names the field, what was expected and the child', async () => {
  const error = await failure(startSupervisor({ children: [untyped({ id: 'x', start: idle, restart: 'often' })] }));
  expect(error).toMatchObject({
    message: 'the spec of child x: restart: expected permanent, transient or temporary, got "often"',
    details: { field: 'restart', childId: 'x' },
  });
});

test('S15 a shutdown of 0 is legal', async () => {
  const clock = new ManualClock();
  const supervisor = await startSupervisor({ clock, children: [{ id: 'x', start: idle, shutdown: 0 }] });
  await supervisor.stop();
  expect(clock.pendingTimers).toBe(0);
});

test.for([
  [{ autoShutdown: 'never' }, { restart: 'transient' }],
  [{ autoShutdown: 'any_significant' }, { restart: 'permanent' }],
] as const)(
  'S16 a significant child is a bad_combination with %o and %o, at the start and later',
  async ([flags, spec]) => {
    const child = { id: 'x', start: idle, significant: true, ...spec };
    expect(await refusal(startSupervisor({ ...flags, children: [child] }))).toBe('bad_combination');
    const supervisor = await startSupervisor(flags);
    expect(await refusal(supervisor.startChild(child))).toBe('bad_combination');
  },
);

test('S16 dynamic and partition supervisors take no significant children', async () => {
  const dynamic = await startDynamicSupervisor();
  expect(await refusal(dynamic.startChild(untyped({ start: idle, significant: true, restart: 'transient' })))).toBe(
    'bad_combination',
  );
});

test('S17 a template is a function: every child of a dynamic supervisor has its own spec and arguments', async () => {
  const supervisor = await startDynamicSupervisor();
  const seen: string[] = [];
  const worker = (name: string) => ({
    start: (self: Parameters<typeof idle>[0]) => {
      seen.push(name);
      return idle(self);
    },
  });
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
  await supervisor.startChild(worker('a'));
  const b = await supervisor.startChild(worker('b'));
  if (b !== IGNORE) b.exit({ type: 'killed' });
  await settle();
  expect(seen).toEqual(['a', 'b', 'b']);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual([undefined, undefined]);
});

test('a breaker is a bad_combination in a group strategy', async () => {
  const breaker = { openMs: 1, healthyMs: 1 };
  const children = [{ id: 'x', start: idle, breaker }];
  expect(await refusal(startSupervisor({ strategy: 'one_for_all', children }))).toBe('bad_combination');
  expect((await startSupervisor({ strategy: 'one_for_one', children })).alive).toBe(true);
});

test.for([
  ['invalid_strategy', () => startDynamicSupervisor(untyped({ strategy: 'one_for_all' }))],
  ['invalid_max_children', () => startDynamicSupervisor({ maxChildren: -1 })],
  ['invalid_max_children', () => startDynamicSupervisor({ maxChildren: 1.5 })],
  ['invalid_partitions', () => startPartitionSupervisor({ partitions: 0, start: idle })],
] as const)('the flags of dynamic and partition supervisors are checked: %s', async ([reason, start]) => {
  expect(await refusal(start())).toBe(reason);
});

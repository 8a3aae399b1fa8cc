import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import {
  type AutoShutdown,
  exitReason,
  type Process,
  type RestartType,
  type Strategy,
  startSupervisor,
  type Supervisor,
} from '../../../supervisors/index.js';
import { boom, Stage } from './fixtures.js';

async function staged(
  autoShutdown: AutoShutdown,
  restarts: Record<string, RestartType>,
  strategy: Strategy = 'one_for_one',
): Promise<{ stage: Stage; supervisor: Supervisor }> {
  const stage = new Stage();
  const supervisor = await startSupervisor({
    strategy,
    autoShutdown,
    children: Object.entries(restarts).map(([id, restart]) => ({
      id,
      restart,
      significant: restart !== 'permanent',
      start: stage.child(id),
    })),
  });
  stage.take();
  return { stage, supervisor };
}

test.for<[RestartType, typeof exitReason.normal | typeof boom]>([
  ['transient', exitReason.normal],
  ['temporary', boom],
  ['temporary', exitReason.normal],
])(
  'S59 any_significant: a %s significant child that ends with %j takes the supervisor along',
  async ([restart, reason]) => {
    const { stage, supervisor } = await staged('any_significant', { x: 'permanent', s: restart, y: 'permanent' });
    stage.end('s', reason);
    expect(await supervisor.exited).toEqual(exitReason.shutdown);
    expect(stage.take()).toEqual(['-s', '-y', '-x']);
  },
);

test('S60 all_significant: the last significant child takes the supervisor along', async () => {
  const { stage, supervisor } = await staged('all_significant', { s: 'transient', t: 'temporary', p: 'permanent' });
  stage.end('s', exitReason.normal);
  await settle();
  expect(supervisor.alive).toBe(true);
  stage.end('t', boom);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test('S60 all_significant: a child that was terminated on request counts as gone', async () => {
  const { stage, supervisor } = await staged('all_significant', { s: 'transient', t: 'transient' });
  await supervisor.terminateChild('s');
  expect(supervisor.alive).toBe(true);
  stage.end('t', exitReason.normal);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test('S61 a termination on request, an abnormal transient exit and a non-significant exit shut nothing down', async () => {
  const { stage, supervisor } = await staged('any_significant', { s: 'transient', t: 'temporary', p: 'permanent' });
  await supervisor.terminateChild('t');
  stage.end('s', boom);
  stage.end('p', exitReason.normal);
  await settle();
  expect(supervisor.alive).toBe(true);
});

test('S61 significant children that are stopped with their group shut nothing down', async () => {
  const { stage, supervisor } = await staged('any_significant', { s: 'temporary', p: 'permanent' }, 'one_for_all');
  stage.end('p', boom);
  await settle();
  expect(supervisor.alive).toBe(true);
  expect(stage.take()).toEqual(['-p', '-s', '+p']);
});

test.for<[RestartType, string[]]>([
  ['permanent', ['+leaf', '-leaf', '+leaf']],
  ['transient', ['+leaf', '-leaf']],
])('S62 an auto-shutdown is a clean exit: a %s sub-supervisor', async ([restart, log]) => {
  const stage = new Stage();
  const sub = (self: Process): Promise<Process> =>
    startSupervisor({
      parent: self,
      autoShutdown: 'any_significant',
      children: [{ id: 'leaf', restart: 'transient', significant: true, start: stage.child('leaf') }],
    });
  const parent = await startSupervisor({
    autoShutdown: 'any_significant',
    children: [{ id: 'sub', type: 'supervisor', restart, significant: restart === 'transient', start: sub }],
  });
  stage.end('leaf', exitReason.normal);
  await settle();
  expect(stage.take()).toEqual(log);
  expect(parent.alive).toBe(restart === 'permanent');
});

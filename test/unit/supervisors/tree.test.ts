import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { formatTree, startDynamicSupervisor, startSupervisor, type Supervisor } from '../../../supervisors/index.js';
import { failingAfter, idle, Stage } from './fixtures.js';

async function grove(): Promise<{ supervisor: Supervisor; stage: Stage }> {
  const stage = new Stage();
  const clock = new ManualClock();
  const supervisor = await startSupervisor({
    label: 'runtime',
    strategy: 'rest_for_one',
    clock,
    backoff: { baseMs: 100, capMs: 100, jitter: 'none' },
    maxRestarts: 10,
    children: [
      { id: 'store', start: stage.child('store') },
      {
        id: 'sessions',
        type: 'supervisor',
        start: async (self) => {
          const sessions = await startDynamicSupervisor({ parent: self });
          await sessions.startChild({ id: 'session:1', start: idle });
          await sessions.startChild({ id: 'session:2', start: idle });
          return sessions;
        },
      },
      { id: Symbol('odd'), start: idle },
      { id: 'gateway', start: failingAfter(1, stage.child('gateway')) },
    ],
  });
  return { supervisor, stage };
}

test('a tree as data: ids, types, states and restarts, nested, in start order', async () => {
  const { supervisor, stage } = await grove();
  stage.kill('store');
  await settle();
  await supervisor.terminateChild('gateway').catch(() => {});
  const tree = supervisor.tree();
  expect(tree).toMatchObject({ id: 'runtime', type: 'supervisor', status: 'alive', strategy: 'rest_for_one' });
  expect(tree.children?.map(({ id, type, status, restarts }) => [id, type, status, restarts])).toEqual([
    ['store', 'worker', 'alive', 1],
    ['sessions', 'supervisor', 'alive', 1],
    ['Symbol(odd)', 'worker', 'alive', 1],
    ['gateway', 'worker', 'down', 0],
  ]);
  expect(tree.children?.[1]?.children?.map(({ id }) => id)).toEqual(['session:1', 'session:2']);
});

test('a tree as text', async () => {
  const { supervisor, stage } = await grove();
  stage.kill('gateway');
  await settle();
  expect(formatTree(supervisor.tree())).toBe(
    [
      'runtime  rest_for_one',
      '├─ store',
      '├─ sessions  dynamic',
      '│  ├─ session:1',
      '│  └─ session:2',
      '├─ Symbol(odd)',
      '└─ gateway  restarting',
    ].join('\n'),
  );
});

test('the tree of a dead supervisor is down', async () => {
  const { supervisor } = await grove();
  await supervisor.stop();
  expect(supervisor.tree()).toMatchObject({ status: 'down' });
  expect(formatTree(supervisor.tree()).split('\n')[0]).toBe('runtime  rest_for_one, down');
});

test('a dynamic child without an id is shown by its process id', async () => {
  const supervisor = await startDynamicSupervisor({ label: 'pool' });
  const child = await supervisor.startChild({ start: idle });
  expect(formatTree(supervisor.tree())).toBe(`pool  dynamic\n└─ ${child === 'ignore' ? '' : child.id}`);
});

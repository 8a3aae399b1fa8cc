import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import {
  type ExitReason,
  exitReason,
  IGNORE,
  type Process,
  type RestartType,
  type Strategy,
  startSupervisor,
  type Supervisor,
} from '../../../supervisors/index.js';
import { boom, Stage } from './fixtures.js';

const STRATEGIES: readonly Strategy[] = ['one_for_one', 'one_for_all', 'rest_for_one'];

async function trio(strategy: Strategy, stage: Stage, restart: Record<string, RestartType> = {}): Promise<Supervisor> {
  const supervisor = await startSupervisor({
    strategy,
    maxRestarts: 100,
    children: ['a', 'b', 'c'].map((id) => ({ id, restart: restart[id] ?? 'permanent', start: stage.child(id) })),
  });
  stage.take();
  return supervisor;
}

const abnormal: readonly ExitReason[] = [boom, exitReason.killed, exitReason.noproc, exitReason.timeout];
const clean: readonly ExitReason[] = [exitReason.normal, exitReason.shutdown, exitReason.shutdownWith('done')];

test.for<[RestartType, readonly ExitReason[], boolean]>([
  ['permanent', clean, true],
  ['permanent', abnormal, true],
  ['transient', clean, false],
  ['transient', abnormal, true],
  ['temporary', clean, false],
  ['temporary', abnormal, false],
])('S26 a %s child that ends with %j is restarted: %s', async ([restart, reasons, restarted]) => {
  for (const reason of reasons) {
    const stage = new Stage();
    const supervisor = await trio('one_for_one', stage, { b: restart });
    stage.end('b', reason);
    await settle();
    expect(stage.take()).toEqual(restarted ? ['-b', '+b'] : ['-b']);
    const statuses = (await supervisor.whichChildren()).map(({ id, status }) => `${String(id)} ${status}`);
    if (restart === 'temporary') expect(statuses).toEqual(['c running', 'a running']);
    else expect(statuses).toEqual(['c running', restarted ? 'b running' : 'b down', 'a running']);
  }
});

test('S27 one_for_one restarts the child alone, in its place', async () => {
  const stage = new Stage();
  const supervisor = await trio('one_for_one', stage);
  stage.kill('b');
  await settle();
  expect(stage.take()).toEqual(['+b']);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

test('S28 one_for_all stops the others in reverse order, then starts all in order', async () => {
  const stage = new Stage();
  await trio('one_for_all', stage);
  stage.kill('b');
  await settle();
  expect(stage.take()).toEqual(['-c', '-a', '+a', '+b', '+c']);
});

test('S29 rest_for_one restarts the child and those after it; the earlier ones are not touched', async () => {
  const stage = new Stage();
  await trio('rest_for_one', stage);
  stage.kill('b');
  await settle();
  expect(stage.take()).toEqual(['-c', '+b', '+c']);
});

test.for(STRATEGIES)(
  'S30 under %s an exit that is not to be restarted does not touch the siblings',
  async (strategy) => {
    const stage = new Stage();
    await trio(strategy, stage, { a: 'temporary', b: 'transient' });
    stage.end('a', boom);
    stage.end('b', exitReason.normal);
    await settle();
    expect(stage.take()).toEqual(['-a', '-b']);
  },
);

test.for<[Strategy, string[]]>([
  ['one_for_all', ['-c', '-b', '+a', '+c']],
  ['rest_for_one', ['-c', '-b', '+a', '+c']],
])('S31 under %s temporary siblings are stopped with the group and forgotten', async ([strategy, log]) => {
  const stage = new Stage();
  const supervisor = await trio(strategy, stage, { b: 'temporary' });
  stage.kill('a');
  await settle();
  expect(stage.take()).toEqual(log);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual(['c', 'a']);
});

test('S32 a group restart starts everything in range: finished, terminated and ignored children too', async () => {
  const stage = new Stage();
  let ignoring = true;
  const start = stage.child('ignored');
  const supervisor = await startSupervisor({
    strategy: 'one_for_all',
    children: [
      { id: 'finished', restart: 'transient', start: stage.child('finished') },
      { id: 'terminated', start: stage.child('terminated') },
      { id: 'ignored', start: (self: Process) => (ignoring ? IGNORE : start(self)) },
      { id: 'last', start: stage.child('last') },
    ],
  });
  stage.end('finished', exitReason.normal);
  await supervisor.terminateChild('terminated');
  ignoring = false;
  stage.take();
  stage.kill('last');
  await settle();
  expect(stage.take()).toEqual(['+finished', '+terminated', '+ignored', '+last']);
});

/** Children of which one fails to start a number of times, once told so. */
async function stumbling(strategy: Strategy, stage: Stage): Promise<{ fail: (id: string, times: number) => void }> {
  const failures = new Map<string, number>();
  await startSupervisor({
    strategy,
    maxRestarts: 10,
    children: ['a', 'b', 'c'].map((id) => ({
      id,
      start: stage.child(id, {
        init: () => {
          const left = failures.get(id) ?? 0;
          failures.set(id, left - 1);
          if (left > 0) throw new Error(`${id} stumbles`);
        },
      }),
    })),
  });
  stage.take();
  return { fail: (id, times) => void failures.set(id, times) };
}

test('S39 a failed one_for_all restart stops what it has started and then tries the whole group again', async () => {
  const stage = new Stage();
  const { fail } = await stumbling('one_for_all', stage);
  fail('b', 2);
  stage.kill('c');
  await settle();
  expect(stage.take()).toEqual(['-b', '-a', '+a', '+b', '-a', '+a', '+b', '-a', '+a', '+b', '+c']);
});

test('S40 a failed rest_for_one restart goes on from the child that failed; those restarted before it stay up', async () => {
  const stage = new Stage();
  const { fail } = await stumbling('rest_for_one', stage);
  fail('b', 2);
  stage.kill('a');
  await settle();
  expect(stage.take()).toEqual(['-c', '-b', '+a', '+b', '+b', '+b', '+c']);
});

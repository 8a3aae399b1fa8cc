import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { exitReason, type Strategy, startSupervisor, type Supervisor } from '../../../supervisors/index.js';
import { boom, Stage } from './fixtures.js';

async function trio(strategy: Strategy, stage: Stage, clock = new ManualClock()): Promise<Supervisor> {
  const supervisor = await startSupervisor({
    strategy,
    clock,
    children: ['a', 'b', 'c'].map((id) => ({ id, start: stage.child(id) })),
  });
  stage.take();
  return supervisor;
}

test('S18 children start left to right, each after the one before it is ready', async () => {
  const stage = new Stage();
  const log = stage.log;
  await startSupervisor({
    children: ['a', 'b', 'c'].map((id) => ({
      id,
      start: stage.child(id, {
        init: async () => {
          await settle();
          log.push(`${id} ready`);
        },
      }),
    })),
  });
  expect(log).toEqual(['+a', 'a ready', '+b', 'b ready', '+c', 'c ready']);
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

test('S36 a supervisor over its budget stops the others in reverse and exits with shutdown', async () => {
  const stage = new Stage();
  const supervisor = await trio('one_for_one', stage);
  for (let restart = 0; restart < 4; restart += 1) {
    stage.end('b', boom);
    await settle();
  }
  expect(stage.take()).toEqual(['-b', '+b', '-b', '+b', '-b', '+b', '-b', '-c', '-a']);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test('S48 a supervisor that is stopped stops its children in reverse order', async () => {
  const stage = new Stage();
  const supervisor = await trio('one_for_one', stage);
  const report = await supervisor.stop();
  expect(stage.take()).toEqual(['-c', '-b', '-a']);
  expect(report).toEqual({ reason: exitReason.normal, killed: [], failed: [] });
});

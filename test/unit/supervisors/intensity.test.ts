import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  type ChildSpec,
  exitReason,
  IGNORE,
  type Process,
  type StaticSupervisorFlags,
  spawn,
  startDynamicSupervisor,
  startSupervisor,
  type Supervisor,
} from '../../../supervisors/index.js';
import { boom, failingAfter, idle, Stage } from './fixtures.js';

interface Staged {
  readonly stage: Stage;
  readonly clock: ManualClock;
  readonly supervisor: Supervisor;
  /** Kills a child and lets the supervisor act. */
  crash(...names: string[]): Promise<void>;
}

async function staged(
  flags: Omit<StaticSupervisorFlags, 'children'>,
  specs: readonly (Partial<ChildSpec> & { id: string })[] = [{ id: 'a' }, { id: 'b' }],
): Promise<Staged> {
  const stage = new Stage();
  const clock = new ManualClock();
  const children = specs.map((spec) => ({ start: stage.child(spec.id), ...spec }));
  const supervisor = await startSupervisor({ clock, ...flags, children });
  stage.take();
  const crash = async (...names: string[]): Promise<void> => {
    for (const name of names) stage.kill(name);
    await settle();
  };
  return { stage, clock, supervisor, crash };
}

test('S33 a restart exactly one window ago still counts', async () => {
  const { clock, supervisor, crash } = await staged({ maxRestarts: 1, withinMs: 1000 });
  await crash('a');
  await clock.advance(1000);
  await crash('a');
  expect(supervisor.alive).toBe(false);
});

test('S33 a restart more than one window ago does not count', async () => {
  const { clock, supervisor, crash } = await staged({ maxRestarts: 1, withinMs: 1000 });
  for (let crashes = 0; crashes < 5; crashes += 1) {
    await crash('a');
    await clock.advance(1001);
  }
  expect(supervisor.alive).toBe(true);
});

test('S34 the budget belongs to the supervisor: crashes of different children add up', async () => {
  const { supervisor, crash } = await staged({ maxRestarts: 1 });
  await crash('a');
  expect(supervisor.alive).toBe(true);
  await crash('b');
  expect(supervisor.alive).toBe(false);
});

test('S34 a group restart costs one unit', async () => {
  const { supervisor, crash } = await staged({ maxRestarts: 2, strategy: 'one_for_all' });
  await crash('a');
  await crash('b');
  expect(supervisor.alive).toBe(true);
  await crash('a');
  expect(supervisor.alive).toBe(false);
});

test('S34 requests, temporary exits and clean transient exits cost nothing', async () => {
  const { stage, supervisor, crash } = await staged({ maxRestarts: 0 }, [
    { id: 'permanent' },
    { id: 'transient', restart: 'transient' },
    { id: 'temporary', restart: 'temporary' },
  ]);
  await supervisor.terminateChild('permanent');
  await supervisor.restartChild('permanent');
  await supervisor.startChild({ id: 'new', start: idle });
  await crash('temporary');
  stage.end('transient', exitReason.shutdownWith('done'));
  await settle();
  expect(supervisor.alive).toBe(true);
});

test('S35 with a budget of 0 the first exit that wants a restart ends the supervisor', async () => {
  const { stage, supervisor, crash } = await staged({ maxRestarts: 0 });
  await crash('a');
  expect(stage.take()).toEqual(['-b']);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test('S36 a supervisor that gives up stops the rest in reverse and exits with shutdown, not with the reason of the child', async () => {
  const { stage, supervisor } = await staged({ maxRestarts: 1 }, [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  for (let crashes = 0; crashes < 2; crashes += 1) {
    stage.end('b', boom);
    await settle();
  }
  expect(stage.take()).toEqual(['-b', '+b', '-b', '-c', '-a']);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
});

test.for([
  ['permanent', true],
  ['transient', false],
] as const)('S37 a %s supervisor that gave up is restarted by its parent: %s', async ([restart, restarted]) => {
  const stage = new Stage();
  const sub = (self: Process): Promise<Process> =>
    startSupervisor({ parent: self, maxRestarts: 0, children: [{ id: 'leaf', start: stage.child('leaf') }] });
  const parent = await startSupervisor({ children: [{ id: 'sub', type: 'supervisor', restart, start: sub }] });
  stage.kill('leaf');
  await settle();
  expect(stage.take()).toEqual(restarted ? ['+leaf', '+leaf'] : ['+leaf']);
  expect(await parent.countChildren()).toEqual({ specs: 1, active: restarted ? 1 : 0, supervisors: 1, workers: 0 });
});

test('S38 a failed restart is tried again through the mailbox, without delay, until it works', async () => {
  let starts = 0;
  const stage = new Stage();
  const start = stage.child('a');
  const { supervisor } = await staged({ maxRestarts: 10 }, [
    {
      id: 'a',
      start: (self) => {
        starts += 1;
        if (starts > 1 && starts < 5) throw new Error('not yet');
        return start(self);
      },
    },
  ]);
  stage.kill('a');
  await settle();
  expect(starts).toBe(5);
  expect(await supervisor.whichChildren()).toMatchObject([{ status: 'running', restarts: 1 }]);
});

test('S38 a budget of n allows n attempts in a row, then the supervisor gives up', async () => {
  let starts = 0;
  const start = failingAfter(1);
  const { supervisor } = await staged({ maxRestarts: 3 }, [
    {
      id: 'a',
      start: (self) => {
        starts += 1;
        return start(self);
      },
    },
  ]);
  const [a] = await supervisor.whichChildren();
  if (typeof a?.process === 'object') a.process.exit(exitReason.killed);
  expect(await supervisor.exited).toEqual(exitReason.shutdown);
  expect(starts).toBe(1 + 3);
});

test('S38 other requests are served between the attempts, and see the child restarting', async () => {
  const { supervisor } = await staged({ maxRestarts: 1000 }, [{ id: 'a', start: failingAfter(1) }, { id: 'b' }]);
  const [, a] = await supervisor.whichChildren();
  if (typeof a?.process === 'object') a.process.exit(exitReason.killed);
  const seen = await supervisor.whichChildren();
  const later = await supervisor.whichChildren();
  expect([...seen, ...later].filter(({ id }) => id === 'a').map(({ process }) => process)).toContain('restarting');
  expect(await supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
});

test('S41 a restart that is ignored leaves the child down: one unit spent, no retry', async () => {
  let ignoring = false;
  const stage = new Stage();
  const start = stage.child('a');
  const { supervisor, crash } = await staged({ maxRestarts: 1 }, [
    { id: 'a', start: (self) => (ignoring ? IGNORE : start(self)) },
    { id: 'b' },
  ]);
  ignoring = true;
  stage.kill('a');
  await settle();
  expect(await supervisor.whichChildren()).toMatchObject([
    { id: 'b' },
    { id: 'a', process: undefined, status: 'down' },
  ]);
  await crash('b');
  expect(supervisor.alive).toBe(false);
});

test('S41 a dynamic child whose restart is ignored is forgotten', async () => {
  let ignoring = false;
  const supervisor = await startDynamicSupervisor();
  const child = await supervisor.startChild({ start: (self) => (ignoring ? IGNORE : idle(self)) });
  ignoring = true;
  if (child !== IGNORE) child.exit(exitReason.killed);
  await settle();
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
});

test('S42 a restart calls the same start function as the first start', async () => {
  const given: unknown[] = [];
  const { supervisor } = await staged({}, [
    {
      id: 'counter',
      start: (self) => {
        given.push(self);
        return spawn({ parent: self });
      },
    },
  ]);
  const [child] = await supervisor.whichChildren();
  if (typeof child?.process === 'object') child.process.exit(exitReason.killed);
  await settle();
  expect(given).toEqual([supervisor, supervisor]);
});

test('S43 under one_for_all three deaths in the same tick cost one unit and one restart', async () => {
  const { stage, supervisor, crash } = await staged({ maxRestarts: 1, strategy: 'one_for_all' }, [
    { id: 'a' },
    { id: 'b' },
    { id: 'c' },
  ]);
  await crash('b', 'c', 'a');
  expect(stage.take()).toEqual(['+a', '+b', '+c']);
  expect(supervisor.alive).toBe(true);
});

test('S43 under one_for_one three deaths in the same tick are handled one by one, in order of arrival', async () => {
  const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  const enough = await staged({ maxRestarts: 3 }, three);
  await enough.crash('b', 'c', 'a');
  expect(enough.stage.take()).toEqual(['+b', '+c', '+a']);
  const short = await staged({ maxRestarts: 2 }, three);
  await short.crash('b', 'c', 'a');
  expect(short.stage.take()).toEqual(['+b', '+c', '-c', '-b']);
  expect(short.supervisor.alive).toBe(false);
});

test('S43 under rest_for_one deaths after the first child of the group are absorbed, deaths before it are not', async () => {
  const three = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  const absorbed = await staged({ maxRestarts: 1, strategy: 'rest_for_one' }, three);
  await absorbed.crash('b', 'c');
  expect(absorbed.stage.take()).toEqual(['+b', '+c']);
  expect(absorbed.supervisor.alive).toBe(true);
  const both = await staged({ maxRestarts: 2, strategy: 'rest_for_one' }, three);
  await both.crash('b', 'a');
  expect(both.stage.take()).toEqual(['-c', '+b', '+c', '-c', '-b', '+a', '+b', '+c']);
  expect(both.supervisor.alive).toBe(true);
});

test('S44 the exit of a stranger, or of what a child once was, is ignored', async () => {
  const { stage, supervisor } = await staged({ maxRestarts: 0 });
  const stranger = await spawn({ parent: supervisor });
  const old = stage.process('a');
  await supervisor.terminateChild('a');
  await supervisor.restartChild('a');
  stage.take();
  stranger.exit(boom);
  supervisor.exit(boom, old);
  await settle();
  expect(supervisor.alive).toBe(true);
  expect(stage.take()).toEqual([]);
});

test.for([exitReason.normal, exitReason.shutdown, boom])(
  'S44 the exit of the parent with %j ends the supervisor with that reason, children first',
  async (reason) => {
    let end = (): void => {};
    const parent = await spawn({
      init: ({ exit }) => {
        end = () => exit(reason);
      },
    });
    const { stage, supervisor } = await staged({ parent });
    end();
    expect(await supervisor.exited).toEqual(reason);
    expect(stage.take()).toEqual(['-b', '-a']);
  },
);

test('S45 a restarted supervisor has the children of its flags only', async () => {
  const stage = new Stage();
  let sub: Supervisor | undefined;
  const parent = await startSupervisor({
    children: [
      {
        id: 'sub',
        type: 'supervisor',
        start: async (self) => {
          sub = await startSupervisor({ parent: self, children: [{ id: 'a', start: stage.child('a') }] });
          return sub;
        },
      },
    ],
  });
  await sub?.startChild({ id: 'added', start: stage.child('added') });
  sub?.exit(exitReason.killed);
  await settle();
  expect((await sub?.whichChildren())?.map(({ id }) => id)).toEqual(['a']);
  expect(parent.alive).toBe(true);
});

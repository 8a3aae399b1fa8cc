import { expect, test } from 'vitest';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import {
  exitReason,
  spawn,
  startDynamicSupervisor,
  startSupervisor,
  startTask,
  type TaskContext,
} from '../../../supervisors/index.js';
import { boom, failure, refusal } from './fixtures.js';

const error = new Error('boom');
const never = (): Promise<never> => new Promise(() => {});
const crash = (): never => {
  throw error;
};

test('S89 a task runs in a process of its own and ends with normal; its value is awaited', async () => {
  const owner = await spawn({});
  const task = startTask(async () => 6 * 7, { owner });
  expect(await task.await()).toBe(42);
  expect(await task.exited).toEqual(exitReason.normal);
  expect(owner.alive).toBe(true);
});

test('S89 the work never begins on the stack of the caller', async () => {
  let began = false;
  const task = startTask(() => {
    began = true;
  });
  expect(began).toBe(false);
  await task.await();
  expect(began).toBe(true);
});

test('S89 the crash of a linked task takes its owner along; the crash of the owner ends the task', async () => {
  const [first, second] = [await spawn({}), await spawn({})];
  startTask(crash, { owner: first });
  expect(await first.exited).toEqual(exitReason.error(error));
  const task = startTask(never, { owner: second });
  second.exit(boom);
  expect(await task.exited).toEqual(boom);
});

test('S89 a task that is not linked outlives its owner, and its crash does not touch it', async () => {
  const owner = await spawn({});
  const crashing = startTask(crash, { owner, linked: false });
  const lasting = startTask(never, { owner, linked: false });
  expect(await crashing.exited).toEqual(exitReason.error(error));
  expect(owner.alive).toBe(true);
  owner.exit(boom);
  await settle();
  expect(lasting.alive).toBe(true);
});

test('S89 a dead owner starts no task', async () => {
  const owner = await spawn({});
  owner.exit(exitReason.killed);
  expect(() => startTask(never, { owner })).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});

test('S90 await fails with the reason of a task that ended without a value, also with normal', async () => {
  const crashed = startTask(() => Promise.reject(error));
  expect(await failure(crashed.await())).toMatchObject({ details: { reason: 'error' }, cause: error });
  const left = startTask(({ exit }: TaskContext) => exit(exitReason.normal));
  expect(await refusal(left.await())).toBe('normal');
});

test('S90 an await that runs out of time drops the late value', async () => {
  const clock = new ManualClock();
  let finish = (_value: string): void => {};
  const task = startTask(
    () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      }),
    { clock },
  );
  const first = refusal(task.await(100));
  await clock.advance(100);
  expect(await first).toBe('timeout');
  finish('late');
  await task.exited;
  const second = refusal(task.await(100));
  await clock.advance(100);
  expect(await second).toBe('timeout');
  expect(clock.pendingTimers).toBe(0);
});

test('S90 the default time to await is 5000 ms; Infinity waits for ever', async () => {
  const clock = new ManualClock();
  const task = startTask(never, { clock });
  const bounded = refusal(task.await());
  await clock.advance(4999);
  expect(await Promise.race([bounded, 'waiting'])).toBe('waiting');
  await clock.advance(1);
  expect(await bounded).toBe('timeout');
  const quick = startTask(() => settle(), { clock });
  await quick.await(Number.POSITIVE_INFINITY);
});

test('S90 only the owner may await', async () => {
  const [owner, other] = [await spawn({}), await spawn({})];
  const task = startTask(() => 1, { owner });
  expect(await refusal(task.await(100, other))).toBe('not_owner');
  expect(await refusal(task.yield(100, other))).toBe('not_owner');
  expect(await task.await(100, owner)).toBe(1);
});

test('S90 yield says nothing while the task works, may be asked again, and then tells value or reason', async () => {
  const clock = new ManualClock();
  let finish = (): void => {};
  const task = startTask(
    () =>
      new Promise<string>((resolve) => {
        finish = () => resolve('done');
      }),
    { clock },
  );
  const early = task.yield(10);
  await clock.advance(10);
  expect(await early).toBeUndefined();
  finish();
  expect(await task.yield(10)).toEqual({ ok: true, value: 'done' });
  expect(await startTask(crash, { clock }).yield()).toEqual({ ok: false, error: exitReason.error(error) });
  expect(clock.pendingTimers).toBe(0);
});

test('S90 shutdown unlinks and ends the task; a value that made it is returned', async () => {
  const owner = await spawn({});
  const working = startTask(never, { owner });
  await settle();
  expect(await working.shutdown()).toBeUndefined();
  expect(await working.exited).toEqual(exitReason.shutdown);
  const done = startTask(() => 'made it', { owner });
  await settle();
  expect(await done.shutdown()).toEqual({ ok: true, value: 'made it' });
  const failed = startTask(crash);
  await settle();
  expect(await failed.shutdown()).toEqual({ ok: false, error: exitReason.error(error) });
  expect(owner.alive).toBe(true);
});

test('the signal of a task aborts when it ends before its work, and what the work returns then is dropped', async () => {
  let context: TaskContext | undefined;
  let finish = (): void => {};
  const task = startTask((given) => {
    context = given;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  await settle();
  expect(context?.self).toBe(task);
  expect(context?.signal.aborted).toBe(false);
  task.exit(exitReason.killed);
  expect(context?.signal.aborted).toBe(true);
  finish();
  expect(await task.exited).toEqual(exitReason.killed);
  const through = startTask((given) => given.signal);
  expect((await through.await()).aborted).toBe(false);
});

test('S91 crashes of supervised tasks never use up the budget', async () => {
  const supervisor = await startDynamicSupervisor({ maxRestarts: 0 });
  const tasks = [];
  for (let index = 0; index < 10; index += 1) tasks.push(await startTask(crash, { supervisor, linked: false }));
  await Promise.all(tasks.map(({ exited }) => exited));
  await settle();
  expect(supervisor.alive).toBe(true);
  expect(await supervisor.countChildren()).toMatchObject({ specs: 0 });
});

test('S91 a supervised task is a child: listed, limited by max_children, and stopped with its supervisor', async () => {
  const supervisor = await startDynamicSupervisor({ maxChildren: 1 });
  const task = await startTask(never, { supervisor });
  expect(await supervisor.whichChildren()).toMatchObject([{ process: task }]);
  expect(await refusal(startTask(never, { supervisor }))).toBe('max_children');
  await supervisor.stop();
  expect(await task.exited).toEqual(exitReason.shutdown);
  expect(await refusal(startTask(never, { supervisor }))).toBe('noproc');
});

test('S91 a supervised task may be linked to its owner besides', async () => {
  const supervisor = await startDynamicSupervisor();
  const owner = await spawn({});
  const task = await startTask(never, { supervisor, owner });
  owner.exit(boom);
  expect(await task.exited).toBe(boom);
  expect(supervisor.alive).toBe(true);
});

test('S14 a task may be a child of a static supervisor: owned by it, and restarted as its spec says', async () => {
  let runs = 0;
  const supervisor = await startSupervisor({
    children: [
      {
        id: 'import',
        restart: 'transient',
        start: (self) =>
          startTask(
            () => {
              runs += 1;
              if (runs < 3) throw error;
            },
            { owner: self },
          ),
      },
    ],
  });
  await settle();
  expect(runs).toBe(3);
  expect(await supervisor.whichChildren()).toMatchObject([{ status: 'down', restarts: 2 }]);
});

import { expect, test } from 'vitest';
import type { ExitReason } from '../../../src/kernel/exit-reason.js';
import type { Process } from '../../../src/kernel/process.js';
import { spawn } from '../../../src/kernel/spawn.js';
import { Harness, never, settle, watch } from './harness.js';

const idle = { tools: { work: never } };

/** One worker, ready, and the process that is its life. */
async function oneLife(...args: ConstructorParameters<typeof Harness>) {
  const [script = idle, options = {}] = args;
  const house = new Harness(script, { size: 1, ...options });
  const process = await house.pool.startWorker(undefined, 0);
  const worker = house.launcher.workers.at(-1);
  if (worker === undefined) throw new Error('no worker was launched');
  return { house, process, worker };
}

/** Lets time pass until the life is over. */
async function exitOf(house: Harness, process: Process): Promise<ExitReason> {
  await house.clock.advance(60_000);
  expect(process.alive).toBe(false);
  return process.exited;
}

test('a life starts when its hello was accepted: it is welcomed and reported', async () => {
  const { house, worker } = await oneLife({}, { heartbeatIntervalMs: 700 });
  expect(worker.received).toEqual([
    { type: 'welcome', workerId: 'test-0', heartbeatIntervalMs: 700, maxFrameBytes: 256 * 1024 * 1024 },
  ]);
  expect(house.eventsOf('worker.started')).toEqual([
    { pool: 'test', workerId: 'test-0', incarnation: 1, pid: worker.pid },
  ]);
  expect(house.eventsOf('worker.ready')).toMatchObject([{ incarnation: 1, pid: worker.pid, startMs: 0 }]);
});

test('a worker that says no hello in time fails its start and is killed', async () => {
  const house = new Harness({ greets: false }, { size: 1, startTimeoutMs: 1_000 });
  const start = watch(house.pool.startWorker(undefined, 0));
  await house.clock.advance(1_000);
  expect(start.outcome()).toMatchObject({
    error: { code: 'pool_unavailable', message: expect.stringMatching('1000 ms') },
  });
  expect(house.launcher.living).toEqual([]);
  expect(house.clock.pendingTimers).toBe(0);
});

test('a worker that ends before hello fails its start at once, with its last words', async () => {
  const house = new Harness({ greets: false }, { size: 1 });
  const start = watch(house.pool.startWorker(undefined, 0));
  await settle();
  house.launcher.workers[0]?.exit({
    code: 1,
    stderr: ['Traceback', 'ModuleNotFoundError: No module named my_tools', ''],
  });
  await settle();
  expect(start.outcome()).toMatchObject({
    error: {
      code: 'pool_unavailable',
      message: expect.stringMatching(/exit code 1.*No module named my_tools/),
      details: { code: 1, signal: null },
    },
  });
});

test('a worker that logs why it ends before hello is quoted, all lines of it and without the log’s own', async () => {
  const house = new Harness({ greets: false }, { size: 1 });
  const start = watch(house.pool.startWorker(undefined, 0));
  await settle();
  house.launcher.workers[0]?.exit({
    code: 3,
    stderr: [
      'RuntimeError: first',
      '2026-11-20 21:04:14,607 test-0/1 ERROR coilyard.worker: cannot import tools: RuntimeError: first',
      'second',
    ],
  });
  await settle();
  expect(start.outcome()).toMatchObject({
    error: {
      message: 'worker test-0 ended before it was ready (exit code 3): cannot import tools: RuntimeError: first second',
    },
  });
});

test('a worker that shows a wrong token is refused, and so its start fails', async () => {
  const house = new Harness({ greets: false }, { size: 1 });
  const start = watch(house.pool.startWorker(undefined, 0));
  await settle();
  const [worker] = house.launcher.workers;
  worker?.hello({ token: 'guess' });
  await settle();
  expect(start.outcome()).toMatchObject({ error: { code: 'pool_unavailable' } });
  expect(worker?.received).toEqual([]);
});

test('SIGKILL from outside is the exit reason, with the last lines of stderr', async () => {
  const { house, process, worker } = await oneLife();
  worker.exit({ signal: 'SIGKILL', stderr: ['last words'] });
  expect(await exitOf(house, process)).toEqual({ type: 'signal', signal: 'SIGKILL', code: null });
  expect(house.eventsOf('worker.exited')).toEqual([
    {
      pool: 'test',
      workerId: 'test-0',
      incarnation: 1,
      reason: { type: 'signal', signal: 'SIGKILL', code: null },
      stderr: ['last words'],
      pid: worker.pid,
      cause: 'killed',
      signal: 'SIGKILL',
      code: null,
      lastCall: null,
      residentBytes: 0,
    },
  ]);
  expect(house.clock.pendingTimers).toBe(0);
});

test('an exit code of its own is the exit reason, and 0 is a normal end', async () => {
  const failed = await oneLife();
  failed.worker.exit({ code: 3 });
  expect(await exitOf(failed.house, failed.process)).toEqual({ type: 'signal', signal: null, code: 3 });
  const ended = await oneLife();
  ended.worker.exit({ code: 0 });
  expect(await exitOf(ended.house, ended.process)).toEqual({ type: 'normal' });
});

test('a lost connection ends the life, and the process with it', async () => {
  const { house, process, worker } = await oneLife();
  worker.disconnect(new Error('reset'));
  expect(await exitOf(house, process)).toMatchObject({ type: 'error', error: { code: 'worker_lost' } });
  expect(worker.isAlive).toBe(false);
});

test('the calls of a lost connection are settled at once, not when the process is gone', async () => {
  const { house, worker } = await oneLife();
  const call = watch(house.call('work'));
  await settle();
  worker.disconnect();
  await settle();
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost', execution: 'unknown' } });
});

test('a worker that gives no sign of life is killed', async () => {
  const { house, process, worker } = await oneLife({ beats: false }, { heartbeatIntervalMs: 1_000, allowedMisses: 3 });
  await house.clock.advance(3_000);
  expect(process.alive).toBe(true);
  await house.clock.advance(1_000);
  expect(worker.isAlive).toBe(false);
  expect(await process.exited).toMatchObject({
    type: 'error',
    error: { code: 'worker_lost', message: /no sign of life/ },
  });
});

test('a worker whose heart beats lives, however long its call takes', async () => {
  const { house, process } = await oneLife();
  const call = watch(house.call('work'));
  await house.clock.advance(3_600_000);
  expect(process.alive).toBe(true);
  expect(call.outcome()).toBe('pending');
});

test('a frozen worker is killed though it ignores SIGTERM', async () => {
  const { house, process, worker } = await oneLife();
  worker.freeze();
  await house.clock.advance(60_000);
  expect(process.alive).toBe(false);
  expect(worker.isAlive).toBe(false);
});

test('shutdown drains: the call in hand ends well, then the worker goes by itself', async () => {
  const { house, process, worker } = await oneLife();
  const call = house.call('work');
  await settle();
  process.exit({ type: 'shutdown' });
  await settle();
  expect(worker.received.at(-1)).toEqual({ type: 'drain' });
  worker.send({ type: 'result', callId: worker.calls[0]?.callId ?? 0, value: 'finished' });
  await expect(call).resolves.toBe('finished');
  expect(await exitOf(house, process)).toEqual({ type: 'shutdown' });
  expect(house.clock.pendingTimers).toBe(0);
});

test('an idle worker stops without waiting for any time to pass', async () => {
  const { process, worker } = await oneLife();
  process.exit({ type: 'shutdown' });
  await settle();
  expect(process.alive).toBe(false);
  expect(worker.isAlive).toBe(false);
});

test('a worker that does not drain gets SIGTERM, then SIGKILL', async () => {
  const { house, process, worker } = await oneLife(
    { ...idle, isStubborn: true },
    { drainTimeoutMs: 1_000, killGraceMs: 500 },
  );
  process.exit({ type: 'shutdown' });
  await house.clock.advance(1_499);
  expect(worker.isAlive).toBe(true);
  await house.clock.advance(1);
  expect(worker.isAlive).toBe(false);
  expect(process.alive).toBe(false);
});

test('a call that outlives the drain is lost with the worker', async () => {
  const { house, process } = await oneLife({ ...idle, isStubborn: true }, { drainTimeoutMs: 100, killGraceMs: 100 });
  const call = watch(house.call('work'));
  await settle();
  process.exit({ type: 'shutdown' });
  await house.clock.advance(200);
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost', execution: 'unknown' } });
});

test('the untrappable kill takes the operating system process along', async () => {
  const { process, worker } = await oneLife({ ...idle, isStubborn: true });
  process.exit({ type: 'killed' });
  await settle();
  expect(worker.isAlive).toBe(false);
  expect(await process.exited).toEqual({ type: 'killed' });
});

test('the death of the parent ends the worker in order', async () => {
  const house = new Harness(idle, { size: 1 });
  const parent = await spawn({});
  const life = await house.pool.startWorker(parent, 0);
  parent.exit({ type: 'shutdown' });
  await settle();
  expect(life.alive).toBe(false);
  expect(house.launcher.living).toEqual([]);
});

test.each(['shutdown', 'killed'] as const)(
  'a parent that ends during the start (%s) leaves no process and no timer',
  async (type) => {
    const house = new Harness({ greets: false }, { size: 1 });
    const parent = await spawn({});
    const start = watch(house.pool.startWorker(parent, 0));
    await settle();
    parent.exit({ type });
    await settle();
    expect(house.launcher.living).toEqual([]);
    expect(start.outcome()).not.toBe('pending');
    expect(house.clock.pendingTimers).toBe(0);
  },
);

test('each life of a place has the next incarnation', async () => {
  const { house, process, worker } = await oneLife();
  worker.exit({ signal: 'SIGKILL' });
  await exitOf(house, process);
  await house.start();
  expect(house.launcher.workers.map(({ order }) => order.incarnation)).toEqual([1, 2]);
  expect(house.pool.slots[0]).toMatchObject({ phase: 'ready', incarnation: 2 });
});

test('a frame of an earlier life is dropped and counted', async () => {
  const { house, process, worker } = await oneLife({ ...idle, isStubborn: true });
  const call = house.call('work');
  call.catch(() => {});
  await settle();
  const callId = worker.calls[0]?.callId ?? 0;
  // Its result is on the way while it is killed.
  process.exit({ type: 'killed' });
  worker.send({ type: 'result', callId, value: 'from the dead' });
  await expect(call).rejects.toMatchObject({ code: 'worker_lost' });
  await settle();
  expect(house.eventsOf('worker.frame_dropped')).toMatchObject([{ incarnation: 1, frame: 'result' }]);
});

test('the printed lines of a worker are reported', async () => {
  const { house, worker } = await oneLife();
  worker.order.onLine('hello from Python');
  expect(house.eventsOf('worker.log')).toMatchObject([{ workerId: 'test-0', line: 'hello from Python' }]);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock, scriptedWorkers, settle } from '../../src/testing/index.js';
import { startRuntime } from '../../src/index.js';
import { eventually } from '../support/processes.js';
import { aPythonRuntime, lively } from '../support/python-runtime.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-health-'));
afterAll(() => rmSync(root, { recursive: true }));

test('an event loop that is blocked is a hang: the worker says where and is replaced', async () => {
  await using house = await aPythonRuntime(lively);
  await house.ready(1);
  const exits = house.record('worker.exited');
  await expect(house.python.call('hang', { seconds: 600 })).rejects.toMatchObject({ code: 'worker_lost' });
  await eventually(() => exits.length === 1, 'its record');
  expect(exits[0]).toMatchObject({ cause: 'hung', lastCall: { target: 'hang' } });
  expect(exits[0]?.stderr.join('\n')).toMatch(/worker_tools\.py.* in hang/);
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
});

test('a worker that is stopped by a signal is a hang, and is replaced', async () => {
  await using house = await aPythonRuntime(lively);
  const [pid = 0] = await house.ready(1);
  const exits = house.record('worker.exited');
  const call = house.python.call('wait', { seconds: 600 });
  process.kill(pid, 'SIGSTOP');
  await expect(call).rejects.toMatchObject({ code: 'worker_lost', execution: 'unknown' });
  await eventually(() => exits.length === 1, 'its record');
  expect(exits[0]).toMatchObject({ cause: 'hung', signal: 'SIGKILL' });
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
});

test('a segmentation fault, an exit of its own and a kill are told apart in the record', async () => {
  await using house = await aPythonRuntime({ size: 1 });
  await house.ready(1);
  const exits = house.record('worker.exited');
  await house.python.call('crash').catch(() => {});
  await house.ready(1);
  await house.python.call('leave', { code: 7 }).catch(() => {});
  const [pid = 0] = await house.ready(1);
  process.kill(pid, 'SIGKILL');
  await eventually(() => exits.length === 3, 'three records');
  expect(exits).toMatchObject([
    { cause: 'segmentation_fault', signal: 'SIGSEGV', lastCall: { target: 'crash' } },
    { cause: 'exited', code: 7, lastCall: { target: 'leave' } },
    { cause: 'killed', signal: 'SIGKILL', lastCall: null },
  ]);
  expect(exits[0]?.stderr.join('\n')).toContain('Segmentation fault');
});

test('an assertion of a library is told apart from a library that got no memory', async () => {
  await using house = await aPythonRuntime({ size: 1 });
  await house.ready(1);
  const exits = house.record('worker.exited');
  await house.python.call('assert_in_c').catch(() => {});
  await house.ready(1);
  await house.python.call('allocate_in_cpp').catch(() => {});
  await eventually(() => exits.length === 2, 'two records');
  expect(exits).toMatchObject([
    { cause: 'aborted', signal: 'SIGABRT', lastCall: { target: 'assert_in_c' } },
    { cause: 'out_of_memory', signal: 'SIGABRT', lastCall: { target: 'allocate_in_cpp' } },
  ]);
});

test('a worker that gets no memory for its own imports is out of memory, and says so', async () => {
  await using house = await aPythonRuntime({
    start: 'spawn',
    imports: ['greedy_at_import'],
    rlimits: { core: 0, as: 6_000_000_000 },
  });
  const exits = house.record('worker.exited');
  await expect(house.python.start()).rejects.toMatchObject({ code: 'pool_unavailable', message: /MemoryError/ });
  expect(exits[0]).toMatchObject({ cause: 'out_of_memory', code: 112 });
});

test('a memory bomb under a limit costs its call, not the machine and not the worker', async () => {
  await using house = await aPythonRuntime({ rlimits: { core: 0, as: 6_000_000_000 } });
  const call = house.python.call('hoard', { size: 64_000_000_000 });
  await expect(call).rejects.toMatchObject({ code: 'python_error', details: { type: 'MemoryError' } });
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
  expect(house.python.workers()[0]?.incarnation).toBe(1);
});

test('a worker runs with the niceness, the limits and the BLAS threads of its pool', async () => {
  await using house = await aPythonRuntime({ nice: 3, rlimits: { nofile: 777 }, blasThreads: 2 });
  await expect(house.python.call('restrictions')).resolves.toMatchObject({
    nice: getPriority() + 3,
    nofile: 777,
    omp: '2',
  });
  await using plain = await aPythonRuntime();
  await expect(plain.python.call('restrictions')).resolves.toMatchObject({ core: 0, omp: '1' });
});

test('a worker that has grown too large is replaced between its calls, of which none fails', async () => {
  await using house = await aPythonRuntime({ ...lively, maxResidentBytes: 300_000_000 });
  const recycled = house.record('worker.recycled');
  const [first = 0] = await house.ready(1);
  await house.python.call('hoard', { size: 300_000_000 });
  const answers: unknown[] = [];
  while (recycled.length === 0 || house.pids.includes(first)) answers.push(await house.python.call('pid'));
  expect(recycled).toMatchObject([{ why: 'memory', workerId: 'default-0' }]);
  await expect(house.python.call('pid')).resolves.not.toBe(first);
  expect(answers.length).toBeGreaterThan(0);
});

test('workers are replaced after so many calls under load, one at a time and without a failed call', async () => {
  await using house = await aPythonRuntime({ size: 2, concurrency: 4, maxCalls: 50 });
  await house.ready(2);
  const recycled = house.record('worker.recycled');
  while (recycled.length < 3) {
    const calls = Array.from({ length: 40 }, (_, n) => house.python.call('add', { a: n, b: 1 }));
    await expect(Promise.all(calls)).resolves.toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
    expect(house.python.workers().length).toBeLessThanOrEqual(3);
  }
});

test('a pool grows while calls wait, and shrinks again when there is nothing to do', async () => {
  await using house = await aPythonRuntime({ min: 1, max: 3, scaleUpAfterMs: 50, scaleDownAfterMs: 500 });
  await house.ready(1);
  const until = join(root, 'grown');
  const calls = Array.from({ length: 9 }, () => house.python.call('hold', { until }));
  await eventually(() => house.pids.length === 3, 'there are three workers');
  writeFileSync(until, '');
  await Promise.all(calls);
  await eventually(() => house.pids.length === 1, 'there is one worker again');
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
});

test('a call that crashed two workers is refused with their records, and other calls are served', async () => {
  await using house = await aPythonRuntime({ size: 3 });
  await house.ready(3);
  await expect(house.python.call('crash', {}, { idempotent: true })).rejects.toMatchObject({
    code: 'worker_lost',
    details: { reason: 'poison_call', killed: 2 },
  });
  await house.ready(3);
  await expect(house.python.call('crash')).rejects.toMatchObject({
    execution: 'not_started',
    details: { reason: 'poison_call', casualties: [{ cause: 'segmentation_fault' }, { cause: 'segmentation_fault' }] },
  });
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
});

test('a pool whose workers keep failing answers at once with the time of the next try', async () => {
  const clock = new ManualClock();
  let isBroken = true;
  const launcher = scriptedWorkers(() => {
    if (isBroken) throw new Error('the disk is full');
    return { tools: { work: () => 'done' } };
  });
  const runtime = await startRuntime({ clock, python: { launcher, pools: { default: { size: 1 } } } });
  const breakers: string[] = [];
  runtime.events.on('child.breaker', ({ state }) => breakers.push(state));
  await expect(runtime.python.call('work')).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: /disk is full/,
  });
  for (let n = 0; n < 300 && breakers.length === 0; n += 1) await clock.advance(100);
  expect(breakers).toEqual(['open']);
  const refused: unknown = await runtime.python.call('work').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'pool_unavailable', execution: 'not_started', retryable: true });
  expect(Number(refused instanceof Object && 'retryAfterMs' in refused && refused.retryAfterMs)).toBeGreaterThan(0);
  isBroken = false;
  await clock.advance(5_000);
  await settle();
  await expect(runtime.python.call('work')).resolves.toBe('done');
  const stopping = runtime.stop();
  await clock.advance(20_000);
  await stopping;
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { Tensor } from '../../src/variables/tensor.js';
import { LeapingClock } from '../support/leaping-clock.js';
import { eventually, isRunning } from '../support/processes.js';
import { aPythonRuntime, lively } from '../support/python-runtime.js';

const root = mkdtempSync(join(tmpdir(), 'coilyard-workers-'));
afterAll(() => rmSync(root, { recursive: true }));

let files = 0;
const aFile = (): string => join(root, `${files++}`);

test('values reach a Python tool and come back as they were', async () => {
  await using house = await aPythonRuntime();
  const values = [
    0,
    -1,
    2 ** 53 - 1,
    2n ** 53n + 1n,
    -(2n ** 100n),
    0.5,
    'text with "quotes" and ümläuts 🐍',
    '',
    true,
    false,
    null,
    [1, [2, 'three'], null],
    { nested: { list: [1, 2] }, big: 2n ** 70n },
  ];
  for (const value of values) await expect(house.python.call('echo', { value })).resolves.toEqual(value);
  await expect(house.python.call('add', { a: 2, b: 40 })).resolves.toBe(42);
});

test('large values pass, and those beyond the limit cost their call alone, in either direction', async () => {
  await using house = await aPythonRuntime({ maxPayloadBytes: 10 * 1024 * 1024 });
  const large = 'x'.repeat(5 * 1024 * 1024);
  await expect(house.python.call('echo', { value: large })).resolves.toBe(large);
  await expect(house.python.call('echo', { value: 'x'.repeat(20 * 1024 * 1024) })).rejects.toMatchObject({
    code: 'payload_too_large',
    execution: 'not_started',
  });
  await expect(house.python.call('repeat', { text: 'x', times: 100 * 1024 * 1024 })).rejects.toMatchObject({
    code: 'payload_too_large',
    execution: 'done',
  });
  expect(house.python.workers()[0]?.incarnation).toBe(1);
});

test('arrays of a hundred megabytes travel both ways, and small calls pass them', async () => {
  await using house = await aPythonRuntime({ concurrency: 2 });
  const array = new Tensor('float32', [25_000, 1_000], Buffer.alloc(100_000_000, 7));
  await house.ready(1);
  const answered: string[] = [];
  const echoing = house.python.call('echo', { value: array }).finally(() => answered.push('echo'));
  const adding = house.python.call('add', { a: 1, b: 2 }).finally(() => answered.push('add'));
  const [echoed, sum] = await Promise.all([echoing, adding]);
  expect(sum).toBe(3);
  expect(answered).toEqual(['add', 'echo']);
  expect(echoed instanceof Tensor && echoed.equals(array)).toBe(true);
});

test('a Python exception arrives with its type, message and traceback', async () => {
  await using house = await aPythonRuntime();
  await expect(house.python.call('fail', { message: 'not like this' })).rejects.toMatchObject({
    code: 'python_error',
    execution: 'done',
    retryable: false,
    message: expect.stringContaining('not like this'),
    details: {
      type: expect.stringContaining('ValueError'),
      traceback: expect.stringMatching(
        /KeyError[\s\S]*direct cause[\s\S]*worker_tools\.py[\s\S]*ValueError: not like this/,
      ),
    },
  });
});

test('wrong arguments and unknown tools are told apart', async () => {
  await using house = await aPythonRuntime();
  await expect(house.python.call('add', { a: 1 })).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(house.python.call('subtract', {})).rejects.toMatchObject({
    code: 'tool_not_found',
    execution: 'not_started',
  });
});

test('the tools of a worker are listed with their schemas', async () => {
  await using house = await aPythonRuntime();
  await house.ready(1);
  const add = house.python.tools().find(({ name }) => name === 'add');
  expect(add?.description).toContain('Adds two integers');
  expect(JSON.parse(add?.parametersSchema ?? '')).toMatchObject({
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
    required: ['a', 'b'],
  });
  expect(house.python.tools().find(({ name }) => name === 'count')?.streaming).toBe(true);
});

test.each(['count', 'count_sync'])('every chunk of the generator %s arrives in order', async (tool) => {
  await using house = await aPythonRuntime();
  let last = 0;
  for await (const chunk of house.python.stream(tool, { to: 1_000 })) {
    expect(chunk).toBe(last + 1);
    last += 1;
  }
  expect(last).toBe(1_000);
});

test('a stream of a plain function gives its result as the one chunk, and a call of a generator the list of them', async () => {
  await using house = await aPythonRuntime();
  const chunks: unknown[] = [];
  for await (const chunk of house.python.stream('echo', { value: [1, 'a'] })) chunks.push(chunk);
  expect(chunks).toEqual([[1, 'a']]);
  await expect(house.python.call('count_sync', { to: 3 })).resolves.toEqual([1, 2, 3]);
});

test('a slow consumer stops the generator, and leaving the loop ends it', async () => {
  await using house = await aPythonRuntime({ streamWindow: 8 });
  const marker = aFile();
  let seen = 0;
  for await (const _ of house.python.stream('count', { to: 1_000_000, marker })) {
    seen += 1;
    if (seen === 20) break;
  }
  await eventually(() => existsSync(marker) && readFileSync(marker, 'utf8') !== '', 'the generator was closed');
  expect(Number(readFileSync(marker, 'utf8'))).toBeLessThanOrEqual(20 + 8);
});

test.each([
  { tool: 'make', size: 1 },
  { tool: 'make', size: 2_000_000 },
  { tool: 'make_in_thread', size: 1 },
])('$tool never makes more chunks of $size bytes than were read and the window', async ({ tool, size }) => {
  const window = 6;
  await using house = await aPythonRuntime({ streamWindow: window, concurrency: 2 });
  const stream = house.python.stream(tool, { to: 1_000, size });
  const made = async (): Promise<number> => Number(await house.python.call('made'));
  for (let read = 1; read <= 4 * window; read += 1) {
    await expect(stream.next()).resolves.toMatchObject({ done: false });
    // Each of these calls gives the generator a turn of its loop.
    for (let turn = 0; turn < 10; turn += 1) expect(await made()).toBeLessThanOrEqual(read + window);
  }
  // As much as it was allowed, it makes: what was read gives credit by halves of the window.
  for (let count = 0; count < 4 * window + window / 2; count = await made());
  await stream.return?.();
});

test('an abort answers at once and cancels the coroutine in Python', async () => {
  await using house = await aPythonRuntime();
  const marker = aFile();
  const begun = aFile();
  await house.ready(1);
  const abort = new AbortController();
  const call = house.python.call('wait', { seconds: 60, marker, begun }, { signal: abort.signal });
  await eventually(() => existsSync(begun), 'the coroutine runs');
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled', execution: 'unknown' });
  await eventually(() => existsSync(marker), 'the coroutine was cancelled');
  await expect(house.python.call('add', { a: 1, b: 1 })).resolves.toBe(2);
});

test('a deadline ends a call in Python, too', async () => {
  const clock = new LeapingClock();
  await using house = await aPythonRuntime({}, { clock });
  const [marker, begun] = [aFile(), aFile()];
  const call = house.python.call('wait', { seconds: 600, marker, begun }, { timeoutMs: 300_000 });
  const late = expect(call).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await eventually(() => existsSync(begun), 'the coroutine runs');
  clock.leap(300_000);
  await late;
  await eventually(() => existsSync(marker), 'the coroutine was cancelled');
});

test('a blocking function does not stop the heart: it is waited for', async () => {
  await using house = await aPythonRuntime(lively);
  const until = aFile();
  const call = house.python.call('swell', { until });
  // Each beat tells how much memory there is, and that is more each time.
  const told = new Set<number>();
  const beats = (): number => told.add(house.python.workers()[0]?.residentBytes ?? 0).size;
  await eventually(() => beats() > 8, 'its heart beats');
  writeFileSync(until, '');
  await expect(call).resolves.toBe('done');
  expect(house.python.workers()[0]?.incarnation).toBe(1);
});

test('a blocking function that ignores its cancellation costs its worker when the pool says so', async () => {
  const clock = new LeapingClock();
  await using house = await aPythonRuntime({ cancelGraceMs: 200 }, { clock });
  const [pid = 0] = await house.ready(1);
  const begun = aFile();
  const call = house.python.call('block', { seconds: 600, begun }, { timeoutMs: 300_000 });
  const late = expect(call).rejects.toMatchObject({ code: 'deadline_exceeded', execution: 'unknown' });
  await eventually(() => existsSync(begun), 'it runs');
  clock.leap(300_000);
  await late;
  await eventually(() => !isRunning(pid), 'the worker was killed');
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
});

test('a worker runs as many calls at once as its concurrency says', async () => {
  await using house = await aPythonRuntime({ concurrency: 4 });
  for (const tool of ['meet', 'meet_in_threads']) {
    const calls = Array.from({ length: 4 }, () => house.python.call(tool, { others: 4 }));
    await expect(Promise.all(calls)).resolves.toEqual(['met', 'met', 'met', 'met']);
  }
});

test('whatever Python prints is a log and never harms a call', async () => {
  await using house = await aPythonRuntime();
  const logs = house.record('worker.log');
  await expect(house.python.call('noise', { lines: 200 })).resolves.toBe('quiet now');
  await eventually(() => logs.some(({ line }) => line === 'to stdout 199'), 'stdout arrived');
  await eventually(() => logs.some(({ line }) => line === 'to stderr 199'), 'stderr arrived');
});

test('kill -9 of a busy worker: the call ends as worker_lost, and the pool is whole again by itself', async () => {
  await using house = await aPythonRuntime();
  const exits = house.record('worker.exited');
  const [pid = 0] = await house.ready(1);
  const call = house.python.call('wait', { seconds: 60 });
  call.catch(() => {});
  await eventually(() => house.python.workers()[0]?.load === 1, 'the call is in hand');
  process.kill(pid, 'SIGKILL');
  await expect(call).rejects.toMatchObject({ code: 'worker_lost', execution: 'unknown', retryable: false });
  await expect(house.python.call('add', { a: 20, b: 22 })).resolves.toBe(42);
  expect(house.python.workers()[0]).toMatchObject({ phase: 'ready', incarnation: 2 });
  expect(exits).toMatchObject([{ incarnation: 1, reason: { type: 'signal', signal: 'SIGKILL' } }]);
});

test('a call declared idempotent survives the death of its worker on another one', async () => {
  await using house = await aPythonRuntime({ size: 2 });
  const [trail, until] = [aFile(), aFile()];
  await house.ready(2);
  const call = house.python.call('hold', { path: trail, until }, { idempotent: true });
  const runs = (): string => (existsSync(trail) ? readFileSync(trail, 'utf8') : '');
  await eventually(() => runs() === 'x\n', 'it runs');
  const busy = house.python.workers().find(({ load }) => load === 1)?.pid ?? 0;
  process.kill(busy, 'SIGKILL');
  await eventually(() => runs() === 'x\nx\n', 'it runs again');
  writeFileSync(until, '');
  await expect(call).resolves.not.toBe(busy);
  expect(runs()).toBe('x\nx\n');
});

test.each([
  ['crash', {}, { signal: 'SIGSEGV' }],
  ['leave', { code: 42 }, { code: 42 }],
])('how a worker died is told: %s', async (tool, args, reason) => {
  await using house = await aPythonRuntime();
  const exits = house.record('worker.exited');
  await expect(house.python.call(tool, args)).rejects.toMatchObject({ code: 'worker_lost' });
  await eventually(() => exits.length > 0, 'the exit is reported');
  expect(exits[0]?.reason).toMatchObject({ type: 'signal', ...reason });
  // faulthandler says where it happened.
  if (tool === 'crash') expect(exits[0]?.stderr.join('\n')).toMatch(/Fatal Python error[\s\S]*worker_tools\.py/);
});

test('a worker that stands still is found out by its missing heartbeats and replaced', async () => {
  await using house = await aPythonRuntime(lively);
  const [pid = 0] = await house.ready(1);
  const call = house.python.call('wait', { seconds: 60 });
  call.catch(() => {});
  await eventually(() => house.python.workers()[0]?.load === 1, 'the call is in hand');
  process.kill(pid, 'SIGSTOP');
  await expect(call).rejects.toMatchObject({ code: 'worker_lost' });
  await eventually(() => !isRunning(pid), 'it was killed');
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
});

test('an import that fails is told at once, with its last line', async () => {
  // No clock moves: nothing is waited for but the process.
  await using house = await aPythonRuntime({ imports: ['no_such_module'] }, { clock: new ManualClock() });
  await expect(house.python.call('echo')).rejects.toMatchObject({
    code: 'pool_unavailable',
    execution: 'not_started',
    message: expect.stringContaining('no_such_module'),
  });
});

test('a missing interpreter is told at once, with the remedy', async () => {
  await using house = await aPythonRuntime({ python: join(root, 'nowhere', 'python') }, { clock: new ManualClock() });
  await expect(house.python.call('echo')).rejects.toMatchObject({
    code: 'pool_unavailable',
    details: { remedy: expect.stringContaining('COILYARD_PYTHON') },
  });
});

test('stop lets the call in hand end well and leaves no process, also none that a worker had started', async () => {
  const house = await aPythonRuntime();
  const [pid = 0] = await house.ready(1);
  const child = Number(await house.python.call('child'));
  const until = aFile();
  const call = house.python.call('hold', { until });
  await eventually(() => house.python.workers()[0]?.load === 1, 'the call is in hand');
  const stopping = house.runtime.stop();
  writeFileSync(until, '');
  await expect(call).resolves.toBe(pid);
  await stopping;
  expect(isRunning(pid)).toBe(false);
  await eventually(() => !isRunning(child), 'the child of the worker is gone');
});

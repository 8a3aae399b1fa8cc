import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { sessionId } from '../../../src/kernel/ids.js';
import { homeAmong } from '../../../src/workers/routing.js';
import { Harness, never, settle, watch } from './harness.js';

const echo = { tools: { echo: (args: ReadonlyMap<string, unknown>) => args.get('text') } };
/** Leaves every call open for the test to answer. */
const open = { tools: { work: never } };

test('a call resolves to what the tool returned', async () => {
  const house = new Harness(echo);
  await house.start();
  await expect(house.call('echo', { text: 'hello' })).resolves.toBe('hello');
});

test('a call that comes before any worker waits for the first one', async () => {
  const house = new Harness(echo);
  const call = house.call('echo', { text: 'early' });
  await house.start();
  await expect(call).resolves.toBe('early');
});

test('an exception in Python becomes python_error that was executed', async () => {
  const house = new Harness({
    tools: {
      fail: () => {
        throw new TypeError('no');
      },
    },
  });
  await house.start();
  await expect(house.call('fail')).rejects.toMatchObject({
    code: 'python_error',
    execution: 'done',
    details: { type: 'TypeError' },
  });
});

test('argument names such as __proto__ arrive as they are', async () => {
  const house = new Harness({ tools: { names: (args) => [...args.keys()] } });
  await house.start();
  const args = new Map([['__proto__', 1]]);
  await expect(house.pool.call({ type: 'tool', name: 'names' }, args)).resolves.toEqual(['__proto__']);
});

test('an argument that has no form on the wire fails its call alone, not started', async () => {
  const house = new Harness(echo, { size: 1 });
  await house.start();
  await expect(house.call('echo', { text: () => {} })).rejects.toMatchObject({
    code: 'invalid_argument',
    execution: 'not_started',
  });
  await expect(house.call('echo', { text: 'next' })).resolves.toBe('next');
});

test('a tool that no worker has is refused at once and names the known ones', async () => {
  const house = new Harness(echo);
  await house.start();
  await expect(house.call('ecco')).rejects.toMatchObject({
    code: 'tool_not_found',
    execution: 'not_started',
    details: { tool: 'ecco', known: ['echo'] },
  });
});

test('a module that no worker has is refused, and so is one whose tools nobody has', async () => {
  const house = new Harness({ ...echo, modules: { Predict: () => 'predicted' } });
  await house.start();
  const execute = (kind: string, tools: string[] = []) =>
    house.pool.call({ type: 'module', recipe: { kind, signature: 'a -> b', tools } });
  await expect(execute('Predict', ['echo'])).resolves.toBe('predicted');
  await expect(execute('Unheard')).rejects.toMatchObject({ code: 'module_not_found' });
  await expect(execute('Predict', ['echo', 'search'])).rejects.toMatchObject({
    code: 'tool_not_found',
    details: { tool: 'search' },
  });
});

test('the modules of DSPy need no announcement', async () => {
  const house = new Harness(echo);
  await house.start();
  const call = house.pool.call({ type: 'module', recipe: { kind: 'ChainOfThought', signature: 'a -> b' } });
  // It reached a worker; the script has none.
  await expect(call).rejects.toMatchObject({ code: 'module_not_found', message: 'not in the script' });
});

test('a call goes to a worker that has its tool, and waits while that one may still come', async () => {
  const house = new Harness(({ workerId }) => ({ tools: { [workerId]: () => workerId } }));
  await house.start(0);
  const started = house.pool.startWorker(undefined, 1);
  const call = house.call('test-1');
  await started;
  await expect(call).resolves.toBe('test-1');
  await expect(house.call('test-0')).resolves.toBe('test-0');
});

test('a call that nobody can serve does not hold back the one behind it', async () => {
  const house = new Harness(({ workerId }) => ({ tools: { [workerId]: never, both: () => workerId } }));
  await house.start();
  watch(house.call('test-0'));
  const waits = watch(house.call('test-0'));
  await expect(house.call('both')).resolves.toBe('test-1');
  expect(waits.outcome()).toBe('pending');
});

test('the least busy worker gets the call', async () => {
  const house = new Harness(open, { size: 3, concurrency: 2 });
  const workers = await house.start();
  for (let n = 0; n < 3; n += 1) watch(house.call('work'));
  await settle();
  expect(workers.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
});

test('a worker never has more calls in hand than its concurrency', async () => {
  const house = new Harness(open, { size: 1, concurrency: 3 });
  const [worker] = await house.start();
  for (let n = 0; n < 5; n += 1) watch(house.call('work'));
  await settle();
  expect(worker?.calls.length).toBe(3);
  expect(house.pool.queued).toBe(2);
});

test('waiting calls are served first come, first served', async () => {
  const seen: unknown[] = [];
  const house = new Harness({ tools: { note: (args) => void seen.push(args.get('n')) } }, { size: 1 });
  const calls = [1, 2, 3, 4].map((n) => house.call('note', { n }));
  await house.start();
  await Promise.all(calls);
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('the calls of one session prefer one worker while it has room', async () => {
  const house = new Harness({ tools: { who: (_args, { worker }) => worker.order.workerId } }, { size: 4 });
  await house.start();
  const places = new Set<unknown>();
  for (let n = 0; n < 8; n += 1) places.add(await house.call('who', {}, { sessionId: sessionId('s-1') }));
  expect(places.size).toBe(1);
  const spread = new Set<unknown>();
  for (let n = 0; n < 40; n += 1) spread.add(await house.call('who', {}, { sessionId: sessionId(`s-${n}`) }));
  expect(spread.size).toBe(4);
});

test('affinity is a hint: a busy preferred worker does not make a call wait', async () => {
  const house = new Harness(open, { size: 2 });
  const workers = await house.start();
  for (let n = 0; n < 2; n += 1) watch(house.call('work', {}, { sessionId: sessionId('s-1') }));
  await settle();
  expect(workers.map(({ calls }) => calls.length)).toEqual([1, 1]);
});

test('one call more than the queue holds is refused as pool_saturated with a retry-after', async () => {
  const house = new Harness(open, { size: 1, maxQueue: 2 });
  await house.start();
  for (let n = 0; n < 3; n += 1) watch(house.call('work'));
  const refused: unknown = await house.call('work').catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'pool_saturated', execution: 'not_started', retryable: true });
  expect(refused instanceof CoilyardError && refused.retryAfterMs).toBeGreaterThan(0);
  expect(house.pool.queued).toBe(2);
});

test('sessions take turns: one that asks much does not keep the others waiting', async () => {
  const seen: unknown[] = [];
  const house = new Harness({ tools: { note: (args) => void seen.push(args.get('n')) } }, { size: 1 });
  const call = (n: string, session?: string) =>
    house.call('note', { n }, session === undefined ? {} : { sessionId: sessionId(session) });
  const calls = [
    ...['a1', 'a2', 'a3', 'a4'].map((n) => call(n, 'a')),
    ...['b1', 'b2'].map((n) => call(n, 'b')),
    call('-1'),
  ];
  await house.start();
  await Promise.all(calls);
  expect(seen).toEqual(['a1', 'b1', '-1', 'a2', 'b2', 'a3', 'a4']);
});

test('a strict session waits for its own worker though another one is free', async () => {
  const house = new Harness(open, { size: 2, affinity: 'strict_queue' });
  const workers = await house.start();
  for (let n = 0; n < 3; n += 1) watch(house.call('work', {}, { sessionId: sessionId('s-1') }));
  await settle();
  expect(workers.map(({ calls }) => calls.length).sort()).toEqual([0, 1]);
  expect(house.pool.queued).toBe(2);
  watch(house.call('work'));
  watch(house.call('work', {}, { sessionId: sessionId('s-1'), affinity: 'hint' }));
  await settle();
  expect(workers.map(({ calls }) => calls.length)).toEqual([1, 1]);
});

test('a strict session that would rather fail is refused while its worker is busy or away', async () => {
  const house = new Harness(open, { size: 2 });
  const workers = await house.start();
  const call = () => house.call('work', {}, { sessionId: sessionId('s-1'), affinity: 'strict_fail_fast' });
  const first = watch(call());
  await settle();
  await expect(call()).rejects.toMatchObject({
    code: 'pool_saturated',
    execution: 'not_started',
    retryable: true,
    details: { reason: 'strict_affinity' },
  });
  workers.find(({ calls }) => calls.length === 1)?.exit({ signal: 'SIGKILL' });
  await settle();
  expect(first.outcome()).toMatchObject({ error: { code: 'worker_lost' } });
  await expect(call()).rejects.toMatchObject({ code: 'pool_unavailable', details: { reason: 'strict_affinity' } });
});

test('a session keeps its home when another place comes or goes', () => {
  const names = Array.from({ length: 1_000 }, (_, n) => `session-${n}`);
  const homes = names.map((name) => homeAmong(name, [0, 1, 2, 3]));
  const counts = [0, 1, 2, 3].map((place) => homes.filter((home) => home === place).length);
  expect(Math.min(...counts)).toBeGreaterThan(200);
  const fewer = names.map((name) => homeAmong(name, [0, 1, 3]));
  expect(names.filter((_, n) => homes[n] !== 2 && homes[n] !== fewer[n])).toEqual([]);
});

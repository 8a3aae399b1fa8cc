import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { sessionId } from '../../../src/kernel/ids.js';
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

test('a deadline that passes in the queue is answered not_started and the call is never sent', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  watch(house.call('work'));
  const late = watch(house.call('work', {}, { timeoutMs: 100 }));
  await house.clock.advance(100);
  expect(late.outcome()).toMatchObject({ error: { code: 'deadline_exceeded', execution: 'not_started' } });
  expect(house.pool.queued).toBe(0);
  expect(worker?.received.filter(({ type }) => type === 'call').length).toBe(1);
});

test('a deadline that passes after sending is answered unknown at once, and the worker is told', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  const late = watch(house.call('work', {}, { timeoutMs: 100 }));
  await house.clock.advance(100);
  expect(late.outcome()).toMatchObject({ error: { code: 'deadline_exceeded', execution: 'unknown' } });
  expect(worker?.received.map(({ type }) => type)).toEqual(['welcome', 'call', 'cancel']);
});

test('the worker is told how much time is left, not how much there was', async () => {
  const house = new Harness(open, { size: 1 });
  watch(house.call('work', {}, { timeoutMs: 1_000 }));
  await house.clock.advance(400);
  const [worker] = await house.start();
  await settle();
  expect(worker?.calls[0]?.timeoutMs).toBe(600);
});

test('a call without a time-out of its own has the one of its pool', async () => {
  const house = new Harness(open, { size: 1, timeoutMs: 50 });
  await house.start();
  const call = watch(house.call('work'));
  await house.clock.advance(50);
  expect(call.outcome()).toMatchObject({ error: { code: 'deadline_exceeded' } });
});

test.each([
  [-1, 'invalid_argument'],
  [Number.NaN, 'invalid_argument'],
])('a time-out of %s is refused', async (timeoutMs, code) => {
  const house = new Harness(open);
  await expect(house.call('work', {}, { timeoutMs })).rejects.toMatchObject({ code });
});

test('an aborted caller in the queue is answered cancelled, not started, and leaves the queue', async () => {
  const house = new Harness(open, { size: 1 });
  await house.start();
  watch(house.call('work'));
  const abort = new AbortController();
  const call = house.call('work', {}, { signal: abort.signal });
  abort.abort(new Error('left'));
  await expect(call).rejects.toMatchObject({ code: 'cancelled', execution: 'not_started', cause: abort.signal.reason });
  expect(house.pool.queued).toBe(0);
});

test('an aborted caller after sending is answered at once, and the worker stays busy until it says so', async () => {
  const house = new Harness({ ...open, ignoresCancel: true }, { size: 1 });
  const [worker] = await house.start();
  const abort = new AbortController();
  const call = house.call('work', {}, { signal: abort.signal });
  await settle();
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled', execution: 'unknown' });
  const next = watch(house.call('work'));
  await settle();
  expect(worker?.calls.length).toBe(1);
  worker?.send({ type: 'result', callId: worker.calls[0]?.callId ?? 0, value: 'too late' });
  await settle();
  expect(worker?.calls.length).toBe(1);
  expect(next.outcome()).toBe('pending');
  expect(house.eventsOf('worker.frame_dropped')).toEqual([]);
});

test('one signal ends many calls, without a warning of a leak, and keeps no listener', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const house = new Harness(open, { size: 20 });
  await house.start();
  const abort = new AbortController();
  const calls = Array.from({ length: 30 }, () => watch(house.call('work', {}, { signal: abort.signal })));
  await settle();
  abort.abort();
  await settle();
  process.off('warning', onWarning);
  expect(calls.every((call) => call.outcome() !== 'pending')).toBe(true);
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  expect(warnings).toEqual([]);
});

test('a call that ended leaves no listener on its signal', async () => {
  const house = new Harness(echo);
  await house.start();
  const abort = new AbortController();
  await house.call('echo', {}, { signal: abort.signal });
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

test('a signal that was aborted before sends nothing', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  await expect(house.call('work', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
    execution: 'not_started',
  });
  expect(worker?.received.map(({ type }) => type)).toEqual(['welcome']);
});

test('a signal that aborts because time is up means deadline_exceeded', async () => {
  const house = new Harness(open, { size: 1 });
  await house.start();
  const abort = new AbortController();
  const call = house.call('work', {}, { signal: abort.signal });
  await settle();
  abort.abort(new DOMException('too slow', 'TimeoutError'));
  await expect(call).rejects.toMatchObject({ code: 'deadline_exceeded', execution: 'unknown' });
});

test('a worker that ignores a cancellation beyond the grace is killed when the pool says so', async () => {
  const house = new Harness({ ...open, ignoresCancel: true }, { size: 1, cancelGraceMs: 300 });
  const [worker] = await house.start();
  const abort = new AbortController();
  watch(house.call('work', {}, { signal: abort.signal }));
  await settle();
  abort.abort();
  await house.clock.advance(299);
  expect(worker?.isAlive).toBe(true);
  await house.clock.advance(1);
  expect(worker?.isAlive).toBe(false);
});

test('a worker that obeys a cancellation within the grace lives on', async () => {
  const house = new Harness(open, { size: 1, cancelGraceMs: 300 });
  const [worker] = await house.start();
  const abort = new AbortController();
  watch(house.call('work', {}, { signal: abort.signal }));
  await settle();
  abort.abort();
  await house.clock.advance(1_000);
  expect(worker?.isAlive).toBe(true);
});

test('without a grace a worker may ignore a cancellation for ever', async () => {
  const house = new Harness({ ...open, ignoresCancel: true }, { size: 1 });
  const [worker] = await house.start();
  watch(house.call('work', {}, { timeoutMs: 10 }));
  await house.clock.advance(3_600_000);
  expect(worker?.isAlive).toBe(true);
});

test('the sent call of a dead worker ends as worker_lost, execution unknown', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  const call = house.call('work');
  await settle();
  worker?.exit({ signal: 'SIGKILL' });
  await expect(call).rejects.toMatchObject({ code: 'worker_lost', execution: 'unknown', retryable: false });
});

test('a waiting call survives the death of the worker', async () => {
  const house = new Harness({ tools: { work: (_args, { frame }) => frame.attempt } }, { size: 1 });
  const [worker] = await house.start();
  worker?.exit({ signal: 'SIGKILL' });
  const call = house.call('work');
  await house.clock.advance(1_000);
  await house.start();
  await expect(call).resolves.toBe(1);
});

test('an idempotent call of a dead worker succeeds on another one as its second attempt', async () => {
  const house = new Harness(
    ({ workerId }) => ({ tools: { work: workerId === 'test-0' ? never : (_args, { frame }) => frame.attempt } }),
    { size: 2 },
  );
  const [first] = await house.start();
  const call = house.call('work', {}, { idempotent: true });
  await settle();
  expect(first?.calls.length).toBe(1);
  first?.exit({ signal: 'SIGKILL' });
  await expect(call).resolves.toBe(2);
});

test('an idempotent call that outlives its attempts ends as worker_lost', async () => {
  const house = new Harness(open, { size: 3, maxAttempts: 2 });
  const workers = await house.start();
  const call = watch(house.call('work', {}, { idempotent: true }));
  for (const worker of workers) {
    await settle();
    if (worker.calls.length > 0) worker.exit({ signal: 'SIGSEGV' });
  }
  await settle();
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost', details: { attempt: 2 } } });
  expect(workers.filter(({ isAlive }) => isAlive).length).toBe(1);
});

test('an idempotent call whose time is over is not tried again, and may have been executed', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  const call = watch(house.call('work', {}, { idempotent: true, timeoutMs: 500 }));
  await settle();
  worker?.exit({ signal: 'SIGKILL' });
  await house.clock.advance(500);
  expect(call.outcome()).toMatchObject({ error: { code: 'deadline_exceeded', execution: 'unknown' } });
  const [next] = await house.start();
  await settle();
  expect(next?.received.map(({ type }) => type)).toEqual(['welcome']);
});

test('a call that a worker hands back unstarted goes to another one', async () => {
  const house = new Harness(
    ({ workerId }) => ({
      tools: {
        work: () => {
          if (workerId === 'test-0')
            throw new CoilyardError('pool_unavailable', 'draining', { execution: 'not_started' });
          return workerId;
        },
      },
    }),
    { size: 2 },
  );
  const [first] = await house.start();
  house.telemetry.on('call.started', () => first?.send({ type: 'draining' }));
  await expect(house.call('work')).resolves.toBe('test-1');
});

test('a draining worker gets no more calls and may finish those in hand', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  const inHand = house.call('work');
  await settle();
  worker?.send({ type: 'draining' });
  await settle();
  const waits = watch(house.call('work'));
  worker?.send({ type: 'result', callId: worker.calls[0]?.callId ?? 0, value: 'done' });
  await expect(inHand).resolves.toBe('done');
  await settle();
  expect(worker?.calls).toEqual([]);
  expect(waits.outcome()).toBe('pending');
});

test('an unavailable pool refuses the calls that wait and those that come, with the cause and the time left', async () => {
  const house = new Harness(echo);
  const waiting = house.call('echo');
  house.pool.markUnavailable(5_000, new Error('it keeps crashing'));
  await expect(waiting).rejects.toMatchObject({
    code: 'pool_unavailable',
    execution: 'not_started',
    retryAfterMs: 5_000,
  });
  await house.clock.advance(2_000);
  await expect(house.call('echo')).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining('it keeps crashing'),
    retryAfterMs: 3_000,
  });
});

test('a pool that is unavailable for no time at all refuses what waits and lets new calls wait', async () => {
  const house = new Harness(echo);
  const waiting = house.call('echo');
  house.pool.markUnavailable(0, new Error('the start failed'));
  await expect(waiting).rejects.toMatchObject({ code: 'pool_unavailable', message: /the start failed/ });
  const next = house.call('echo', { text: 'back' });
  await house.start(0);
  await expect(next).resolves.toBe('back');
});

test('an unavailable pool serves again with the first worker that is ready', async () => {
  const house = new Harness(echo);
  house.pool.markUnavailable(60_000, 'broken');
  await house.start(0);
  await expect(house.call('echo', { text: 'back' })).resolves.toBe('back');
});

test('an unavailable pool lets calls wait again once its time is over', async () => {
  const house = new Harness(echo);
  house.pool.markUnavailable(1_000, 'broken');
  await house.clock.advance(1_000);
  const call = house.call('echo', { text: 'back' });
  await house.start(0);
  await expect(call).resolves.toBe('back');
});

test('calls that wait hear why the last worker could not start', async () => {
  const house = new Harness(() => {
    throw new CoilyardError('pool_unavailable', 'python3 lacks grpcio. Install it.', {
      details: { remedy: 'Install it' },
    });
  });
  const call = house.call('echo');
  const starts = [0, 1].map((place) => house.pool.startWorker(undefined, place));
  for (const start of starts) await expect(start).rejects.toMatchObject({ code: 'pool_unavailable' });
  await expect(call).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining('lacks grpcio'),
    details: { remedy: 'Install it' },
  });
});

test('calls go on waiting while another worker may come', async () => {
  const house = new Harness(({ workerId }) => {
    if (workerId === 'test-0') throw new Error('no');
    return { ...echo, greets: false };
  });
  const call = watch(house.call('echo'));
  const starts = [0, 1].map((place) => watch(house.pool.startWorker(undefined, place)));
  await settle();
  expect(starts[0]?.outcome()).toMatchObject({ error: { code: 'pool_unavailable' } });
  expect(call.outcome()).toBe('pending');
});

test('a closed pool refuses what waits and what comes; what is in hand may end', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  const inHand = house.call('work');
  await settle();
  const waiting = house.call('work');
  house.pool.close();
  await expect(waiting).rejects.toMatchObject({ code: 'pool_unavailable', execution: 'not_started' });
  await expect(house.call('work')).rejects.toMatchObject({ code: 'pool_unavailable' });
  worker?.send({ type: 'result', callId: worker.calls[0]?.callId ?? 0, value: 'done' });
  await expect(inHand).resolves.toBe('done');
});

test('closing the pool ends starts that are under way', async () => {
  const house = new Harness({ greets: false });
  const start = house.pool.startWorker(undefined, 0);
  await settle();
  house.pool.close();
  await expect(start).rejects.toMatchObject({ code: 'pool_unavailable' });
  await settle();
  expect(house.launcher.living).toEqual([]);
  expect(house.clock.pendingTimers).toBe(0);
});

test('an answer to a call that nobody made is dropped and counted', async () => {
  const house = new Harness(open, { size: 1 });
  const [worker] = await house.start();
  worker?.send({ type: 'result', callId: 77, value: 1 });
  worker?.send({ type: 'chunk', callId: 77, value: 1 });
  await settle();
  expect(house.eventsOf('worker.frame_dropped').map(({ frame }) => frame)).toEqual(['result', 'chunk']);
});

test('each call starts and ends once in telemetry, with its code', async () => {
  const house = new Harness(echo, { size: 1 });
  await house.start();
  await house.call('echo', { text: 'a' }, { sessionId: sessionId('s') });
  await house.call('nothing').catch(() => {});
  expect(house.eventsOf('call.started')).toMatchObject([
    { pool: 'test', callId: 1, target: 'echo', sessionId: 's', workerId: null },
    { callId: 2, target: 'nothing', sessionId: null },
  ]);
  expect(house.eventsOf('call.ended')).toMatchObject([
    { callId: 1, code: 'ok', durationMs: 0, workerId: 'test-0' },
    { callId: 2, code: 'tool_not_found', workerId: null },
  ]);
});

test('the pool lists what its workers announced, and its places', async () => {
  const house = new Harness({ ...open, modules: { Predict: never } }, { size: 2 });
  expect(house.pool.tools).toEqual([]);
  const [worker] = await house.start(0);
  watch(house.call('work'));
  expect(house.pool.tools.map(({ name }) => name)).toEqual(['work']);
  expect(house.pool.modules.map(({ name }) => name)).toEqual(['Predict']);
  expect(house.pool.slots).toEqual([
    { workerId: 'test-0', incarnation: 1, phase: 'ready', pid: worker?.pid, load: 1 },
    { workerId: 'test-1', incarnation: 0, phase: 'idle', pid: null, load: 0 },
  ]);
});

test('a place takes one worker at a time', async () => {
  const house = new Harness(echo, { size: 1 });
  await house.start();
  await expect(house.pool.startWorker(undefined, 0)).rejects.toMatchObject({ details: { reason: 'already_started' } });
  await expect(house.pool.startWorker(undefined, 1)).rejects.toMatchObject({ code: 'invalid_argument' });
});

test('nothing is armed once every call has ended and every worker is gone', async () => {
  const house = new Harness(open, { size: 2, cancelGraceMs: 1_000 });
  const workers = await house.start();
  const calls = [1, 2, 3].map((n) => watch(house.call('work', {}, { timeoutMs: 1_000 * n, idempotent: n === 1 })));
  await settle();
  for (const worker of workers) worker.exit({ signal: 'SIGKILL' });
  await house.clock.advance(5_000);
  expect(calls.every((call) => call.outcome() !== 'pending')).toBe(true);
  expect(house.clock.pendingTimers).toBe(0);
});

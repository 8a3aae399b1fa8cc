import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { Harness, never, settle, watch } from './harness.js';

const echo = { tools: { echo: (args: ReadonlyMap<string, unknown>) => args.get('text') } };
/** Leaves every call open for the test to answer. */
const open = { tools: { work: never } };

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

import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { sessionId } from '../../../src/kernel/ids.js';
import { Harness, never, settle, watch } from './harness.js';

const echo = { tools: { echo: (args: ReadonlyMap<string, unknown>) => args.get('text') } };
/** Leaves every call open for the test to answer. */
const open = { tools: { work: never } };

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

test('places that fail in turns do not keep each other’s callers waiting', async () => {
  const house = new Harness({ greets: false }, { size: 2 });
  const call = watch(house.call('echo'));
  const whole = watch(house.pool.whole());
  const start = async (place: number) => {
    watch(house.pool.startWorker(undefined, place));
    await settle();
  };
  const fail = async (place: number) => {
    house.launcher.living.find(({ order }) => order.workerId === `test-${place}`)?.exit({ code: 3, stderr: ['no'] });
    await settle();
  };
  await start(0);
  await start(1);
  await fail(0);
  await start(0);
  expect([call.outcome(), whole.outcome()]).toEqual(['pending', 'pending']);
  await fail(1);
  const error = { code: 'pool_unavailable', execution: 'not_started', retryAfterMs: expect.any(Number) };
  expect([call.outcome(), whole.outcome()]).toMatchObject([{ error }, { error }]);
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
  worker?.send({ type: 'heartbeat', loopLagMs: 4, callIds: [1], residentBytes: 5_000 });
  await settle();
  expect(house.pool.tools.map(({ name }) => name)).toEqual(['work']);
  expect(house.pool.modules.map(({ name }) => name)).toEqual(['Predict']);
  expect(house.pool.slots).toEqual([
    {
      workerId: 'test-0',
      incarnation: 1,
      phase: 'ready',
      pid: worker?.pid,
      load: 1,
      calls: 1,
      residentBytes: 5_000,
      loopLagMs: 4,
    },
    { workerId: 'test-1', incarnation: 0, phase: 'idle', pid: null, load: 0, calls: 0, residentBytes: 0, loopLagMs: 0 },
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

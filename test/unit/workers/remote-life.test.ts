import { expect, test } from 'vitest';
import type { Process } from '../../../src/kernel/process.js';
import { incarnation, type WorkerId } from '../../../src/kernel/ids.js';
import type { CoilyardError } from '../../../src/kernel/errors.js';
import type { RuntimeFrame } from '../../../src/wire/frames.js';
import { Harness, never, settle, watch } from './harness.js';

/** A pool with one place for a worker that somebody else starts, kept open as a supervisor would. */
async function aHouse() {
  const house = new Harness({}, { size: 1, heartbeatIntervalMs: 1_000, allowedMisses: 3 });
  const lives: Promise<Process>[] = [];
  const open = async (place: number): Promise<void> => {
    if (place > 0) lives.push(house.pool.startWorker(undefined, place));
    else await house.pool.startWorker(undefined, place);
  };
  await house.pool.staff({ open, close: never });
  const { workerId, token } = await house.pool.invite();
  return { house, workerId, token, again: () => open(1), lives };
}

/** Somebody's worker, by hand. */
function dialIn(house: Harness, workerId: WorkerId, token: string) {
  const heard: RuntimeFrame[] = [];
  const ended: (CoilyardError | undefined)[] = [];
  const receiver = house.registry.accept({
    send: (frame) => heard.push(frame) > 0,
    close: (error) => void ended.push(error),
  });
  const tools = [{ name: 'work', description: '', parametersSchema: '{}', streaming: false }];
  const who = { type: 'hello', token, workerId, incarnation: incarnation(1), pid: 7, concurrency: 1 } as const;
  receiver.receive({ ...who, pythonVersion: '', sdkVersion: '', tools, modules: [] });
  const beat = () => receiver.receive({ type: 'heartbeat', loopLagMs: 0, callIds: [], residentBytes: 0 });
  return { heard, ended, receiver, beat };
}

test('a worker that nobody here watches over has a lease, and hears a sign of life in every interval of it', async () => {
  const { house, workerId, token } = await aHouse();
  const { heard, beat } = dialIn(house, workerId, token);
  await settle();
  expect(heard).toMatchObject([{ type: 'welcome', heartbeatIntervalMs: 1_000, leaseMs: 3_000 }]);
  for (let n = 1; n <= 5; n += 1) {
    await house.clock.advance(1_000);
    beat();
    expect(heard.filter(({ type }) => type === 'pulse')).toHaveLength(n);
  }
});

test('a worker whose process is watched over has no lease and hears no beat', async () => {
  const { house } = await aHouse();
  await house.clock.advance(10_000);
  const [local] = house.launcher.workers;
  expect(local?.received.map((frame) => [frame.type, 'leaseMs' in frame])).toEqual([['welcome', false]]);
});

test('a worker whose connection breaks off was disconnected, which is not held against its call', async () => {
  const { house, workerId, token, lives } = await aHouse();
  const { receiver, heard } = dialIn(house, workerId, token);
  await settle();
  const call = watch(house.call('work'));
  await settle();
  expect(heard.at(-1)).toMatchObject({ type: 'call' });
  receiver.closed(new Error('broken off'));
  await house.clock.advance(1_000);
  expect(house.eventsOf('worker.exited')).toMatchObject([{ workerId, cause: 'disconnected' }]);
  expect(call.outcome()).toMatchObject({ error: { code: 'worker_lost' } });
  const life = await lives[0];
  expect(await life?.exited).toMatchObject({ type: 'error', error: { code: 'worker_lost' } });
});

test('a worker that is gone may come back with its token, hears nothing of its life before, and starts without sessions', async () => {
  const { house, workerId, token, again } = await aHouse();
  const first = dialIn(house, workerId, token);
  await settle();
  const before = house.registry.workerOf(token);
  expect(before?.grant.isClosed).toBe(false);
  first.receiver.closed(new Error('broken off'));
  expect(before?.grant.isClosed).toBe(true);
  expect(house.registry.workerOf(token)?.grant.isClosed).toBe(true);
  await house.clock.advance(1_000);
  void again();
  await settle();
  expect(house.registry.workerOf(token)?.grant.isClosed).toBe(false);
  const second = dialIn(house, workerId, token);
  await house.clock.advance(1_000);
  expect(second.heard.map(({ type }) => type)).toEqual(['welcome', 'pulse']);
  expect(first.heard.map(({ type }) => type)).toEqual(['welcome']);
});

test('a worker that gives no sign of life is let go at once: nobody here would hear its last words', async () => {
  const { house, workerId, token } = await aHouse();
  const { ended } = dialIn(house, workerId, token);
  await settle();
  await house.clock.advance(3_000);
  expect(ended).toEqual([]);
  await house.clock.advance(1_000);
  expect(ended).toHaveLength(1);
});

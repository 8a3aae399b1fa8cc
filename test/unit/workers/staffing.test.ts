import { expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import type { Process } from '../../../src/kernel/process.js';
import type { Script } from '../../../src/testing/scripted-worker.js';
import type { PoolOptions } from '../../../src/workers/pool-options.js';
import { Harness, never, settle, watch } from './harness.js';

/** A pool whose places are opened and closed as a supervisor would. */
async function aStaffedPool(script: Script, options: PoolOptions): Promise<Harness> {
  const house = new Harness(script, options);
  const lives = new Map<number, Promise<Process>>();
  await house.pool.staff({
    open: async (place) => {
      const life = house.pool.startWorker(undefined, place);
      life.catch(() => {});
      lives.set(place, life);
    },
    close: async (place) => {
      const life = await lives.get(place);
      life?.exit(exitReason.shutdown);
      await life?.exited;
    },
  });
  await settle();
  return house;
}

const open: Script = { tools: { work: never, quick: () => 'done' } };
const ids = (house: Harness): string[] => house.pool.slots.map(({ workerId }) => workerId);

test('a pool starts with its fewest workers and grows one by one while calls wait', async () => {
  const house = await aStaffedPool(open, { min: 1, max: 3, scaleUpAfterMs: 200 });
  expect(ids(house)).toEqual(['test-0']);
  for (let n = 0; n < 5; n += 1) watch(house.call('work'));
  await house.clock.advance(199);
  expect(ids(house)).toHaveLength(1);
  await house.clock.advance(101);
  expect(ids(house)).toHaveLength(2);
  await house.clock.advance(1_000);
  expect(ids(house)).toEqual(['test-0', 'test-1', 'test-2']);
  expect(house.pool.queued).toBe(2);
  house.pool.close();
});

test('workers beyond the fewest are ended when they have been idle, and not before', async () => {
  const house = await aStaffedPool(open, { min: 1, max: 2, scaleUpAfterMs: 100, scaleDownAfterMs: 5_000 });
  const calls = [watch(house.call('work')), watch(house.call('work'))];
  await house.clock.advance(500);
  expect(ids(house)).toHaveLength(2);
  await house.clock.advance(60_000);
  expect(ids(house)).toHaveLength(2);
  for (const worker of house.launcher.workers)
    for (const { callId } of worker.calls) worker.send({ type: 'result', callId, value: 1 });
  await house.clock.advance(4_800);
  expect(ids(house)).toHaveLength(2);
  await house.clock.advance(1_000);
  expect(ids(house)).toEqual(['test-0']);
  expect(calls.map(({ outcome }) => outcome())).toEqual([{ value: 1 }, { value: 1 }]);
  house.pool.close();
});

test.each<[string, PoolOptions, (house: Harness) => Promise<void>]>([
  [
    'calls',
    { maxCalls: 3 },
    async (house) => {
      for (let n = 0; n < 3; n += 1) await house.call('quick');
    },
  ],
  ['age', { maxAgeMs: 10_000 }, async (house) => void (await house.clock.advance(10_000))],
  [
    'memory',
    { maxResidentBytes: 100 },
    async (house) =>
      house.launcher.workers[0]?.send({ type: 'heartbeat', loopLagMs: 0, callIds: [], residentBytes: 100 }),
  ],
])('a worker is replaced for its %s, by one that is ready before it goes', async (why, options, wear) => {
  const house = await aStaffedPool(open, { size: 1, recycleJitter: 0, ...options });
  const recycled: unknown[] = [];
  house.telemetry.on('worker.recycled', (event) => recycled.push(event));
  await house.clock.advance(200);
  expect(ids(house)).toEqual(['test-0']);
  await wear(house);
  await settle();
  await house.clock.advance(100);
  await house.clock.advance(100);
  expect(recycled).toEqual([{ pool: 'test', workerId: 'test-0', incarnation: 1, why }]);
  expect(house.pool.slots.find(({ workerId }) => workerId === 'test-1')?.phase).toBe('ready');
  await house.clock.advance(300);
  expect(ids(house)).toEqual(['test-1']);
  expect(house.launcher.living).toHaveLength(1);
  house.pool.close();
});

test('a worker that is being replaced finishes its calls, however long they take', async () => {
  const house = await aStaffedPool(
    { tools: { work: never } },
    { size: 1, concurrency: 2, maxCalls: 1, recycleJitter: 0 },
  );
  const first = watch(house.call('work'));
  await house.clock.advance(1_000);
  expect(ids(house)).toEqual(['test-0', 'test-1']);
  const second = watch(house.call('work'));
  await house.clock.advance(3_600_000);
  const [old, replacement] = house.launcher.workers;
  expect(old?.calls).toHaveLength(1);
  expect(replacement?.calls).toHaveLength(1);
  old?.send({ type: 'result', callId: 1, value: 'late' });
  await house.clock.advance(1_000);
  expect(first.outcome()).toEqual({ value: 'late' });
  expect(second.outcome()).toBe('pending');
  expect(old?.isAlive).toBe(false);
  house.pool.close();
});

test('workers are replaced one at a time, and no call fails by it', async () => {
  const house = await aStaffedPool(open, { size: 4, maxCalls: 5, recycleJitter: 0.5 });
  const most: number[] = [];
  for (let round = 0; round < 60; round += 1) {
    await Promise.all([1, 2, 3, 4].map(() => expect(house.call('quick')).resolves.toBe('done')));
    await house.clock.advance(100);
    most.push(house.launcher.living.length);
  }
  expect(Math.max(...most)).toBe(5);
  expect(Math.min(...most)).toBe(4);
  expect(house.launcher.workers.length).toBeGreaterThan(8);
  house.pool.close();
});

test('a replacement that does not start leaves the old worker at work', async () => {
  let lives = 0;
  const house = new Harness(
    () => {
      lives += 1;
      if (lives > 1) throw new Error('no more of them');
      return open;
    },
    { size: 1, maxCalls: 1, recycleJitter: 0 },
  );
  await house.pool.staff({
    open: async (place) => void house.pool.startWorker(undefined, place).catch(() => {}),
    close: async () => {},
  });
  await settle();
  await house.call('quick');
  await house.clock.advance(5_000);
  expect(lives).toBe(2);
  await expect(house.call('quick')).resolves.toBe('done');
  await house.clock.advance(31_000);
  expect(lives).toBeGreaterThan(2);
  house.pool.close();
});

test('no more workers start at the same time than are allowed', async () => {
  const house = new Harness({ greets: false }, { size: 5, maxStarting: 2 });
  const starts = [0, 1, 2, 3, 4].map((place) => watch(house.pool.startWorker(undefined, place)));
  await settle();
  expect(house.launcher.workers).toHaveLength(2);
  house.launcher.workers[0]?.hello();
  await settle();
  expect(house.launcher.workers).toHaveLength(3);
  for (let n = 1; n < 5; n += 1) {
    house.launcher.workers[n]?.hello();
    await settle();
  }
  expect(starts.every(({ outcome }) => typeof outcome() === 'object')).toBe(true);
});

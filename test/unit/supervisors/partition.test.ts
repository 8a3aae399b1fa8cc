import { expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { exitReason, spawnServer, startPartitionSupervisor } from '../../../supervisors/index.js';
import { partitionOf } from '../../../supervisors/partition-supervisor.js';
import { failure } from './fixtures.js';

const numbered = (partitions: number) =>
  startPartitionSupervisor({
    partitions,
    start: (parent, index) =>
      spawnServer({
        parent,
        init: () => ({ state: index }),
        handleCall: (_message: unknown, _from: (reply: number) => void, state: number) => ({ reply: state, state }),
      }),
  });

test('S92 the children have the ids 0 to n-1, and an integer k is served by |k| mod n', async () => {
  const supervisor = await numbered(3);
  expect((await supervisor.whichChildren()).map(({ id }) => id)).toEqual([2, 1, 0]);
  for (const [key, index] of [
    [0, 0],
    [4, 1],
    [-5, 2],
    [-7n, 1],
  ] as const)
    expect(await supervisor.which(key)?.call('who')).toBe(index);
});

test('S92 any other key is served by a hash of its contents, always by the same partition', async () => {
  const supervisor = await numbered(4);
  for (const key of ['user:1', { id: 7 }, 1.5, true, null, undefined, Symbol('s'), ['a']])
    expect(supervisor.which(key)).toBe(supervisor.which(key));
  expect(partitionOf({ id: 7 }, 4)).toBe(partitionOf({ id: 7 }, 4));
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 4000; index += 1) {
    const partition = partitionOf(`user:${index}`, 4);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
});

test('S92 a partition is restarted by itself, into the same slot; meanwhile nobody serves its keys', async () => {
  const supervisor = await numbered(2);
  const [first, second] = [supervisor.which(0), supervisor.which(1)];
  second?.exit(exitReason.killed);
  expect(supervisor.which(1)).toBeUndefined();
  await settle();
  expect(await supervisor.which(1)?.call('who')).toBe(1);
  expect(supervisor.which(1)).not.toBe(second);
  expect(supervisor.which(0)).toBe(first);
});

test('a partition that fails to start fails the start, with its number', async () => {
  const error = await failure(
    startPartitionSupervisor({
      partitions: 3,
      start: (parent, index) => {
        if (index === 2) throw new Error('no');
        return spawnServer({ parent, init: () => ({ state: 0 }) });
      },
    }),
  );
  expect(error).toMatchObject({ details: { reason: 'failed_to_start_child', childId: 2 } });
});

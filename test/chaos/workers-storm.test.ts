/**
 * Workers that die and hang in the middle of everything. A few cycles here; `npm run chaos` has the long run.
 */

import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { CoilyardError } from '../../src/kernel/errors.js';
import { eventually, isRunning } from '../support/processes.js';
import { aPythonRuntime, lively, type PythonHouse } from '../support/python-runtime.js';

const CYCLES = Number(process.env.COILYARD_CHAOS_CYCLES ?? 3);
const CALLS = Number(process.env.COILYARD_CHAOS_CALLS ?? 60);
const SIZE = 6;
/** Signals that end a worker, each in its way; after SIGSTOP it is the silence that ends it. */
const deaths = ['SIGKILL', 'SIGSTOP', 'SIGSEGV'] as const;

interface Kind {
  readonly call: (house: PythonHouse, n: number) => Promise<unknown>;
  /** How it ends when no worker dies of it. */
  readonly well: (outcome: unknown, n: number) => boolean;
}

const failsWith =
  (code: string) =>
  (outcome: unknown): boolean =>
    outcome instanceof CoilyardError && outcome.code === code;

const kinds: readonly Kind[] = [
  { call: ({ python }, n) => python.call('add', { a: n, b: 1 }), well: (sum, n) => sum === n + 1 },
  {
    call: ({ python }, n) => python.call('echo', { value: [n, 'again'] }, { idempotent: true }),
    well: (echoed, n) => JSON.stringify(echoed) === JSON.stringify([n, 'again']),
  },
  { call: ({ python }) => python.call('wait', { seconds: 0.1 }), well: (said) => said === 'slept' },
  { call: ({ python }) => python.call('block', { seconds: 0.05 }), well: (said) => said === 'slept' },
  { call: ({ python }) => python.call('noise', { lines: 20 }), well: (said) => said === 'quiet now' },
  { call: ({ python }) => python.call('fail', { message: 'as it should' }), well: failsWith('python_error') },
  {
    call: ({ python }) => python.call('wait', { seconds: 60 }, { timeoutMs: 100 }),
    well: failsWith('deadline_exceeded'),
  },
  {
    call: async ({ python }) => {
      const stop = new AbortController();
      const call = python.call('wait', { seconds: 60 }, { signal: stop.signal });
      setImmediate(() => stop.abort());
      return call;
    },
    well: failsWith('cancelled'),
  },
  {
    call: async ({ python }) => {
      const chunks: unknown[] = [];
      for await (const chunk of python.stream('count_sync', { to: 30 })) chunks.push(chunk);
      return chunks.length;
    },
    well: (count) => count === 30,
  },
  {
    call: async ({ python, runtime }, n) => {
      const session = await runtime.sessions.start();
      try {
        return await python.call('ask', { name: 'double', arguments: { n } }, { session });
      } finally {
        await session.stop();
      }
    },
    well: (outcome, n) => JSON.stringify(outcome) === JSON.stringify({ result: 2 * n }),
  },
];

const isLost = (outcome: unknown): boolean =>
  outcome instanceof CoilyardError && outcome.code === 'worker_lost' && outcome.execution === 'unknown';

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test('workers die and hang under calls of every kind: each ends once and right, and nothing leaks', async () => {
  const before = openDescriptors();
  const seen = new Set<number>();
  const wrong: unknown[] = [];
  const endings = { well: 0, lost: 0 };
  {
    await using house = await aPythonRuntime({
      size: SIZE,
      concurrency: 4,
      ...lively,
      maxQueue: 10_000,
      // The workers that die here do not die of a call.
      poisonAfter: 1_000,
    });
    house.runtime.tools.register('double', ({ n }) => 2 * Number(n));
    await house.ready(SIZE);
    for (let cycle = 0; cycle < CYCLES; cycle += 1) {
      const calls = Array.from({ length: CALLS }, async (_, n) => {
        const kind = kinds[n % kinds.length];
        const outcome = await kind?.call(house, n).catch((error: unknown) => error);
        if (kind?.well(outcome, n) === true) endings.well += 1;
        else if (isLost(outcome)) endings.lost += 1;
        else wrong.push({ kind: n % kinds.length, outcome });
      });
      await sleep(50);
      // Each worker in its turn: one that is hit every time would be left alone for a while, as a pool should.
      const pids = house.pids;
      const victims = [2 * cycle, 2 * cycle + 1].flatMap((victim) => pids[victim % pids.length] ?? []);
      for (const pid of victims) process.kill(pid, deaths[cycle % deaths.length]);
      await Promise.all(calls);
      await house.missed(victims);
      await eventually(() => house.pids.length === SIZE, 'the pool is whole again');
      for (const pid of house.pids) seen.add(pid);
    }
  }
  expect(wrong).toEqual([]);
  expect(endings.well + endings.lost).toBe(CYCLES * CALLS);
  expect(endings.well).toBeGreaterThan((CYCLES * CALLS) / 2);
  await eventually(() => ![...seen].some(isRunning), 'no worker is left');
  await eventually(() => openDescriptors() <= before, `no more than ${before} descriptors are open`);
  if (process.env.COILYARD_CHAOS_CYCLES !== undefined) console.log(`${JSON.stringify(endings)}, ${seen.size} workers`);
}, 900_000);

test('memory bombs under a limit fail alone, again and again, while other calls go on', async () => {
  await using house = await aPythonRuntime({ size: 2, concurrency: 2, rlimits: { core: 0, as: 6_000_000_000 } });
  await house.ready(2);
  const calls = Array.from({ length: 20 }, async (_, n) => {
    if (n % 2 === 0) return house.python.call('add', { a: n, b: 0 });
    return house.python.call('hoard', { size: 64_000_000_000 }).catch((error: unknown) => error);
  });
  for (const [n, outcome] of (await Promise.all(calls)).entries())
    if (n % 2 === 0) expect(outcome).toBe(n);
    else expect(outcome).toMatchObject({ code: 'python_error', details: { type: 'MemoryError' } });
  expect(house.python.workers().map(({ incarnation }) => Number(incarnation))).toEqual([1, 1]);
});

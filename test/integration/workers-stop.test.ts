import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { StartMode } from '../../src/workers/launcher.js';
import { eventually, marked } from '../support/processes.js';
import { aPythonRuntime } from '../support/python-runtime.js';

const isLinux = process.platform === 'linux';

/** Two workers that carry a mark, and so does all that they start. */
async function aHouse(start: StartMode) {
  const mark = randomUUID();
  const house = await aPythonRuntime({
    size: 2,
    start,
    imports: ['worker_tools', 'zygote_tools'],
    env: { COILYARD_TEST_MARK: mark },
    drainTimeoutMs: 100,
    killGraceMs: 50,
  });
  return { house, mark };
}

test.skipIf(!isLinux).each([
  ['spawn', 'at once', 1],
  ['zygote', 'at once', 1],
  ['spawn', 'after a while', 200],
  ['zygote', 'after a while', 200],
  ['spawn', 'in order', 10_000],
  ['zygote', 'in order', 10_000],
] as const)('once a stop has ended no process is left: %s, %s', async (start, _how, timeoutMs) => {
  const { house, mark } = await aHouse(start);
  await house.ready(2);
  const exits = house.record('worker.exited');
  // Processes of their own, in the worker's group and out of it, and memory that takes time to give back.
  for (const tool of ['renegade', 'relative']) await Promise.all([1, 2].map(() => house.python.call(tool)));
  await Promise.all([1, 2].map(() => house.python.call('hoard', { size: 200_000_000 })));
  for (const tool of ['block', 'hang']) house.python.call(tool, { seconds: 600 }).catch(() => {});
  expect(marked(mark).length).toBeGreaterThanOrEqual(6);
  const { failed } = await house.runtime.stop({ timeoutMs });
  expect(marked(mark)).toEqual([]);
  expect(failed).toEqual([]);
  expect(exits.map(({ cause }) => cause)).toEqual(['stopped', 'stopped']);
});

test.skipIf(!isLinux).each([
  ['spawn', 'before anything runs', 0],
  ['zygote', 'before anything runs', 0],
  ['spawn', 'with its first process', 1],
  ['zygote', 'with its first process', 1],
  ['spawn', 'with a few', 3],
  ['zygote', 'with a few', 3],
] as const)('a stop in the middle of a start leaves no process: %s, %s', async (start, _when, processes) => {
  const { house, mark } = await aHouse(start);
  house.python.start().catch(() => {});
  await eventually(() => marked(mark).length >= processes, `${processes} processes run`);
  await house.runtime.stop({ timeoutMs: 1 });
  expect(marked(mark)).toEqual([]);
});

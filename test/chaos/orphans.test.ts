import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { eventually, marked, parentOf } from '../support/processes.js';

const isLinux = process.platform === 'linux';

/** A runtime in a process of its own; everything below it carries `mark` in its environment. */
async function aRuntimeToKill(mode: string): Promise<{ node: ChildProcess; mark: string; workers: number[] }> {
  const mark = randomUUID();
  const node = spawn(
    process.execPath,
    ['--import', './test/support/run-typescript.mjs', './test/support/serve-warm-until-killed.ts', mode, mark],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  node.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await eventually(() => /pids .*\n/.test(printed), 'the workers are ready');
  return { node, mark, workers: [...printed.matchAll(/\d+/g)].map(Number) };
}

// Two workers and four processes that they started; below a zygote or a guardian each.
const LEAST = 6;

test.skipIf(!isLinux).each([
  ['zygote', 'as it is'],
  ['spawn', 'as it is'],
  ['zygote', 'with its workers stopped'],
  ['spawn', 'with its workers stopped'],
  ['zygote', 'with what is above its workers stopped'],
  ['spawn', 'with what is above its workers stopped'],
])('kill -9 of Node leaves nothing behind, children of workers included: %s, %s', async (mode, how) => {
  const { node, mark, workers } = await aRuntimeToKill(mode);
  expect(marked(mark).length).toBeGreaterThanOrEqual(LEAST);
  if (how.includes('its workers stopped')) {
    const stopped = how.includes('above') ? [...new Set(workers.map(parentOf))] : workers;
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  }
  node.kill('SIGKILL');
  await eventually(() => marked(mark).length === 0, 'nothing is left');
});

test.skipIf(!isLinux)('a killed runtime takes nothing along that belongs to another one', async () => {
  const [one, two] = await Promise.all([aRuntimeToKill('zygote'), aRuntimeToKill('zygote')]);
  const before = marked(two.mark);
  one.node.kill('SIGKILL');
  await eventually(() => marked(one.mark).length === 0, 'nothing of the first is left');
  expect(marked(two.mark)).toEqual(before);
  two.node.kill('SIGKILL');
  await eventually(() => marked(two.mark).length === 0, 'nothing of the second is left');
});

test.skipIf(!isLinux)('a suspended runtime goes on where it was, and its workers with it', async () => {
  const { node, mark, workers } = await aRuntimeToKill('zygote');
  node.kill('SIGSTOP');
  const before = marked(mark);
  expect(workers.every((pid) => before.includes(pid))).toBe(true);
  node.kill('SIGKILL');
  await eventually(() => marked(mark).length === 0, 'nothing is left');
});

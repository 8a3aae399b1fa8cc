import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { formatTree, startRuntime } from '../../src/index.js';
import { LeapingClock } from '../support/leaping-clock.js';
import { eventually, isRunning } from '../support/processes.js';
import { aPythonRuntime, lively, type PythonHouse } from '../support/python-runtime.js';

const isLinux = process.platform === 'linux';
const paths = [join(process.cwd(), 'test', 'support', 'python')];
const warm = { start: 'zygote', imports: ['worker_tools', 'zygote_tools'], paths } as const;

interface Birth {
  readonly importedBy: number;
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

const birthOf = async (house: PythonHouse): Promise<Birth> => {
  const birth: Birth = JSON.parse(JSON.stringify(await house.python.call('birth')));
  return birth;
};

test.skipIf(!isLinux)('a worker is a fork of the process that did the imports, in a group of its own', async () => {
  await using house = await aPythonRuntime(warm);
  const birth = await birthOf(house);
  expect(birth.importedBy).toBe(birth.parent);
  expect(birth.pid).not.toBe(birth.parent);
  expect(birth.group).toBe(birth.pid);
  expect(formatTree(house.runtime.tree())).toContain('zygote:worker_tools+zygote_tools');
});

test.skipIf(!isLinux)('what a worker inherits: its name, no token, no signals, one thread of BLAS', async () => {
  await using house = await aPythonRuntime({ ...warm, imports: [...warm.imports, 'numpy', 'dspy'] });
  const found = await house.python.call('surroundings');
  expect(found).toMatchObject({
    signals: { SIGCHLD: '0', SIGPIPE: '1' },
    omp: '1',
    token: [],
    modules: ['dspy', 'numpy'],
    main: 'MainThread',
  });
  const [pid = 0] = house.pids;
  expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('coilyard:defaul\n');
  const shown = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8');
  expect(shown).toContain('coilyard.worker default-0/1');
  expect(shown).not.toContain('COILYARD_WORKER_TOKEN');
  await expect(house.python.call('multiply', { size: 600 })).resolves.toBe(600);
});

test.skipIf(!isLinux)('no two workers draw the same numbers, nor two lives of one', async () => {
  await using house = await aPythonRuntime({ ...warm, imports: [...warm.imports, 'numpy'] });
  const drawn = new Set<unknown>();
  for (let life = 1; life <= 3; life += 1) {
    const numbers = await house.python.call('draw');
    for (const number of Array.isArray(numbers) ? numbers : []) drawn.add(number);
    process.kill((await house.ready(1))[0] ?? 0, 'SIGKILL');
    await eventually(() => (house.python.workers()[0]?.incarnation ?? 0) > life, 'the next life');
  }
  expect(drawn.size).toBe(6);
});

test.skipIf(!isLinux)('no two workers draw the same numbers from what a module made when it was imported', async () => {
  await using house = await aPythonRuntime({ ...warm, imports: ['dice_tools'], size: 3 });
  await house.ready(3);
  // At the same time, so that each goes to another worker.
  const drawn = await Promise.all([1, 2, 3].map(() => house.python.call('roll')));
  expect(new Set(drawn.flat()).size).toBe(15);
});

test.skipIf(!isLinux)('pools with the same environment share a zygote, others have their own', async () => {
  const runtime = await startRuntime({
    python: {
      pools: {
        one: { ...warm, size: 1 },
        two: { ...warm, size: 1 },
        other: { ...warm, size: 1, env: { OTHER: 'yes' } },
      },
    },
  });
  try {
    for (const pool of ['one', 'two', 'other']) await runtime.python.start(pool);
    const parents = await Promise.all(
      ['one', 'two', 'other'].map(async (pool) => {
        const birth: Birth = JSON.parse(JSON.stringify(await runtime.python.call('birth', {}, { pool })));
        return birth.parent;
      }),
    );
    expect(parents[0]).toBe(parents[1]);
    expect(parents[2]).not.toBe(parents[0]);
  } finally {
    await runtime.stop();
  }
});

test.skipIf(!isLinux).each([
  ['thread_at_import', /thread 'busybody', started by the import of thread_at_import/],
  ['channel_at_import', /a channel of gRPC, made in .*channel_at_import\.py:5/],
])('after %s nothing is forked: workers start cold, and what is in the way is named', async (module, objection) => {
  const warnings: string[] = [];
  const imports = [...warm.imports, module];
  const pools = {
    default: { ...warm, imports, start: 'auto', size: 2 },
    strict: { ...warm, imports, size: 1 },
  } as const;
  const runtime = await startRuntime({
    python: { pools },
    logger: { info: () => {}, warn: (message) => warnings.push(message) },
  });
  try {
    const birth: Birth = JSON.parse(JSON.stringify(await runtime.python.call('birth')));
    expect(birth.importedBy).toBe(birth.pid);
    expect(warnings.filter((line) => objection.test(line))).toHaveLength(1);
    await expect(runtime.python.call('birth', {}, { pool: 'strict' })).rejects.toMatchObject({
      code: 'pool_unavailable',
      message: expect.stringMatching(objection),
    });
  } finally {
    await runtime.stop();
  }
});

test.skipIf(!isLinux)('a killed zygote comes back, and so do its workers', async () => {
  await using house = await aPythonRuntime({ ...warm, size: 2 });
  const before = await house.ready(2);
  const { parent } = await birthOf(house);
  process.kill(parent, 'SIGKILL');
  await eventually(() => !before.some(isRunning), 'its workers went with it');
  await house.missed(before);
  await house.ready(2);
  const birth = await birthOf(house);
  expect(birth.parent).not.toBe(parent);
  expect(birth.importedBy).toBe(birth.parent);
});

test.skipIf(!isLinux)('a zygote that takes long to die costs its workers no life but the one it took', async () => {
  const clock = new LeapingClock();
  await using house = await aPythonRuntime(warm, { clock });
  const pids = await house.ready(1);
  const ends = house.record('zygote.exited');
  const { parent } = await birthOf(house);
  process.kill(parent, 'SIGKILL');
  // Long for whoever looks at the clock.
  await eventually(() => {
    clock.leap(1_000);
    return ends.length > 0;
  }, 'it has ended');
  await house.missed(pids);
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
  expect(house.python.workers()).toMatchObject([{ incarnation: 2 }]);
});

test.skipIf(!isLinux)('a zygote that stands still is found out by what it does not say, and replaced', async () => {
  await using house = await aPythonRuntime(warm);
  const [pid = 0] = await house.ready(1);
  const { parent } = await birthOf(house);
  process.kill(parent, 'SIGSTOP');
  process.kill(pid, 'SIGKILL');
  await eventually(() => !isRunning(parent), 'the zygote was killed');
  await house.missed([pid]);
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
});

test.skipIf(!isLinux)('what a dead worker had started goes with it, also from a session of its own', async () => {
  await using house = await aPythonRuntime({ ...warm, size: 1 });
  const started = [Number(await house.python.call('renegade')), Number(await house.python.call('relative'))];
  expect(started.every(isRunning)).toBe(true);
  const [worker = 0] = await house.ready(1);
  process.kill(worker, 'SIGKILL');
  await eventually(() => !started.some(isRunning), 'nothing is left');
  await house.missed([worker]);
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
});

test.skipIf(!isLinux)('so it does from a worker that was started cold and is killed because it hangs', async () => {
  await using house = await aPythonRuntime({ ...warm, start: 'spawn', ...lively });
  const started = [Number(await house.python.call('renegade')), Number(await house.python.call('relative'))];
  const [worker = 0] = await house.ready(1);
  process.kill(worker, 'SIGSTOP');
  await eventually(() => !started.some(isRunning), 'nothing is left');
  await house.missed([worker]);
  await expect(house.python.call('add', { a: 1, b: 2 })).resolves.toBe(3);
});

test.skipIf(!isLinux).each(['zygote', 'spawn'] as const)(
  'what is to be preloaded is, without delaying: %s',
  async (start) => {
    await using house = await aPythonRuntime({ ...warm, start, preload: ['no_such_module', 'colorsys'] });
    await house.ready(1);
    // It preloads while nobody calls.
    while ((await house.python.call('loaded', { name: 'colorsys' })) !== true) await sleep(100);
  },
);

test('start: spawn forks nothing', async () => {
  await using house = await aPythonRuntime({ ...warm, start: 'spawn' });
  const birth = await birthOf(house);
  expect(birth.importedBy).toBe(birth.pid);
  expect(formatTree(house.runtime.tree())).not.toContain('zygote:');
});

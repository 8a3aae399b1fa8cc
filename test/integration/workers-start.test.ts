import { expect, test } from 'vitest';
import { formatTree, startRuntime } from '../../src/index.js';
import { scriptedWorkers } from '../../src/testing/index.js';
import { aPythonRuntime } from '../support/python-runtime.js';

test('starting a pool ends once every worker is ready, and the tree shows which processes they are', async () => {
  await using house = await aPythonRuntime({ size: 2 });
  await house.python.start();
  const pids = house.python.workers().map(({ phase, pid }) => (phase === 'ready' ? pid : null));
  expect(pids.every((pid) => pid !== null)).toBe(true);
  const drawn = formatTree(house.runtime.tree());
  for (const [place, pid] of pids.entries()) expect(drawn).toContain(`default-${place}  ready, pid ${pid}`);
});

test('starting a pool whose workers cannot start fails at once with the cause', async () => {
  await using house = await aPythonRuntime({ imports: ['there_is_no_such_module'] });
  await expect(house.python.start()).rejects.toMatchObject({
    code: 'pool_unavailable',
    message: expect.stringContaining('there_is_no_such_module'),
  });
  expect(formatTree(house.runtime.tree())).toMatch(/default-0 {2}.*(down|starting)/);
});

test('starting a pool that does not exist, or in a runtime that stops, is refused', async () => {
  const runtime = await startRuntime({ python: { launcher: scriptedWorkers({ greets: false }) } });
  await expect(runtime.python.start('other')).rejects.toMatchObject({ code: 'invalid_argument' });
  const starting = expect(runtime.python.start()).rejects.toMatchObject({ code: 'pool_unavailable' });
  await runtime.stop();
  await starting;
  await expect(runtime.python.start()).rejects.toMatchObject({
    code: 'store_unavailable',
    details: { reason: 'runtime_stopped' },
  });
});

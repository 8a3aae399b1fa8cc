import { expect, test } from 'vitest';
import { startRuntime } from '../../../src/index.js';

test('a pool that there is not is refused by name, also where its workers or tools are asked for', async () => {
  await using runtime = await startRuntime({ python: { pools: { gpu: {} } } });
  expect(runtime.python.workers('gpu')).toMatchObject([{ phase: 'idle' }, { phase: 'idle' }]);
  const refused = expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('one of gpu') });
  expect(() => runtime.python.workers('gpi')).toThrow(refused);
  expect(() => runtime.python.tools('gpi')).toThrow(refused);
  await expect(runtime.python.start('gpi')).rejects.toEqual(refused);
  await expect(runtime.python.invite('gpi')).rejects.toEqual(refused);
});

test('a runtime without Python has no workers', async () => {
  await using runtime = await startRuntime({ python: false });
  expect(runtime.python.workers()).toEqual([]);
});

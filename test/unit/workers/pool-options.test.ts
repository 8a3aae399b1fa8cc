import { expect, test } from 'vitest';
import { headcount } from '../../../src/workers/staff-options.js';
import { type PoolOptions, poolSettings } from '../../../src/workers/pool-options.js';

test('every option has a default, and undefined means the default', () => {
  const options: PoolOptions = {};
  Reflect.set(options, 'concurrency', undefined);
  expect(poolSettings('p', options)).toEqual(poolSettings('p', {}));
  expect(poolSettings('p', {})).toMatchObject({ size: 2, concurrency: 1, maxQueue: 1_000, startTimeoutMs: 60_000 });
  expect(poolSettings('p', {}).timeoutMs).toBeUndefined();
});

test.each<[string, object]>([
  ['size', { size: 0 }],
  ['size', { size: 1.5 }],
  ['size', { size: '2' }],
  ['concurrency', { concurrency: Number.NaN }],
  ['maxQueue', { maxQueue: -1 }],
  ['timeoutMs', { timeoutMs: Number.POSITIVE_INFINITY }],
  ['cancelGraceMs', { cancelGraceMs: -1 }],
  ['imports', { imports: 'my_tools' }],
  ['imports', { imports: [1] }],
  ['paths', { paths: null }],
  ['env', { env: { A: 1 } }],
  ['env', { env: null }],
  ['python', { python: 3 }],
  ['sise', { sise: 2 }],
  ['max', { min: 3, max: 2 }],
  ['affinity', { affinity: 'always' }],
  ['recycleJitter', { recycleJitter: 2 }],
  ['nice', { nice: 20 }],
  ['rlimits', { rlimits: 3 }],
  ['rlimits.memory', { rlimits: { memory: 1 } }],
  ['rlimits.as', { rlimits: { as: -1 } }],
])('a bad %s is refused by name: %j', (key, options) => {
  expect(() => poolSettings('gpu', options)).toThrow(
    expect.objectContaining({
      code: 'invalid_argument',
      details: expect.objectContaining({ field: `pools.gpu.${key}` }),
    }),
  );
});

test('an unknown key is answered with the known ones', () => {
  const options: PoolOptions = JSON.parse('{"workers": 3}');
  expect(() => poolSettings('p', options)).toThrow(/size/);
});

test.each([
  [{}, 2, 2],
  [{ size: 5 }, 5, 5],
  [{ min: 1 }, 1, 2],
  [{ max: 8 }, 2, 8],
  [{ max: 1 }, 1, 1],
  [{ min: 4 }, 4, 4],
  [{ size: 3, min: 1, max: 6 }, 1, 6],
])('%j means from %d to %d workers', (options, min, max) => {
  expect(headcount(poolSettings('p', options))).toEqual({ min, max });
});

import { expect, test } from 'vitest';
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

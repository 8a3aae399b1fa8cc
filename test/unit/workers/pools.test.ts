import { expect, test } from 'vitest';
import type { WorkerPool } from '../../../src/workers/pool.js';
import { PythonPools } from '../../../src/workers/pools.js';
import { Harness } from './harness.js';

function somePools() {
  const house = new Harness({
    tools: {
      echo: (args) => args.get('text'),
      count: async function* () {
        yield 1;
      },
    },
    modules: { Predict: (args, { frame }) => (frame.target.type === 'module' ? frame.target.recipe.signature : args) },
  });
  const woken: WorkerPool[] = [];
  const pools = new PythonPools({ pools: [house.pool], wake: (pool) => void woken.push(pool) });
  return { house, pools, woken };
}

test('a call wakes its pool, and asking what it can do does not', async () => {
  const { house, pools, woken } = somePools();
  expect(pools.tools('test')).toEqual([]);
  expect(pools.modules('test')).toEqual([]);
  expect(woken).toEqual([]);
  const call = pools.call('echo', { text: 'x' }, { pool: 'test' });
  expect(woken).toEqual([house.pool]);
  await house.start();
  await expect(call).resolves.toBe('x');
});

test('tools, streams and modules reach their pool', async () => {
  const { house, pools } = somePools();
  await house.start();
  await expect(pools.stream('count', {}, { pool: 'test' }).next()).resolves.toEqual({ done: false, value: 1 });
  await expect(pools.execute({ kind: 'Predict', signature: 'a -> b' }, {}, { pool: 'test' })).resolves.toBe('a -> b');
});

test('an unknown pool is refused and the known ones are named', async () => {
  const { pools } = somePools();
  await expect(pools.call('echo')).rejects.toMatchObject({ code: 'invalid_argument', message: /test.*"default"/ });
});

test('closed pools take no calls', async () => {
  const { pools } = somePools();
  pools.close();
  await expect(pools.call('echo', {}, { pool: 'test' })).rejects.toMatchObject({ code: 'pool_unavailable' });
});

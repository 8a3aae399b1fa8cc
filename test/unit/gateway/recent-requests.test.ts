import { expect, test } from 'vitest';
import { RecentRequests } from '../../../src/gateway/recent-requests.js';

function counter(failures = 0): () => Promise<number> {
  let count = 0;
  return async () => {
    count += 1;
    if (count <= failures) throw new Error(`failure ${count}`);
    return count;
  };
}

test('the same id gets the same answer, also while the first is on its way', async () => {
  const recent = new RecentRequests<number>(10);
  const carryOut = counter();
  const [first, second] = await Promise.all([recent.once('a', carryOut), recent.once('a', carryOut)]);
  expect([first, second, await recent.once('a', carryOut)]).toEqual([1, 1, 1]);
  expect(await recent.once('b', carryOut)).toBe(2);
});

test('without an id every request is carried out', async () => {
  const recent = new RecentRequests<number>(10);
  const carryOut = counter();
  expect([await recent.once(undefined, carryOut), await recent.once(undefined, carryOut)]).toEqual([1, 2]);
});

test('a request that failed may be tried again', async () => {
  const recent = new RecentRequests<number>(10);
  const carryOut = counter(1);
  await expect(recent.once('a', carryOut)).rejects.toThrow('failure 1');
  expect(await recent.once('a', carryOut)).toBe(2);
});

test('the oldest are forgotten first', async () => {
  const recent = new RecentRequests<number>(2);
  const carryOut = counter();
  for (const id of ['a', 'b', 'c']) await recent.once(id, carryOut);
  expect(await recent.once('b', carryOut)).toBe(2);
  expect(await recent.once('a', carryOut)).toBe(4);
});

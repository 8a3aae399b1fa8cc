import { expect, test } from 'vitest';
import { deferred } from '../../../src/kernel/deferred.js';
import { RecentRequests, type RequestKey } from '../../../src/gateway/recent-requests.js';
import { CoilyardError } from '../../../src/kernel/errors.js';

const key = (id: string | undefined, about = 'the same'): RequestKey => ({ id, about });

function counter(failures = 0): () => Promise<number> {
  let count = 0;
  return async () => {
    count += 1;
    if (count <= failures) throw new Error(`failure ${count}`);
    return count;
  };
}

test('the same id gets the same answer, also while the first is on its way', async () => {
  const recent = new RecentRequests<number>({ limit: 10 });
  const carryOut = counter();
  const [first, second] = await Promise.all([recent.once(key('a'), carryOut), recent.once(key('a'), carryOut)]);
  expect([first, second, await recent.once(key('a'), carryOut)]).toEqual([1, 1, 1]);
  expect(await recent.once(key('b'), carryOut)).toBe(2);
});

test('without an id every request is carried out', async () => {
  const recent = new RecentRequests<number>({ limit: 10 });
  const carryOut = counter();
  expect([await recent.once(key(undefined), carryOut), await recent.once(key(undefined), carryOut)]).toEqual([1, 2]);
});

test('a request that failed may be tried again', async () => {
  const recent = new RecentRequests<number>({ limit: 10 });
  const carryOut = counter(1);
  await expect(recent.once(key('a'), carryOut)).rejects.toThrow('failure 1');
  expect(await recent.once(key('a'), carryOut)).toBe(2);
});

test('the oldest are forgotten first', async () => {
  const recent = new RecentRequests<number>({ limit: 2 });
  const carryOut = counter();
  for (const id of ['a', 'b', 'c']) await recent.once(key(id), carryOut);
  expect(await recent.once(key('b'), carryOut)).toBe(2);
  expect(await recent.once(key('a'), carryOut)).toBe(4);
});

test('an id that was used for something else is refused', async () => {
  const recent = new RecentRequests<number>({ limit: 10 });
  const carryOut = counter();
  await recent.once(key('a', 'this'), carryOut);
  await expect(recent.once(key('a', 'that'), carryOut)).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { field: 'request_id' },
  });
  expect(await recent.once(key('a', 'this'), carryOut)).toBe(1);
});

test.each(['cancelled', 'deadline_exceeded'] as const)(
  'a retry that came before the first was %s is carried out, and hears nothing of that',
  async (code) => {
    const recent = new RecentRequests<number>({ limit: 10 });
    const first = deferred<number>();
    const asked = recent.once(key('a'), () => first.promise);
    const retries = [1, 2].map((answer) => recent.once(key('a'), async () => answer));
    first.reject(new CoilyardError(code, 'the caller has gone'));
    await expect(asked).rejects.toMatchObject({ code });
    expect(await Promise.all(retries)).toEqual([1, 1]);
  },
);

test('what else went wrong is told to whoever has asked', async () => {
  const recent = new RecentRequests<number>({ limit: 10 });
  const first = deferred<number>();
  const asked = [1, 2].map(() => recent.once(key('a'), () => first.promise));
  first.reject(new CoilyardError('python_error', 'it failed'));
  for (const one of asked) await expect(one).rejects.toMatchObject({ code: 'python_error' });
});

test('fewer answers are kept where they are large, and always the newest', async () => {
  const recent = new RecentRequests<number>({ limit: 10, maxBytes: 100, weigh: (answer) => answer });
  for (const [id, bytes] of [
    ['a', 40],
    ['b', 40],
    ['c', 40],
    ['d', 1000],
  ] as const) {
    await recent.once(key(id), async () => bytes);
    expect(await recent.once(key(id), async () => 0)).toBe(bytes);
    if (id === 'c') expect(await recent.once(key('b'), async () => 0)).toBe(40);
  }
  for (const id of ['a', 'b', 'c']) expect(await recent.once(key(id), async () => 7)).toBe(7);
});

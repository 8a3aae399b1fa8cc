import { expect, test } from 'vitest';
import { Harness, never, settle, watch } from './harness.js';

async function* countTo(limit: unknown) {
  for (let n = 1; n <= Number(limit); n += 1) yield n;
}

const counting = { tools: { count: (args: ReadonlyMap<string, unknown>) => countTo(args.get('to')) } };

test('a stream gives every chunk in order, then ends', async () => {
  const house = new Harness(counting);
  await house.start();
  const seen: unknown[] = [];
  for await (const chunk of house.stream('count', { to: 100 })) seen.push(chunk);
  expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
});

test('what a generator returns is the return value of the iterator', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1 });
  const [worker] = await house.start();
  const stream = house.stream('work');
  const first = stream.next();
  await settle();
  const callId = worker?.calls[0]?.callId ?? 0;
  worker?.send({ type: 'chunk', callId, value: 'a' });
  worker?.send({ type: 'result', callId, value: 'end' });
  expect(await first).toEqual({ done: false, value: 'a' });
  expect(await stream.next()).toEqual({ done: true, value: 'end' });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('a stream of a tool that is no generator has one chunk, its result, whatever that is', async () => {
  for (const result of [5, null, 'text', [1, 2]]) {
    const house = new Harness({ tools: { plain: () => result } });
    await house.start();
    const seen: unknown[] = [];
    for await (const chunk of house.stream('plain')) seen.push(chunk);
    expect(seen).toEqual([result]);
  }
});

test('a call of a generator resolves to the list of its chunks', async () => {
  const house = new Harness(counting);
  await house.start();
  await expect(house.call('count', { to: 3 })).resolves.toEqual([1, 2, 3]);
});

test('a stream of a tool that is no generator and fails has no chunk, and its error', async () => {
  const house = new Harness({
    tools: {
      plain: () => {
        throw new TypeError('no');
      },
    },
  });
  await house.start();
  await expect(house.stream('plain').next()).rejects.toMatchObject({ code: 'python_error' });
});

test('a generator that yields nothing has no chunk, whatever it returns', async () => {
  const house = new Harness({
    tools: {
      // biome-ignore lint/correctness/useYield: that is the point.
      empty: async function* () {
        return 'end';
      },
    },
  });
  await house.start();
  expect(await house.stream('empty').next()).toEqual({ done: true, value: null });
});

test('a stream that nobody reads makes no call', async () => {
  const house = new Harness(counting);
  const workers = await house.start();
  house.stream('count', { to: 1 });
  await settle();
  expect(workers.flatMap(({ received }) => received).filter(({ type }) => type === 'call')).toEqual([]);
});

test('a slow consumer holds the generator back: never more than the window is under way', async () => {
  const house = new Harness(
    {
      tools: {
        count: async function* () {
          for (;;) {
            made += 1;
            yield made;
          }
        },
      },
    },
    { size: 1, streamWindow: 4 },
  );
  let made = 0;
  await house.start();
  const stream = house.stream('count');
  for (let read = 1; read <= 20; read += 1) {
    expect((await stream.next()).value).toBe(read);
    await settle();
    // One more than the window is made: it waits for credit inside the generator's loop.
    expect(made - read).toBeLessThanOrEqual(4 + 1);
  }
  await stream.return?.();
});

test('leaving the loop cancels the call in the worker', async () => {
  const house = new Harness(counting, { size: 1 });
  const [worker] = await house.start();
  for await (const chunk of house.stream('count', { to: 1_000_000 })) if (chunk === 3) break;
  await settle();
  expect(worker?.received.at(-1)).toMatchObject({ type: 'cancel' });
  expect(worker?.calls).toEqual([]);
  expect(house.eventsOf('call.ended')).toMatchObject([{ code: 'cancelled' }]);
});

test('leaving a stream before its first chunk was asked for costs nothing', async () => {
  const house = new Harness(counting);
  const stream = house.stream('count', { to: 3 });
  await expect(stream.return?.()).resolves.toEqual({ done: true, value: undefined });
  await expect(stream.next()).resolves.toEqual({ done: true, value: undefined });
  expect(house.events).toEqual([]);
});

test('chunks that came before a failure are read before it', async () => {
  const house = new Harness({
    tools: {
      fail: async function* () {
        yield 1;
        yield 2;
        throw new Error('no third');
      },
    },
  });
  await house.start();
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of house.stream('fail')) {
      await settle();
      seen.push(chunk);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'python_error' });
  expect(seen).toEqual([1, 2]);
});

test('an abort ends the stream at once, unread chunks or not', async () => {
  const house = new Harness(counting, { size: 1 });
  await house.start();
  const abort = new AbortController();
  const stream = house.stream('count', { to: 50 }, { signal: abort.signal });
  await stream.next();
  await settle();
  abort.abort();
  await expect(stream.next()).rejects.toMatchObject({ code: 'cancelled', execution: 'unknown' });
  await expect(stream.next()).resolves.toEqual({ done: true, value: undefined });
});

test('a dead worker ends the stream with worker_lost, also a declared idempotent one that had begun', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1 });
  const [worker] = await house.start();
  const stream = house.stream('work', {}, { idempotent: true });
  const first = stream.next();
  await settle();
  worker?.send({ type: 'chunk', callId: worker.calls[0]?.callId ?? 0, value: 1 });
  await first;
  worker?.exit({ signal: 'SIGKILL' });
  await expect(stream.next()).rejects.toMatchObject({ code: 'worker_lost', execution: 'unknown' });
});

test('an idempotent stream without a chunk begins again on another worker', async () => {
  const house = new Harness(
    ({ workerId }) => (workerId === 'test-0' ? { tools: { count: never } } : { tools: { count: () => countTo(2) } }),
    { size: 2 },
  );
  const [first] = await house.start();
  const stream = house.stream('count', {}, { idempotent: true });
  const chunk = stream.next();
  await settle();
  first?.exit({ signal: 'SIGKILL' });
  expect((await chunk).value).toBe(1);
  expect((await stream.next()).value).toBe(2);
  expect((await stream.next()).done).toBe(true);
});

test('a worker that sends more than its credit has its stream ended, not the memory filled', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1, streamWindow: 3 });
  const [worker] = await house.start();
  const stream = house.stream('work');
  const first = stream.next();
  await settle();
  const callId = worker?.calls[0]?.callId ?? 0;
  for (let n = 0; n < 10; n += 1) worker?.send({ type: 'chunk', callId, value: n });
  await settle();
  expect((await first).value).toBe(0);
  for (let n = 1; n <= 3; n += 1) expect((await stream.next()).value).toBe(n);
  await expect(stream.next()).rejects.toMatchObject({ code: 'internal' });
  expect(worker?.received.at(-1)).toMatchObject({ type: 'cancel', callId });
});

test('several reads at once are answered in order, and all end', async () => {
  const house = new Harness(counting, { size: 1 });
  await house.start();
  const stream = house.stream('count', { to: 2 });
  const reads = [stream.next(), stream.next(), stream.next(), stream.next()];
  expect(await Promise.all(reads)).toEqual([
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: null },
    { done: true, value: undefined },
  ]);
});

test('a refused stream says so at the first read', async () => {
  const house = new Harness(counting);
  await house.start();
  await expect(house.stream('nothing').next()).rejects.toMatchObject({ code: 'tool_not_found' });
});

test('a deadline also ends a stream that goes on', async () => {
  const house = new Harness({ tools: { work: never } }, { size: 1 });
  await house.start();
  const read = watch(house.stream('work', {}, { timeoutMs: 100 }).next());
  await house.clock.advance(100);
  expect(read.outcome()).toMatchObject({ error: { code: 'deadline_exceeded', execution: 'unknown' } });
});

import { describe, expect, test } from 'vitest';
import type { Watcher } from '../../../src/sessions/handle.js';
import { resetUpdate, type VariableUpdate } from '../../../src/sessions/update.js';
import { watchStream } from '../../../src/sessions/watch-stream.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { aSession, Reader } from './harness.js';

function anUpdate(revision: number): VariableUpdate {
  const { reason: _, ...update } = resetUpdate('initial', revision, 0);
  return { ...update, type: 'updated', name: 'n', variableId: 'var_n_1', value: revision };
}

describe('throttle', () => {
  test('lets the first change pass at once and of the others only the last, at the end of the span', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch(['n'], { throttleMs: 100 }));
    for (let value = 1; value <= 10; value += 1) {
      await session.set('n', value);
      await clock.advance(9);
    }
    expect(reader.story).toEqual(['updated n 1 @2']);
    await clock.advance(10);
    expect(reader.story).toEqual(['updated n 1 @2', 'updated n 10 @11 +8']);
    expect(reader.updates[1]?.oldValue).toBe(1);
  });

  test('goes on span by span while changes come, and the last one is always delivered', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch(['n'], { throttleMs: 100 }));
    for (let value = 1; value <= 35; value += 1) {
      await session.set('n', value);
      await clock.advance(10);
    }
    await clock.advance(100);
    expect(reader.updates.map(({ value }) => value)).toEqual([1, 10, 20, 30, 35]);
    await clock.advance(1000);
    expect(reader.updates).toHaveLength(5);
    expect(clock.pendingTimers).toBe(0);
  });

  test('counts each variable for itself', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch([], { throttleMs: 100 }));
    await session.update({ x: 1, n: 1 });
    await session.update({ x: 2, n: 2 });
    await settle();
    expect(reader.story).toEqual(['updated x 1 @2', 'updated n 1 @2']);
    await clock.advance(100);
    expect(reader.story.slice(2)).toEqual(['updated x 2 @3', 'updated n 2 @3']);
  });

  test('gives what it held back at the end to all reads that wait, before any is told of the end', async () => {
    const { session } = await aSession();
    const watch = session.watch([], { debounceMs: 1000 });
    const reads = [watch.next(), watch.next(), watch.next()];
    await session.set('n', 1);
    await session.set('x', 1);
    await settle();
    await session.stop();
    expect((await Promise.all(reads)).map(({ done, value }) => done || value.name)).toEqual(['n', 'x', true]);
  });

  test('holds neither the present values nor the end back', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['n'], { throttleMs: 1000, includeInitial: true }));
    await session.set('n', 1);
    await session.set('n', 2);
    await settle();
    await session.stop();
    await reader.done;
    expect(reader.story).toEqual(['initial n 0 @1', 'updated n 1 @2', 'updated n 2 @3']);
  });
});

describe('debounce', () => {
  test('delivers a change once its variable has been quiet', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch(['n'], { debounceMs: 50 }));
    for (const value of [1, 2, 3]) {
      await session.set('n', value);
      await clock.advance(49);
    }
    expect(reader.story).toEqual([]);
    await clock.advance(1);
    expect(reader.story).toEqual(['updated n 3 @4 +2']);
    expect(reader.updates[0]?.oldValue).toBe(0);
  });

  test('delivers what waits when the watch ends, in order of revision', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['x', 'n'], { debounceMs: 50 }));
    await session.set('n', 1);
    await session.set('x', 1);
    await session.set('n', 2);
    await settle();
    await session.stop();
    await reader.done;
    expect(reader.story).toEqual(['updated x 1 @3', 'updated n 2 @4 +1']);
  });

  test('tells a registration as one, however soon it was followed by a change', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch([], { debounceMs: 50 }));
    await session.register('y', 'float', 1);
    await session.set('y', 2);
    await clock.advance(50);
    expect(reader.story).toEqual(['registered y 2 @3 +1']);
  });

  test('does not tell of what came and went in between', async () => {
    const { session, clock } = await aSession();
    const reader = new Reader(session.watch([], { debounceMs: 50 }));
    await session.register('y', 'float', 1);
    await session.delete('y');
    await session.set('n', 1);
    await clock.advance(50);
    expect(reader.story).toEqual(['updated n 1 @4']);
  });
});

test('a consumer that stops reading costs bounded memory, and hears the last value with what it has skipped', async () => {
  const { session, clock } = await aSession();
  const stream = session.watch(['n'], { throttleMs: 10 });
  expect((await Promise.all([stream.next(), session.set('n', 1)]))[0].value).toMatchObject({ value: 1 });
  for (let value = 2; value <= 3000; value += 1) {
    await session.set('n', value);
    await clock.advance(10);
  }
  const reader = new Reader(stream);
  await settle();
  expect(reader.updates.length).toBeLessThan(2100);
  expect(reader.updates.at(-1)?.value).toBe(3000);
  const told = reader.updates.length + reader.updates.reduce((sum, { skipped }) => sum + skipped, 0);
  expect(told).toBe(2999);
});

test('what was held back before a reset never follows it', async () => {
  const clock = new ManualClock();
  const batches: VariableUpdate[][] = [
    [anUpdate(1), anUpdate(2)],
    [resetUpdate('diverged', 1, 0), { ...anUpdate(1), type: 'initial' }],
  ];
  let wake = (): void => {};
  const watcher: Watcher = {
    take: () => {
      const updates = batches.shift();
      return updates && { position: { revision: 1, tag: '' }, updates };
    },
    onReady: (ready) => {
      wake = ready;
    },
    ended: undefined,
    close: () => {},
  };
  const reader = new Reader(watchStream(() => watcher, [], { debounceMs: 50 }, clock));
  wake();
  await settle();
  wake();
  await clock.advance(200);
  expect(reader.story).toEqual(['reset diverged @1', 'initial n 1 @1']);
});

test('leaving a paced watch leaves no timer behind', async () => {
  const { session, clock } = await aSession();
  for (const options of [{ throttleMs: 50 }, { debounceMs: 50 }]) {
    const stream = session.watch(['n'], options);
    const read = stream.next();
    await session.set('n', 1);
    await session.set('n', 2);
    await settle();
    await stream.return?.();
    await read;
  }
  expect(clock.pendingTimers).toBe(0);
});

import { expect, test } from 'vitest';
import type { VariableUpdate } from '../../../src/sessions/update.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, thrown } from './harness.js';

const failing = async (host: Awaited<ReturnType<typeof aSession>>, observer: () => unknown) => {
  const failures = host.heard('observer.failed');
  let calls = 0;
  host.session.observe('x', () => {
    calls += 1;
    return observer();
  });
  const heard: unknown[] = [];
  host.session.observe('x', ({ value }) => heard.push(value));
  for (const value of [1, 2, 3]) {
    await host.session.set('x', value);
    await settle();
  }
  return { failures, heard, calls: () => calls };
};

test('an observer hears each later change of its variable once, in order, with all that is to say', async () => {
  const { session, clock } = await aSession();
  const updates: VariableUpdate[] = [];
  await session.set('x', 0.5);
  session.observe('x', (update) => updates.push(update));
  await session.set('x', 1, { metadata: { why: 'test' }, source: 'python' });
  await session.set('n', 1);
  await session.set('x', 2);
  await settle();
  expect(updates).toMatchObject([
    {
      type: 'updated',
      name: 'x',
      variableId: session.variable('x').id,
      variableType: 'float',
      value: 1,
      oldValue: 0.5,
      version: 2,
      revision: 3,
      metadata: { why: 'test' },
      source: 'python',
      timestamp: clock.nowMs(),
      skipped: 0,
    },
    { value: 2, oldValue: 1, version: 3, revision: 5, metadata: {} },
  ]);
});

test('a change that was committed before the observer came is not told, even when it was not delivered yet', async () => {
  const { session } = await aSession();
  const heard: unknown[] = [];
  const sets = [session.set('x', 1), session.set('x', 2)];
  await Promise.all(sets);
  session.observe('x', ({ value }) => heard.push(value));
  await session.set('x', 3);
  await settle();
  expect(heard).toEqual([3]);
});

test('the deletion of the variable is told, and what is registered under its name afterwards is not', async () => {
  const { session } = await aSession();
  const heard: string[] = [];
  session.observe('x', ({ type, value }) => heard.push(`${type} ${value}`));
  await session.set('x', 1);
  await session.delete('x');
  await session.register('x', 'float', 5);
  await session.set('x', 6);
  await settle();
  expect(heard).toEqual(['updated 1', 'deleted undefined']);
});

test('one that throws is removed and reported once; the others and the writer notice nothing', async () => {
  const host = await aSession();
  const { failures, heard, calls } = await failing(host, () => {
    throw new Error('boom');
  });
  expect(calls()).toBe(1);
  expect(failures).toEqual([{ sessionId: 'a', error: new Error('boom') }]);
  expect(heard).toEqual([1, 2, 3]);
});

test('one that rejects is removed and reported once', async () => {
  const host = await aSession();
  const { failures, heard, calls } = await failing(host, async () => {
    throw new Error('later');
  });
  expect(calls()).toBe(1);
  expect(failures).toEqual([{ sessionId: 'a', error: new Error('later') }]);
  expect(heard).toEqual([1, 2, 3]);
});

test('one that rejects many times at once is still reported once', async () => {
  const host = await aSession();
  const failures = host.heard('observer.failed');
  host.session.observe('x', () => Promise.reject(new Error('later')));
  await host.session.update({ x: 1, [host.session.variable('x').id]: 2 });
  await Promise.all([1, 2, 3].map((value) => host.session.set('x', value)));
  await settle();
  expect(failures).toHaveLength(1);
});

test('one that never resolves keeps nobody waiting', async () => {
  const host = await aSession();
  const { heard, calls } = await failing(host, () => new Promise(() => {}));
  expect(calls()).toBe(3);
  expect(heard).toEqual([1, 2, 3]);
});

test('what pretends to be a promise and throws when it is asked is a failure like any other', async () => {
  const host = await aSession();
  const { failures, calls } = await failing(host, () => ({
    // biome-ignore lint/suspicious/noThenProperty: that is the point
    get then() {
      throw new Error('no promise');
    },
  }));
  expect(calls()).toBe(1);
  expect(failures).toHaveLength(1);
});

test('one may unsubscribe inside its own callback, also twice, and hears nothing more', async () => {
  const { session } = await aSession();
  const heard: unknown[] = [];
  const off = session.observe('x', ({ value }) => {
    heard.push(value);
    off();
    off();
  });
  await Promise.all([1, 2, 3].map((value) => session.set('x', value)));
  await settle();
  off();
  expect(heard).toEqual([1]);
});

test('one that is unsubscribed by another hears nothing more, not even of the commit under way', async () => {
  const { session } = await aSession();
  const heard: unknown[] = [];
  session.observe('x', () => off());
  const off = session.observe('x', ({ value }) => heard.push(value));
  await session.set('x', 1);
  await settle();
  expect(heard).toEqual([]);
});

test('one that subscribes another inside its callback does not give it the present change', async () => {
  const { session } = await aSession();
  const heard: string[] = [];
  let children = 0;
  session.observe('x', ({ value }) => {
    heard.push(`parent ${value}`);
    const child = ++children;
    session.observe('x', (update) => heard.push(`child ${child} ${update.value}`));
  });
  await session.set('x', 1);
  await settle();
  await session.set('x', 2);
  await settle();
  expect(heard).toEqual(['parent 1', 'parent 2', 'child 1 2']);
});

test('one that leaves and comes back at every call hears every change once', async () => {
  const { session } = await aSession();
  const heard: unknown[] = [];
  const again = (): void => {
    const off = session.observe('x', ({ value }) => {
      off();
      heard.push(value);
      again();
    });
  };
  again();
  for (const value of [1, 2, 3]) {
    await session.set('x', value);
    await settle();
  }
  expect(heard).toEqual([1, 2, 3]);
});

test('one that writes is heard in its turn, and does not starve the event loop', async () => {
  const { session } = await aSession();
  const heard: number[] = [];
  session.observe('n', ({ value }) => {
    heard.push(Number(value));
    void session.set('n', Number(value) + 1).catch(() => {});
  });
  await session.set('n', 1);
  await settle();
  expect(heard.length).toBeGreaterThan(100);
  expect(heard.length).toBeLessThan(10_000);
  expect(heard).toEqual(heard.map((_, index) => index + 1));
  await session.stop();
});

test('many observers of one variable each hear every change', async () => {
  const { session } = await aSession();
  let calls = 0;
  for (let index = 0; index < 1000; index += 1)
    session.observe('x', () => {
      calls += 1;
    });
  await Promise.all([1, 2, 3].map((value) => session.set('x', value)));
  await settle();
  expect(calls).toBe(3000);
});

test('a batch is told variable by variable with one revision', async () => {
  const { session } = await aSession();
  const heard: string[] = [];
  for (const name of ['x', 'n'])
    session.observe(name, (update) => heard.push(`${update.name} ${update.value} @${update.revision}`));
  await session.update({ x: 1, n: 2 });
  await settle();
  expect(heard).toEqual(['x 1 @2', 'n 2 @2']);
});

test('only what can be called observes, and only what exists is observed', async () => {
  const { session } = await aSession();
  // What no typed caller could pass.
  for (const observer of [undefined, null, {}, 'text'])
    expect(thrown(() => session.observe('x', observer as never)).code).toBe('invalid_argument');
  expect(thrown(() => session.observe('missing', () => {})).code).toBe('variable_not_found');
});

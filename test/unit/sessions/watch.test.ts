import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../../src/sessions/stores/memory.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { aSession, failure, Reader, thrown } from './harness.js';

describe('a watch', () => {
  test('gives the changes of its variables in order of revision, each once', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['x']));
    await session.set('x', 1);
    await session.set('n', 1);
    await settle();
    await Promise.all([2, 3].map((value) => session.set('x', value)));
    await settle();
    expect(reader.story).toEqual(['updated x 1 @2', 'updated x 2 @4', 'updated x 3 @5']);
  });

  test('misses nothing between its opening and the first read', async () => {
    const { session } = await aSession();
    const stream = session.watch(['x']);
    await session.set('x', 1);
    await settle();
    const reader = new Reader(stream);
    await settle();
    expect(reader.story).toEqual(['updated x 1 @2']);
  });

  test('gives the present values first when asked, and then what follows', async () => {
    const { session } = await aSession();
    await session.set('x', 1);
    const reader = new Reader(session.watch(['n', 'x'], { includeInitial: true }));
    await session.set('x', 2);
    await settle();
    expect(reader.story).toEqual(['initial x 1 @2', 'initial n 0 @1', 'updated x 2 @3']);
  });

  test('of nothing named is of everything, also of what is registered later', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch());
    await session.register('later', 'float', 1);
    await session.set('later', 2);
    await session.delete('n');
    await settle();
    expect(reader.story).toEqual(['registered later 1 @2', 'updated later 2 @3', 'deleted n @4']);
  });

  test('by glob follows what matches, also what is registered later, besides the names', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['n'], { pattern: 'llm.*', includeInitial: true }));
    await session.register('llm.model', 'string', 'a');
    await session.set('x', 1);
    await session.set('n', 1);
    await session.set('llm.model', 'b');
    await settle();
    expect(reader.story).toEqual([
      'initial n 0 @1',
      'registered llm.model a @2',
      'updated n 1 @4',
      'updated llm.model b @5',
    ]);
  });

  test('filters changes but neither the present values nor deletions that pass', async () => {
    const { session } = await aSession();
    const reader = new Reader(
      session.watch(['x'], {
        includeInitial: true,
        filter: ({ value, oldValue }) => Number(value) - Number(oldValue) > 1,
      }),
    );
    for (const value of [1, 5, 6, 10]) await session.set('x', value);
    await settle();
    expect(reader.story).toEqual(['initial x 0 @1', 'updated x 5 @3', 'updated x 10 @5']);
  });

  test('whose filter throws fails with that error and frees its watcher', async () => {
    const { session } = await aSession();
    const reader = new Reader(
      session.watch(['x'], {
        filter: () => {
          throw new Error('a bad filter');
        },
      }),
    );
    await session.set('x', 1);
    await reader.done;
    expect(reader.failed).toEqual(new Error('a bad filter'));
    expect(await session.set('x', 2)).toMatchObject({ revision: 3 });
    expect(await reader.stream.next()).toEqual({ done: true, value: undefined });
  });

  test('answers several pending reads in order', async () => {
    const { session } = await aSession();
    const stream = session.watch(['x']);
    const reads = [stream.next(), stream.next(), stream.next()];
    await Promise.all([1, 2, 3].map((value) => session.set('x', value)));
    const updates = await Promise.all(reads);
    expect(updates.map(({ value }) => value.value)).toEqual([1, 2, 3]);
  });

  test('of a name that does not exist is refused, and of a stopped session too', async () => {
    const { session } = await aSession();
    expect(thrown(() => session.watch(['x', 'missing']))).toMatchObject({
      code: 'variable_not_found',
      details: { variable: 'missing' },
    });
    await session.stop();
    expect(thrown(() => session.watch())).toMatchObject({ code: 'session_not_found' });
  });

  test('tells the changes of one commit together, at one revision', async () => {
    const { session } = await aSession();
    const watcher = session.openWatch({});
    watcher.take();
    await session.update({ x: 1, n: 1 });
    await settle();
    expect(watcher.take()).toMatchObject({
      position: { revision: 2 },
      updates: [
        { name: 'x', revision: 2 },
        { name: 'n', revision: 2 },
      ],
    });
  });
});

describe('a watch ends', () => {
  test('when the session is stopped, after everything that was committed', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['x']));
    const sets = [session.set('x', 1), session.set('x', 2)];
    await Promise.all(sets);
    await session.stop();
    await reader.done;
    expect([reader.ended, reader.failed]).toEqual([true, undefined]);
    expect(reader.story).toEqual(['updated x 1 @2', 'updated x 2 @3']);
  });

  test('with session_expired when the session expires, after everything that was committed', async () => {
    const { session, clock } = await aSession({ ttlMs: 1000 });
    const watch = session.watch();
    await session.set('x', 1);
    await clock.advance(1100);
    const reader = new Reader(watch);
    await reader.done;
    expect(reader.story).toEqual(['updated x 1 @2']);
    expect(reader.failed).toMatchObject({
      code: 'session_expired',
      execution: 'not_started',
      details: { reason: 'session_expired' },
    });
    expect(await watch.next()).toEqual({ done: true, value: undefined });
  });

  test('with session_expired for the first of several reads that wait, and the others are over', async () => {
    const { session, clock } = await aSession({ ttlMs: 1000 });
    const watch = session.watch();
    const reads = [failure(watch.next()), watch.next()];
    await clock.advance(1100);
    expect(await Promise.all(reads)).toMatchObject([{ code: 'session_expired' }, { done: true }]);
  });

  test('and says why, once everything was read, unless its consumer has ended it', async () => {
    const { session, sessions } = await aSession();
    const [stopped, left] = [session.watch(), session.watch()];
    const deleted = session.watch(['n']);
    await session.delete('n');
    await settle();
    expect(deleted.endReason).toBeUndefined();
    await new Reader(deleted).done;
    expect(deleted.endReason).toBe('variable_deleted');
    await left.return?.();
    await session.stop({ keep: true });
    await new Reader(stopped).done;
    const watch = (await sessions.find('a')).watch();
    await sessions.close();
    await new Reader(watch).done;
    expect([left.endReason, stopped.endReason, watch.endReason]).toEqual([
      undefined,
      'session_stopped',
      'runtime_stopped',
    ]);
  });

  test('when the last of its named variables is deleted, and tells the deletions', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['x', 'n']));
    await session.delete('x');
    await settle();
    expect(reader.ended).toBe(false);
    await session.delete('n');
    await session.register('x', 'float', 1);
    await reader.done;
    expect(reader.ended).toBe(true);
    expect(reader.story).toEqual(['deleted x @2', 'deleted n @3']);
  });

  test('when the consumer breaks out, and nothing of it is left behind', async () => {
    const { session } = await aSession();
    for (let index = 0; index < 100; index += 1) {
      const set = session.set('n', index);
      for await (const update of session.watch(['n'])) {
        expect(update.value).toBe(index);
        break;
      }
      await set;
    }
    const stream = session.watch();
    await stream.return?.();
    await stream.return?.();
    await session.set('n', 1000);
    await settle();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('with cancelled when its signal aborts, whatever was waiting', async () => {
    const { session } = await aSession();
    const controller = new AbortController();
    const stream = session.watch(['x'], { signal: controller.signal });
    await session.set('x', 1);
    await settle();
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await failure(stream.next())).toMatchObject({ code: 'cancelled', cause: reason });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    const pending = session.watch(['x'], { signal: AbortSignal.abort() });
    expect((await failure(pending.next())).code).toBe('cancelled');
  });

  test('with cancelled for a read that waits', async () => {
    const { session } = await aSession();
    const controller = new AbortController();
    const read = failure(session.watch(['x'], { signal: controller.signal }).next());
    controller.abort();
    expect((await read).code).toBe('cancelled');
  });
});

describe('a watch that resumes', () => {
  test('behind a revision gives what followed, once and in order, and then what is new', async () => {
    const { session } = await aSession();
    for (const value of [1, 2, 3]) await session.set('x', value);
    const reader = new Reader(session.watch(['x'], { afterRevision: 2 }));
    await session.set('x', 4);
    await settle();
    expect(reader.story).toEqual(['updated x 2 @3', 'updated x 3 @4', 'updated x 4 @5']);
  });

  test('behind the present gives only what is new', async () => {
    const { session } = await aSession();
    const reader = new Reader(session.watch(['x'], { afterRevision: session.revision, includeInitial: true }));
    await settle();
    expect(reader.story).toEqual([]);
    await session.set('x', 4);
    await settle();
    expect(reader.story).toEqual(['updated x 4 @2']);
  });

  test('behind the beginning gives everything', async () => {
    const { session } = await aSession();
    await session.set('x', 4);
    const reader = new Reader(session.watch([], { afterRevision: 0 }));
    await settle();
    expect(reader.story).toEqual(['registered x 0 @1', 'registered n 0 @1', 'updated x 4 @2']);
  });

  test('behind what is no longer kept is told so, with the present values', async () => {
    const { session } = await aSession({ store: memoryStore({ keptCommits: 4 }) });
    for (let value = 1; value <= 20; value += 1) await session.set('x', value);
    const reader = new Reader(session.watch(['x'], { afterRevision: 2 }));
    await session.set('x', 99);
    await settle();
    expect(reader.story).toEqual(['reset compacted @21', 'initial x 20 @21', 'updated x 99 @22']);
  });

  test('behind what never happened is told so', async () => {
    const { session } = await aSession();
    const beyond = new Reader(session.watch(['x'], { afterRevision: 50 }));
    const other = new Reader(session.watch(['x'], { after: { revision: 1, tag: 'another history' } }));
    await settle();
    expect(beyond.failed).toBeUndefined();
    expect(beyond.story).toEqual(['reset regressed @1', 'initial x 0 @1']);
    expect(other.story).toEqual(['reset diverged @1', 'initial x 0 @1']);
  });

  test('behind the position that it was given goes on without a gap', async () => {
    const { session } = await aSession();
    await session.set('x', 1);
    const first = session.openWatch({ variables: ['x'] });
    const position = first.take()?.position;
    first.close();
    await session.set('x', 2);
    const reader = new Reader(session.watch(['x'], { after: position }));
    await settle();
    expect(reader.story).toEqual(['updated x 2 @3']);
  });

  test('hears of the deletion that it missed, and ends as it would have', async () => {
    const { session } = await aSession();
    await session.set('x', 1);
    await session.delete('x');
    const reader = new Reader(session.watch(['x'], { afterRevision: 1 }));
    await reader.done;
    expect(reader.story).toEqual(['updated x 1 @2', 'deleted x @3']);
    expect(reader.ended).toBe(true);
  });

  test('and lost a variable in a history that is no longer kept, ends after the reset', async () => {
    const { session } = await aSession({ store: memoryStore({ keptCommits: 2 }) });
    await session.delete('x');
    for (let value = 1; value <= 9; value += 1) await session.set('n', value);
    const reader = new Reader(session.watch(['x'], { afterRevision: 1 }));
    await reader.done;
    expect(reader.story).toEqual(['reset compacted @11']);
    expect(reader.ended).toBe(true);
  });
});

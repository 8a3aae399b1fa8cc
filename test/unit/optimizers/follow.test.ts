import { describe, expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { failure } from '../sessions/harness.js';
import { aHouse, Counting, nextTrial, nothing, stateOf, story } from './harness.js';

describe('a reader of trials', () => {
  test('gets each trial once and in order, those from before too, and then the end', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 6 });
    for (const score of [1, 2]) await run.tell(await nextTrial(run), score);
    const reader = house.studies.follow(house.session, run.id, 0);
    const seen: unknown[] = [];
    let end: unknown;
    const look = (): void => {
      for (let batch = reader.take(1); batch !== undefined; batch = reader.take(1)) {
        seen.push(...batch.trials.map(({ iteration }) => iteration));
        end = batch.ended?.reason;
      }
      if (end === undefined) reader.onReady(look);
    };
    look();
    expect(seen).toEqual([1, 2]);
    for (const score of [3, 4, 5, 6]) await run.tell(await nextTrial(run), score);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect(end).toBe('max_iterations');
    expect(reader.take(5)).toBeUndefined();
    reader.close();
  });

  test('that is slow gets all that has ended meanwhile, as many at a time as it takes', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 7 });
    const reader = house.studies.follow(house.session, run.id, 2);
    await run.ended;
    const batches = [reader.take(3), reader.take(3), reader.take(3)];
    expect(batches.map((batch) => batch?.trials.map(({ iteration }) => iteration))).toEqual([
      [3, 4, 5],
      [6, 7],
      undefined,
    ]);
    expect(batches[1]?.ended?.reason).toBe('max_iterations');
  });

  test('gets the end by itself when the last trial has filled a take', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 2 });
    await run.ended;
    const reader = house.studies.follow(house.session, run.id, 0);
    expect(reader.take(2)).toMatchObject({ trials: [{ iteration: 1 }, { iteration: 2 }] });
    expect(reader.take(2)).toMatchObject({ trials: [], ended: { reason: 'max_iterations' } });
  });

  test('that comes after the end gets everything', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: (value) => Number(value), maxIterations: 3 });
    await run.ended;
    expect(await story(run)).toEqual(['1 0 0', '2 1 1', '3 2 2']);
    expect(house.studies.follow(house.session, run.id, 99).take(5)).toMatchObject({
      trials: [],
      ended: { iteration: 3 },
    });
  });

  test('is woken once for each time that it asks to be', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 9 });
    const reader = house.studies.follow(house.session, run.id, 0);
    let woken = 0;
    expect(reader.take(5)).toBeUndefined();
    reader.onReady(() => {
      woken += 1;
    });
    for (const score of [1, 2, 3]) await run.tell(await nextTrial(run), score);
    expect(woken).toBe(1);
    expect(reader.take(5)?.trials).toHaveLength(3);
    reader.close();
    await run.tell(await nextTrial(run), 4);
    expect(woken).toBe(1);
  });

  test('is woken at once when it asks late, and there is something to take', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 9 });
    const reader = house.studies.follow(house.session, run.id, 0);
    expect(reader.take(5)).toBeUndefined();
    await run.tell(await nextTrial(run), 1);
    let woken = 0;
    reader.onReady(() => {
      woken += 1;
    });
    expect(woken).toBe(1);
    reader.close();
  });

  test('that fails when it is woken holds up nobody, and not the end of the run', async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 2 });
    const reader = house.studies.follow(house.session, run.id, 0);
    const fail = (): void => {
      throw new Error('not now');
    };
    for (const score of [1, 2]) {
      reader.take(5);
      reader.onReady(fail);
      await run.tell(await nextTrial(run), score);
    }
    expect(await run.ended).toMatchObject({ reason: 'max_iterations' });
    await settle();
    process.off('warning', warned);
    expect(warnings).toEqual([1, 2].map(() => `a reader of ${run.id} failed: not now`));
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('of a run that there is not is refused', async () => {
    const house = await aHouse();
    expect(() => house.studies.follow(house.session, 'opt_none', 0)).toThrow(/opt_none/);
  });

  test('that leaves in the middle leaves nothing', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { maxIterations: 5 });
    await run.tell(await nextTrial(run), 1);
    for await (const trial of run.trials()) {
      expect(trial.iteration).toBe(1);
      break;
    }
    await run.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });
});

describe('a callback', () => {
  test('is called after each trial, in order', async () => {
    const house = await aHouse();
    const called: unknown[] = [];
    const run = await house.start(new Counting(), {
      objective: (value) => Number(value),
      onTrial: ({ iteration, score, values }) => called.push([iteration, score, values[0]?.value]),
      maxIterations: 3,
    });
    await run.ended;
    await settle();
    expect(called).toEqual([
      [1, 0, 0],
      [2, 1, 1],
      [3, 2, 2],
    ]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('not my day');
      },
    ],
    ['rejects', () => Promise.reject(new Error('not my day'))],
    ['never answers', () => new Promise<never>(() => {})],
  ])('that %s ends nothing, and hears of every trial', async (what, listen) => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    const house = await aHouse();
    let called = 0;
    const run = await house.start(new Counting(), {
      objective: (value) => Number(value),
      onTrial: () => {
        called += 1;
        return listen();
      },
      maxIterations: 3,
    });
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 3 });
    await settle();
    await settle();
    process.off('warning', warned);
    expect(called).toBe(3);
    expect(warnings).toEqual(
      what === 'never answers' ? [] : Array.from({ length: 3 }, () => `onTrial of ${run.id} failed: not my day`),
    );
  });

  test('of a run whose session goes away is called no more, without a word', async () => {
    const warnings: string[] = [];
    const warned = ({ message }: Error) => warnings.push(message);
    process.on('warning', warned);
    const house = await aHouse();
    const stopping = new AbortController();
    const { signal } = stopping;
    const run = await house.start(new Counting(), {
      objective: () => new Promise(() => {}),
      onTrial: () => {},
      signal,
    });
    await house.session.stop();
    expect(await stateOf(run.ended)).toBe('session_not_found');
    stopping.abort();
    await settle();
    await settle();
    process.off('warning', warned);
    expect(warnings).toEqual([]);
  });
});

test('nothing is told twice to those who follow at different speeds', async () => {
  const house = await aHouse();
  const run = await house.start(new Counting(), { maxIterations: 300 });
  const fast: number[] = [];
  const slow: number[] = [];
  const follow = async (seen: number[], pause: () => Promise<unknown>) => {
    for await (const { iteration } of run.trials()) {
      seen.push(iteration);
      await pause();
    }
  };
  const following = [follow(fast, async () => undefined), follow(slow, settle)];
  for (let trial = await run.ask(); trial !== undefined; trial = await run.ask()) await run.tell(trial, trial.number);
  await Promise.all(following);
  const all = Array.from({ length: 300 }, (_, index) => index + 1);
  expect([fast, slow]).toEqual([all, all]);
  expect(await failure(run.tell({ number: 301, values: [] }, 1))).toMatchObject({ code: 'not_optimizing' });
});

import { describe, expect, test } from 'vitest';
import { settle } from '../../../src/testing/manual-clock.js';
import { aHouse, Counting, nextTrial, nothing, stateOf, story, tried } from './harness.js';
import { failure } from '../sessions/harness.js';

describe('what is tried', () => {
  test('is the present value first, then what the optimizer suggests, in order', async () => {
    const house = await aHouse();
    await house.session.set('x', 42);
    const optimizer = new Counting();
    const run = await house.start(optimizer, { objective: (value) => Number(value), maxIterations: 4 });
    expect(await story(run)).toEqual(['1 42 42', '2 1 1', '3 2 2', '4 3 3']);
    expect(optimizer.told).toEqual([
      [42, 42],
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('is at most as many trials at a time as may run in parallel, and never more than there may be', async () => {
    const house = await aHouse();
    const running = new Map<unknown, () => void>();
    let most = 0;
    const run = await house.start(new Counting(), {
      objective: (value) => {
        most = Math.max(most, running.size + 1);
        return new Promise((resolve) =>
          running.set(value, () => {
            running.delete(value);
            resolve(Number(value));
          }),
        );
      },
      maxIterations: 5,
      parallel: 3,
    });
    await settle();
    expect([...running.keys()]).toEqual([0, 1, 2]);
    running.get(1)?.();
    await settle();
    expect([...running.keys()]).toEqual([0, 2, 3]);
    running.get(0)?.();
    await settle();
    expect([...running.keys()]).toEqual([2, 3, 4]);
    running.get(4)?.();
    await settle();
    // Five have begun: there is nothing left for the client that is free.
    expect([...running.keys()]).toEqual([2, 3]);
    for (const finish of [...running.values()]) finish();
    expect(await run.ended).toMatchObject({ iteration: 5, reason: 'max_iterations' });
    expect(await story(run)).toEqual(['1 1 1', '2 0 0', '3 4 4', '4 2 2', '5 3 3']);
    expect(most).toBe(3);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('may be a thousand trials at a time, and Node warns of no leak', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const house = await aHouse();
    const seen: unknown[] = [];
    const run = await house.start(new Counting(), {
      objective: (_value, { signal, number }) => {
        seen.push(number);
        return new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      parallel: 1000,
      maxIterations: 2000,
    });
    await settle();
    expect(seen).toHaveLength(1000);
    await run.stop();
    await settle();
    process.off('warning', warned);
    expect(warnings).toEqual([]);
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('has a signal of its own, which what listens to it does not outlive', async () => {
    const house = await aHouse();
    const signals = new Set<AbortSignal>();
    const run = await house.start(new Counting(), {
      objective: (_value, { signal }) => {
        signals.add(signal);
        return 1;
      },
      maxIterations: 3,
    });
    await run.ended;
    expect([...signals].map(({ aborted }) => aborted)).toEqual([false, false, false]);
  });

  test('is told to the objective by name and number, all variables of several', async () => {
    const house = await aHouse();
    const seen: unknown[] = [];
    const run = await house.start(new Counting(Number.POSITIVE_INFINITY, 2), {
      on: ['x', 'y'],
      objective: (value, { number, values, session }) => {
        seen.push([value, number, [...values], session.id]);
        return 1;
      },
      maxIterations: 2,
    });
    await run.ended;
    expect(seen).toEqual([
      [
        { x: 0, y: 0 },
        1,
        [
          ['x', 0],
          ['y', 0],
        ],
        'a',
      ],
      [
        { x: 1, y: 1 },
        2,
        [
          ['x', 1],
          ['y', 1],
        ],
        'a',
      ],
    ]);
  });
});

describe('a client', () => {
  test('is given the same trial until it has told its outcome', async () => {
    const house = await aHouse();
    const optimizer = new Counting();
    const run = await house.start(optimizer, { parallel: 2 });
    const [first, again, other] = [
      await nextTrial(run, 'one'),
      await nextTrial(run, 'one'),
      await nextTrial(run, 'two'),
    ];
    expect([again, other.number]).toEqual([first, 2]);
    await run.tell(first, 1, 'one');
    expect((await nextTrial(run, 'one')).number).toBe(3);
    expect(optimizer.asked).toBe(2);
    await run.stop();
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('that asks twice at once is given one trial', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { parallel: 5 });
    const trials = await Promise.all([1, 2, 3].map(() => nextTrial(run, 'one')));
    expect(new Set(trials.map(({ number }) => number))).toEqual(new Set([1]));
  });

  test('that tells twice gets the same answer, and counts once', async () => {
    const house = await aHouse();
    const optimizer = new Counting();
    const run = await house.start(optimizer);
    const trial = await nextTrial(run);
    const { trial: told } = await run.tell(trial, 1);
    const { trial: again, status } = await run.tell(trial, 99);
    expect(again).toEqual(told);
    expect([status.iteration, status.bestScore, optimizer.told.length]).toEqual([1, 1, 1]);
  });

  test('that tells twice at once counts once', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    const told = await Promise.all([run.tell(trial, 1), run.tell(trial, 2), run.fail(trial, 'broken')]);
    expect(new Set(told.map((answer) => answer.trial.score))).toEqual(new Set([1]));
    expect(run.status().iteration).toBe(1);
  });

  test('cannot tell of what another has in hand, nor of what has never begun', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run, 'one');
    for (const [told, client] of [
      [trial, 'two'],
      [{ ...trial, number: 7 }, 'one'],
    ] as const)
      expect(await failure(run.tell(told, 1, client))).toMatchObject({ code: 'invalid_argument' });
    expect(run.status().iteration).toBe(0);
  });

  test('that waits gets a trial as soon as another has ended', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const first = await nextTrial(run, 'one');
    const waiting = run.ask('two');
    expect(await stateOf(waiting)).toBe('pending');
    await run.tell(first, 1, 'one');
    expect(tried((await waiting) ?? first)).toBe(1);
  });

  test('that asks while another tells does not miss that there is a trial', async () => {
    for (let turns = 0; turns < 40; turns += 1) {
      const house = await aHouse();
      const run = await house.start(new Counting());
      const first = await nextTrial(run, 'one');
      const asked = run.ask('two');
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await run.tell(first, 1, 'one');
      expect(await stateOf(asked), `after ${turns} turns`).toBe('resolved');
    }
  });

  test('that waits hears of the end', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    await nextTrial(run, 'one');
    const waiting = [run.ask('two'), run.ask('three')];
    await run.stop();
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    expect(await run.ask('four')).toBeUndefined();
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('that tells again after the end gets the answer of before, and nothing new is taken in', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { parallel: 2 });
    const [first, second] = [await nextTrial(run, 'one'), await nextTrial(run, 'two')];
    const { trial } = await run.tell(first, 1, 'one');
    await run.stop();
    expect(await run.tell(first, 5, 'one')).toMatchObject({ trial, status: { isOptimizing: false } });
    expect(await failure(run.tell(second, 9, 'two'))).toMatchObject({ code: 'not_optimizing' });
    expect(run.status()).toMatchObject({ iteration: 1, bestScore: 1 });
  });

  test('may not meddle with the trials of an objective', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), { objective: () => new Promise(() => {}) });
    await settle();
    expect(await failure(run.ask('runtime-1'))).toMatchObject({
      code: 'invalid_argument',
      details: { field: 'optimizationId' },
    });
    const trial = { number: 1, values: [] };
    expect(await failure(run.tell(trial, 9, 'runtime-1'))).toMatchObject({ code: 'invalid_argument' });
    expect(run.status().iteration).toBe(0);
  });

  test('with what is no measurement, no trial or no name is refused before anything is counted', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting());
    const trial = await nextTrial(run);
    for (const [field, call] of [
      ['measured', () => Reflect.apply(run.tell, run, [trial, 'good'])],
      ['trial', () => Reflect.apply(run.tell, run, [undefined, 1])],
      ['trial', () => Reflect.apply(run.tell, run, [{ number: 'end' }, 1])],
      ['error', () => Reflect.apply(run.fail, run, [trial, ''])],
      ['clientId', () => Reflect.apply(run.ask, run, [5])],
      ['clientId', () => run.tell(trial, 1, '')],
    ] as const)
      expect(await failure(call())).toMatchObject({ code: 'invalid_argument', details: { field } });
    expect(run.status().iteration).toBe(0);
  });
});

describe('a trial fails', () => {
  const measures: Readonly<Record<string, readonly [measure: () => unknown, error: RegExp]>> = {
    'when its objective throws': [
      () => {
        throw new Error('no luck');
      },
      /^no luck$/,
    ],
    'when its objective rejects': [() => Promise.reject(new Error('no luck')), /^no luck$/],
    'when what is thrown has no text': [
      () => {
        throw Object.create(null);
      },
      /no text/,
    ],
    'when what is thrown is empty': [
      () => {
        throw new Error('');
      },
      /^it has failed$/,
    ],
    'when the score is not a number': [() => NaN, /NaN/],
    'when the score has no end': [async () => Infinity, /Infinity/],
    'when nothing is returned': [() => undefined, /undefined/],
    'when a text is returned': [() => 'good', /good/],
    'when a metric cannot be read': [
      () => ({
        get score() {
          throw new Error('do not look');
        },
      }),
      /do not look/,
    ],
    'when there are too many metrics': [
      () => Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`m${index}`, 1])),
      /at most 100/,
    ],
  };

  test.each(Object.entries(measures))('%s, and the run goes on', async (_what, [measure, error]) => {
    const house = await aHouse();
    const optimizer = new Counting();
    const run = await house.start(optimizer, {
      objective: (value) => (value === 1 ? measure() : Number(value)),
      maxIterations: 3,
    });
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 3, bestScore: 2 });
    expect(optimizer.told).toEqual([
      [0, 0],
      [1, null],
      [2, 2],
    ]);
    const [, failed] = house.session.optimizationHistory('x');
    expect(failed).toMatchObject({ state: 'failed', score: null, error: expect.stringMatching(error) });
    expect(await house.leftovers()).toEqual(nothing);
  });

  test('with as much of a long error as is kept', async () => {
    const house = await aHouse();
    const run = await house.start(new Counting(), {
      objective: () => {
        throw new Error('x'.repeat(100_000));
      },
      maxIterations: 1,
    });
    await run.ended;
    expect(house.session.optimizationHistory('x')[0]?.error).toBe('x'.repeat(4096));
  });
});

/** What happens while the answer of an optimizer is worked out in pieces. */

import { describe, expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import type { Optimizer, Suggestion, TrialResult } from '../../../src/optimizers/algorithms/optimizer.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { failure } from '../sessions/harness.js';
import { aHouse, expectFree, type House, nextTrial, nothing, stateOf } from './harness.js';

/** A house in which a piece takes as long as a slice of a turn of the loop, by the clock of the test. */
async function aHouseOfPieces() {
  const house = await aHouse();
  const { clock } = house;
  let spentMs = 0;
  const monotonicMs = clock.monotonicMs.bind(clock);
  Object.assign(clock, { monotonicMs: () => monotonicMs() + spentMs });
  const done: string[] = [];
  return {
    house,
    /** What was done, in order. */
    done,
    piece: (what: string): void => {
      spentMs += 5;
      done.push(what);
    },
  };
}

type HouseOfPieces = Awaited<ReturnType<typeof aHouseOfPieces>>;

/** Suggests 1, 2, 3, …, in so many pieces each. */
function slow({ piece, done }: HouseOfPieces, pieces: number): Optimizer {
  let next = 0;
  return {
    *ask(): Generator<void, Suggestion> {
      try {
        for (let count = 0; count < pieces; count += 1) yield piece('asked');
        next += 1;
        return { type: 'candidate', values: [next] };
      } finally {
        done.push('cleaned up');
      }
    },
    *tell([value], result: TrialResult): Generator<string, void, void> {
      piece('told');
      yield 'whatever it yields';
      piece(`${value} is ${result.state === 'complete' ? result.score : 'failed'}`);
    },
  };
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await settle();
};

/** A run whose first trial is over, and whose second one is being worked out. */
async function aThinkingRun(world: HouseOfPieces, options: Parameters<House['start']>[1] = {}) {
  const run = await world.house.start(slow(world, Number.POSITIVE_INFINITY), options);
  await run.tell(await nextTrial(run), 1);
  const asking = run.ask();
  await turns(5);
  expect(await stateOf(asking)).toBe('pending');
  world.done.length = 0;
  return { run, asking };
}

describe('while an answer is worked out', () => {
  const ends: Readonly<Record<string, (house: House) => unknown>> = {
    'it is stopped': ({ optimizers, session }) => optimizers.stop(session, 'x'),
    'its time is up': ({ clock }) => clock.advance(60_000),
    'its process dies': ({ processes }) => processes.at(-1)?.exit(exitReason.killed),
    'its session ends': ({ session }) => session.stop(),
    'the runtime goes down': ({ studies }) => studies.close(),
  };

  test.each(Object.entries(ends))('nothing more is worked out for a run when %s', async (_what, end) => {
    const world = await aHouseOfPieces();
    const { run, asking } = await aThinkingRun(world, { timeoutMs: 60_000 });
    await Promise.allSettled([end(world.house), run.ended]);
    const asked = world.done.filter((what) => what === 'asked').length;
    await turns(5);
    expect(world.done.filter((what) => what === 'asked')).toHaveLength(asked);
    expect(world.done.at(-1)).toBe('cleaned up');
    expect(await stateOf(asking)).not.toBe('pending');
  });

  test('sessions answer between its pieces', async () => {
    const world = await aHouseOfPieces();
    await aThinkingRun(world);
    await world.house.session.set('y', 7);
    await turns(1);
    expect(world.house.session.get('y')).toBe(7);
    expect(world.done.length).toBeLessThanOrEqual(3);
    await world.house.optimizers.stop(world.house.session, 'x');
    await expectFree(world.house);
    expect(await world.house.leftovers()).toEqual(nothing);
  });

  test('what others tell is taken in when it is there, and told before the next one is asked for', async () => {
    const world = await aHouseOfPieces();
    const run = await world.house.start(slow(world, 4), { parallel: 2, maxIterations: 10 });
    const first = await nextTrial(run, 'one');
    const asking = run.ask('two');
    await turns(2);
    expect(world.done).toContain('asked');
    const telling = run.tell(first, 7, 'one');
    const again = run.ask('one');
    await Promise.all([asking, telling, again]);
    expect(world.done.join(', ')).toBe(
      'asked, asked, asked, asked, cleaned up, told, 0 is 7, asked, asked, asked, asked, cleaned up',
    );
  });

  test('a client that is sent away meanwhile is given it when it asks again', async () => {
    const world = await aHouseOfPieces();
    const { house } = world;
    const run = await house.start(slow(world, 40));
    await run.tell(await nextTrial(run), 1);
    const impatient = new AbortController();
    const asking = house.studies.ask(house.session, run.id, 'one', { signal: impatient.signal });
    await turns(2);
    impatient.abort();
    expect(await failure(asking)).toMatchObject({ code: 'cancelled' });
    expect(await nextTrial(run, 'one')).toMatchObject({ number: 2, values: [{ value: 1 }] });
    expect(world.done.filter((what) => what === 'cleaned up')).toHaveLength(1);
  });

  test('a run whose clients wait for it keeps its lease', async () => {
    const world = await aHouseOfPieces();
    const { run, asking } = await aThinkingRun(world, { leaseMs: 1000 });
    for (let second = 0; second < 5; second += 1) await world.house.clock.advance(1000);
    expect(run.status().isOptimizing).toBe(true);
    await run.stop();
    expect(await asking).toBeUndefined();
  });
});

describe('a factory that works in pieces', () => {
  test('has its optimizer asked when it is there', async () => {
    const world = await aHouseOfPieces();
    const { house } = world;
    const optimizer = house.register(function* () {
      for (let count = 0; count < 3; count += 1) yield world.piece('made');
      return slow(world, 1);
    });
    const run = await house.optimizers.start(house.session, 'x', { optimizer, objective: () => 1, maxIterations: 2 });
    expect(await run.ended).toMatchObject({ reason: 'max_iterations', iteration: 2 });
    expect(world.done.slice(0, 4)).toEqual(['made', 'made', 'made', 'told']);
  });

  test('holds nothing when it fails', async () => {
    const { house } = await aHouseOfPieces();
    const makes: readonly (readonly [make: () => Optimizer, why: string])[] = [
      [() => JSON.parse('5'), 'its factory made 5'],
      [() => JSON.parse('not today'), 'cannot begin: '],
    ];
    for (const [make, why] of makes) {
      const optimizer = house.register(function* () {
        yield;
        return make();
      });
      const refusal = await failure(house.optimizers.start(house.session, 'x', { optimizer, objective: () => 1 }));
      expect(refusal.code).toBe('invalid_argument');
      expect(refusal.message).toContain(why);
    }
    await expectFree(house);
    expect(await house.leftovers()).toEqual(nothing);
  });
});

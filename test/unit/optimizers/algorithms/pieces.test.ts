import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/kernel/clock.js';
import type { Optimizer, Suggestion } from '../../../../src/optimizers/algorithms/optimizer.js';
import { type Answer, isWork } from '../../../../src/optimizers/algorithms/work.js';
import { LoopShare } from '../../../../src/optimizers/loop-share.js';
import { ManualClock } from '../../../../src/testing/manual-clock.js';
import { aFloat, anOptimizerInPieces, atOnce, complete } from './runs.js';

const searches = ['bayesian', 'climb', 'spsa', 'grid_search', 'random_search'] as const;

/** One that has been told of so many trials over so many floats. */
function anExperienced(search: (typeof searches)[number], variables: number, trials: number): Optimizer {
  const isGradient = search === 'climb' || search === 'spsa';
  const config = { ...(search === 'grid_search' ? {} : { seed: 1 }), ...(search === 'spsa' ? { method: 'spsa' } : {}) };
  const optimizer = anOptimizerInPieces(isGradient ? 'gradient' : search, {
    variables: Array.from({ length: variables }, (_, index) => aFloat(`v${index}`, 0, 1, 0.5)),
    config,
  });
  for (let trial = 0; trial < trials; trial += 1) {
    const values = Array.from({ length: variables }, (_, index) => ((trial + 1) * (index + 3) * 0.37) % 1);
    atOnce(optimizer.tell(values, complete(-values.reduce((sum, value) => sum + (value - 0.3) ** 2, 0))));
  }
  return optimizer;
}

/** What each piece of an answer took, in milliseconds. */
function piecesOf(answer: Answer<Suggestion>): number[] {
  if (!isWork(answer)) throw new TypeError('expected an answer in pieces');
  const tookMs: number[] = [];
  for (;;) {
    const begunAtMs = systemClock.monotonicMs();
    const { done } = answer.next();
    tookMs.push(systemClock.monotonicMs() - begunAtMs);
    if (done === true) return tookMs;
  }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);

describe('an answer in pieces', () => {
  test.each(searches)('of %s is the same when another one is worked out between them', (search) => {
    const whole = anExperienced(search, 3, 40);
    const [one, other] = [anExperienced(search, 3, 40), anExperienced(search, 3, 40)];
    for (let ask = 0; ask < 3; ask += 1) {
      const expected = atOnce(whole.ask());
      const works = [one.ask(), other.ask()].flatMap((answer) => (isWork(answer) ? [answer] : []));
      const found = new Map<object, Suggestion>();
      while (found.size < 2)
        for (const work of works) {
          const step = work.next();
          if (step.done === true && !found.has(work)) found.set(work, step.value);
        }
      expect([...found.values()]).toEqual([expected, expected]);
    }
  });

  test.each([
    ['one variable', 1],
    ['a hundred variables', 100],
  ])('is never as long as a twentieth of it (%s, a hundred and fifty trials)', (_, variables) => {
    // The same piece is the same work: what it took at least is what it takes when nobody else is at the processor.
    const rounds = Array.from({ length: 5 }, () => piecesOf(anExperienced('bayesian', variables, 150).ask()));
    const [first = []] = rounds;
    const least = first.map((_, piece) => Math.min(...rounds.map((round) => round[piece] ?? Infinity)));
    expect(Math.max(...least) / sumOf(least)).toBeLessThan(1 / 20);
  });

  test.each(searches)(
    'of %s over forty thousand variables comes in hundreds of pieces, and so does what it is told',
    (search) => {
      const optimizer = anExperienced(search, 40_000, 0);
      const asked = optimizer.ask();
      const told = optimizer.tell(
        Array.from({ length: 40_000 }, () => 0.7),
        complete(1),
      );
      for (const answer of [told, asked]) {
        if (!isWork(answer)) throw new TypeError('expected an answer in pieces');
        let pieces = 0;
        while (pieces < 200 && answer.next().done !== true) pieces += 1;
        expect(pieces).toBe(200);
      }
    },
  );

  test('lets the loop turn when as many pieces are done as a slice holds', async () => {
    let nowMs = 0;
    let pieces = 0;
    const clock = Object.assign(new ManualClock(), {
      monotonicMs: () => {
        pieces += 1;
        nowMs += 0.1;
        return nowMs;
      },
    });
    const optimizer = anExperienced('bayesian', 2, 150);
    const between: number[] = [];
    let isOver = false;
    const tick = (): void => {
      between.push(pieces);
      pieces = 0;
      if (!isOver) setImmediate(tick);
    };
    setImmediate(tick);
    const suggested = await new LoopShare(clock).run(() => optimizer.ask());
    isOver = true;
    expect(suggested).toEqual(atOnce(anExperienced('bayesian', 2, 150).ask()));
    expect(between.length).toBeGreaterThan(30);
    expect(Math.max(...between)).toBeLessThanOrEqual(12);
  });
});

import { expect, test } from 'vitest';
import { openBreaker } from '../../../supervisors/breaker.js';
import { BudgetBook } from '../../../supervisors/budget-book.js';
import { exitReason } from '../../../supervisors/index.js';
import { allowsAttempt, backoffDelayMs, wantsRestart, wasHealthy } from '../../../supervisors/restart-policy.js';

/** Attempts at these instants, each as soon as the one before was allowed; with the wait before each. */
function allowed(
  maxRestarts: number,
  withinMs: number,
  attempts: readonly (readonly [atMs: number, delayMs?: number])[],
) {
  const book = new BudgetBook({ maxRestarts, withinMs });
  return attempts.map(([atMs, delayMs = 0]) => {
    const allows = allowsAttempt(book, atMs);
    if (allows) book.spend(atMs, delayMs);
    return allows;
  });
}

test('S26 a permanent child wants a restart after any exit, a transient one after an abnormal exit, a temporary one never', () => {
  const wants = [exitReason.normal, exitReason.shutdown, exitReason.killed].map((reason) =>
    (['permanent', 'transient', 'temporary'] as const).filter((restart) => wantsRestart(restart, reason)),
  );
  expect(wants).toEqual([['permanent'], ['permanent'], ['permanent', 'transient']]);
});

test('S33 the window is inclusive at both ends and counts the attempt of this moment', () => {
  expect(allowed(2, 100, [[0], [50], [100]])).toEqual([true, true, false]);
  expect(allowed(2, 100, [[0], [50], [101], [150], [151]])).toEqual([true, true, true, false, true]);
});

test('S35 a budget of 0 allows nothing', () => {
  expect(allowed(0, 100, [[0]])).toEqual([false]);
});

test('an attempt costs the same whatever was spent before: only the newest attempts are kept', () => {
  const book = new BudgetBook({ maxRestarts: 3, withinMs: 1 });
  for (let atMs = 0; atMs < 1000; atMs += 1) book.spend(atMs, 0);
  expect(book.stamps.length).toBeLessThanOrEqual(6);
  expect(book.stamps.at(-1)?.atMs).toBe(999);
});

test('time spent waiting for restarts does not let attempts expire', () => {
  // Each crash comes 10 ms after a restart that was 1000 ms late: without waits that would be 10 ms apart.
  const late = [0, 1010, 2020, 3030].map((atMs) => [atMs, 1000] as const);
  expect(allowed(3, 100, late)).toEqual([true, true, true, false]);
  const prompt = [0, 1010, 2020, 3030].map((atMs) => [atMs, 0] as const);
  expect(allowed(3, 100, prompt)).toEqual([true, true, true, true]);
});

test('the first restart is immediate, later ones wait twice as long each time, up to the cap', () => {
  const backoff = { baseMs: 100, capMs: 1000, jitter: 'none' } as const;
  expect([0, 1, 2, 3, 4, 5, 2000].map((failures) => backoffDelayMs(backoff, failures, 0.5))).toEqual([
    0, 100, 200, 400, 800, 1000, 1000,
  ]);
});

test('full jitter draws the wait uniformly from 0 to its bound', () => {
  const backoff = { baseMs: 100, capMs: 1000 };
  expect([0, 0.25, 0.999].map((draw) => backoffDelayMs(backoff, 2, draw))).toEqual([0, 50, 199.8]);
});

test('a life as long as the cap, or as healthyMs, is healthy', () => {
  expect([999, 1000].map((livedMs) => wasHealthy({ baseMs: 1, capMs: 1000 }, livedMs))).toEqual([false, true]);
  expect([9, 10].map((livedMs) => wasHealthy({ baseMs: 1, capMs: 1000, healthyMs: 10 }, livedMs))).toEqual([
    false,
    true,
  ]);
  expect(wasHealthy(undefined, 0)).toBe(true);
});

test('a breaker that opens again stays open twice as long, up to its bound', () => {
  const options = { openMs: 100, maxOpenMs: 350, healthyMs: 1 };
  const first = openBreaker(options, { type: 'closed' }, 0);
  const second = openBreaker(options, { type: 'half_open', openings: first.openings }, 1000);
  const third = openBreaker(options, second.state, 2000);
  expect([first, second, third].map(({ forMs }) => forMs)).toEqual([100, 200, 350]);
  expect(third.state).toEqual({ type: 'open', untilMs: 2350, openings: 3 });
  expect(openBreaker({ openMs: 100, healthyMs: 1 }, second.state, 0).forMs).toBe(100);
});

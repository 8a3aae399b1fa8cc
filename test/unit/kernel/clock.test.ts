import { expect, test } from 'vitest';
import { sleep, systemClock, systemRandom } from '../../../src/kernel/clock.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';

const fired = (delayMs: number): Promise<number> =>
  new Promise((resolve) => {
    const startedAtMs = systemClock.monotonicMs();
    systemClock.setTimer(delayMs, () => resolve(systemClock.monotonicMs() - startedAtMs));
  });

test('a timer of the system clock never fires early, fractions of a millisecond included', async () => {
  const delays = Array.from({ length: 60 }, (_, index) => index / 7);
  const elapsed = await Promise.all(delays.map(fired));
  expect(elapsed.filter((elapsedMs, index) => elapsedMs < (delays[index] ?? 0))).toEqual([]);
});

test('a timer fires never on the stack of whoever set it, also for a delay of 0 or below', async () => {
  let count = 0;
  systemClock.setTimer(-5, () => {
    count += 1;
  });
  expect(count).toBe(0);
  await fired(2);
  expect(count).toBe(1);
});

test('a timer whose delay is longer than Node can count waits instead of firing at once', async () => {
  let count = 0;
  const timers = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((delayMs) =>
    systemClock.setTimer(delayMs, () => {
      count += 1;
    }),
  );
  await fired(5);
  for (const timer of timers) timer.cancel();
  expect(count).toBe(0);
});

test('a timer that was cancelled does not fire; cancelling twice, or after it fired, does nothing', async () => {
  let count = 0;
  const timer = systemClock.setTimer(1, () => {
    count += 1;
  });
  timer.cancel();
  timer.cancel();
  await fired(5);
  expect(count).toBe(0);
});

test('monotonic time never goes back and wall time is the present', () => {
  const before = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  expect(systemClock.nowMs()).toBeGreaterThan(Date.UTC(2025, 0, 1));
});

test('random tokens are unguessable text of the asked size and never repeat', () => {
  const tokens = Array.from({ length: 1000 }, () => systemRandom.token(9));
  expect(new Set(tokens).size).toBe(1000);
  expect(tokens.every((token) => /^[A-Za-z0-9_-]{12}$/.test(token))).toBe(true);
});

test('sleep resolves when its time has come, not before', async () => {
  const clock = new ManualClock();
  let awake = false;
  void sleep(clock, 100).then(() => {
    awake = true;
  });
  await clock.advance(99);
  expect(awake).toBe(false);
  await clock.advance(1);
  expect(awake).toBe(true);
});

test('sleep rejects with the reason of the signal and leaves no timer behind', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const slept = sleep(clock, 100, controller.signal);
  controller.abort(new Error('enough'));
  await expect(slept).rejects.toThrow('enough');
  expect(clock.pendingTimers).toBe(0);
  await expect(sleep(clock, 100, controller.signal)).rejects.toThrow('enough');
  expect(clock.pendingTimers).toBe(0);
});

test('the manual clock fires timers in order of due time, those included that a timer arms', async () => {
  const clock = new ManualClock();
  const order: string[] = [];
  clock.setTimer(20, () => order.push('20'));
  clock.setTimer(10, () => {
    order.push('10');
    clock.setTimer(5, () => order.push('15'));
  });
  clock.setTimer(10, () => order.push('10 again'));
  await clock.advance(30);
  expect(order).toEqual(['10', '10 again', '15', '20']);
  await settle();
  expect(clock.monotonicMs()).toBe(30);
});

import { expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.js';
import { TimerWheel } from '../../../src/kernel/timer-wheel.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

function aWheel(granularityMs = 25): { clock: ManualClock; wheel: TimerWheel; errors: unknown[] } {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  return { clock, errors, wheel: new TimerWheel({ clock, granularityMs, onError: (error) => errors.push(error) }) };
}

test('an entry fires never early and at most one granularity late', async () => {
  const { clock, wheel } = aWheel();
  const late: number[] = [];
  for (const dueAtMs of [1, 24, 25, 26, 49.5, 50, 51, 999, 1000, 12_345])
    wheel.schedule(dueAtMs, () => late.push(clock.monotonicMs() - dueAtMs));
  await clock.advance(13_000);
  expect(late).toHaveLength(10);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThan(25);
});

test('entries fire in order of their slots, whatever the order of scheduling', async () => {
  const { clock, wheel } = aWheel();
  const fired: number[] = [];
  for (const dueAtMs of [900, 30, 500, 100, 700, 300, 31]) wheel.schedule(dueAtMs, () => fired.push(dueAtMs));
  await clock.advance(1000);
  expect(fired).toEqual([30, 31, 100, 300, 500, 700, 900]);
});

test('an entry that was cancelled does not fire, and cancelling again does nothing', async () => {
  const { clock, wheel } = aWheel();
  const fired: string[] = [];
  const entry = wheel.schedule(10, () => fired.push('a'));
  wheel.schedule(10, () => fired.push('b'));
  entry.cancel();
  entry.cancel();
  await clock.advance(100);
  entry.cancel();
  expect(fired).toEqual(['b']);
});

test('cancelling costs the same whether ten or a hundred thousand entries wait', () => {
  const { wheel } = aWheel();
  const entries = Array.from({ length: 100_000 }, () => wheel.schedule(1000, () => {}));
  const startedAtMs = systemClock.monotonicMs();
  for (const entry of entries) entry.cancel();
  // Linear search would take minutes.
  expect(systemClock.monotonicMs() - startedAtMs).toBeLessThan(30_000);
});

test('any number of entries arms one timer of the clock', () => {
  const { clock, wheel } = aWheel();
  for (let dueAtMs = 10_000; dueAtMs > 0; dueAtMs -= 7) wheel.schedule(dueAtMs, () => {});
  expect(clock.pendingTimers).toBe(1);
});

test('no timer stays armed once everything fired or was cancelled', async () => {
  const { clock, wheel } = aWheel();
  wheel.schedule(10, () => {});
  wheel.schedule(500, () => {}).cancel();
  await clock.advance(25);
  expect(clock.pendingTimers).toBe(0);
});

test('an entry for the past fires soon, and not on the stack of whoever scheduled it', async () => {
  const { clock, wheel } = aWheel();
  await clock.advance(1000);
  let fired = 0;
  wheel.schedule(3, () => {
    fired += 1;
  });
  expect(fired).toBe(0);
  await clock.advance(0);
  expect(fired).toBe(1);
});

test('a callback may schedule, also for the moment at which it runs, without a turn that never ends', async () => {
  const { clock, wheel } = aWheel();
  const firedAtMs: number[] = [];
  let turns = 0;
  const again = (): void => {
    turns += 1;
    firedAtMs.push(clock.monotonicMs());
    if (turns < 100) wheel.schedule(clock.monotonicMs(), again);
  };
  wheel.schedule(25, again);
  wheel.schedule(25, () => firedAtMs.push(-1));
  await clock.advance(25);
  expect(firedAtMs.slice(0, 2)).toEqual([25, -1]);
  expect(turns).toBe(100);
});

test('a callback that schedules an earlier slot than the armed one is heard in time', async () => {
  const { clock, wheel } = aWheel();
  const fired: string[] = [];
  wheel.schedule(1000, () => fired.push('late'));
  wheel.schedule(25, () => wheel.schedule(50, () => fired.push('early')));
  await clock.advance(50);
  expect(fired).toEqual(['early']);
  await clock.advance(950);
  expect(fired).toEqual(['early', 'late']);
});

test('a callback that throws is reported and harms no other entry', async () => {
  const { clock, wheel, errors } = aWheel();
  const fired: string[] = [];
  wheel.schedule(10, () => {
    throw new Error('boom');
  });
  wheel.schedule(10, () => fired.push('same slot'));
  wheel.schedule(100, () => fired.push('later'));
  await clock.advance(200);
  expect(fired).toEqual(['same slot', 'later']);
  expect(errors).toEqual([new Error('boom')]);
});

test('a callback can cancel an entry that is due in the same turn', async () => {
  const { clock, wheel } = aWheel();
  const fired: string[] = [];
  wheel.schedule(10, () => {
    sameSlot.cancel();
    nextSlot.cancel();
  });
  const sameSlot = wheel.schedule(10, () => fired.push('same slot'));
  const nextSlot = wheel.schedule(40, () => fired.push('next slot'));
  await clock.advance(1000);
  expect(fired).toEqual([]);
});

test('after close nothing fires and no timer is left, also when a callback closes', async () => {
  const { clock, wheel } = aWheel();
  const fired: string[] = [];
  wheel.schedule(10, () => wheel.close());
  wheel.schedule(10, () => fired.push('same slot'));
  wheel.schedule(11, () => fired.push('same slot too'));
  wheel.schedule(40, () => fired.push('later'));
  await clock.advance(1000);
  expect(fired).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test('an entry that never falls due arms nothing', async () => {
  const { clock, wheel } = aWheel();
  wheel.schedule(Number.POSITIVE_INFINITY, () => {
    throw new Error('fired');
  });
  expect(clock.pendingTimers).toBe(0);
});

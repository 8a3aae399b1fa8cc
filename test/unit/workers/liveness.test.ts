import { expect, test } from 'vitest';
import type { Clock, Timer } from '../../../src/kernel/clock.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { Liveness } from '../../../src/workers/liveness.js';

function aLiveness(clock: Clock) {
  const silences: number[] = [];
  const liveness = new Liveness({
    clock,
    intervalMs: 100,
    allowedMisses: 3,
    onSilence: (silentMs) => silences.push(silentMs),
  });
  return { liveness, silences };
}

test('silence beyond the allowed misses is told once', async () => {
  const clock = new ManualClock();
  const { silences } = aLiveness(clock);
  await clock.advance(300);
  expect(silences).toEqual([]);
  await clock.advance(5_000);
  expect(silences).toEqual([400]);
  expect(clock.pendingTimers).toBe(0);
});

test('a sign of life starts the count again', async () => {
  const clock = new ManualClock();
  const { liveness, silences } = aLiveness(clock);
  for (let n = 0; n < 10; n += 1) {
    await clock.advance(300);
    liveness.sign();
  }
  expect(silences).toEqual([]);
});

test('after stop nothing is told and nothing is armed', async () => {
  const clock = new ManualClock();
  const { liveness, silences } = aLiveness(clock);
  liveness.stop();
  await clock.advance(10_000);
  expect(silences).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

/** A clock whose timers fire late, as when this process is busy or the machine was suspended. */
class LateClock implements Clock {
  #nowMs = 0;
  readonly #pending: (() => void)[] = [];

  nowMs = () => this.#nowMs;
  monotonicMs = () => this.#nowMs;

  setTimer(_delayMs: number, fire: () => void): Timer {
    this.#pending.push(fire);
    return { cancel: () => void this.#pending.splice(this.#pending.indexOf(fire), 1) };
  }

  pass(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Lets that much time pass before the next timer is looked at. */
  stall(byMs: number): void {
    this.pass(byMs);
    this.#pending.shift()?.();
  }
}

test('a worker is not blamed for the time in which this process stood still', () => {
  const clock = new LateClock();
  const { silences } = aLiveness(clock);
  clock.stall(60_000);
  clock.stall(100);
  expect(silences).toEqual([]);
  for (let n = 0; n < 3; n += 1) clock.stall(100);
  expect(silences).toEqual([400]);
});

test('a worker that hangs is found also where this process stands still again and again', () => {
  const clock = new LateClock();
  const { silences } = aLiveness(clock);
  for (let n = 0; n < 10 && silences.length === 0; n += 1) {
    clock.stall(350);
    clock.stall(100);
  }
  expect(silences).toEqual([400]);
});

test('a sign that comes while a check is late is credited no time to come', () => {
  const clock = new LateClock();
  const { liveness, silences } = aLiveness(clock);
  clock.pass(250);
  liveness.sign();
  clock.stall(50);
  for (let n = 0; n < 4; n += 1) clock.stall(100);
  expect(silences).toEqual([400]);
});

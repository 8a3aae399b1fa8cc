import { expect, test } from 'vitest';
import { Lease } from '../../../src/optimizers/lease.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

function aLease(durationMs = 100) {
  const clock = new ManualClock();
  const state: { expiredAtMs?: number; isAttended: boolean; checks: number } = { isAttended: false, checks: 0 };
  const lease = new Lease({
    clock,
    durationMs,
    isAttended: () => state.isAttended,
    onHeld: () => {
      state.checks += 1;
    },
    onExpired: () => {
      state.expiredAtMs = clock.monotonicMs();
    },
  });
  return { clock, lease, state };
}

test('a lease that nobody renews expires after its time', async () => {
  const { clock, state } = aLease();
  await clock.advance(99);
  expect(state.expiredAtMs).toBeUndefined();
  await clock.advance(1000);
  expect(state.expiredAtMs).toBe(100);
  expect(clock.pendingTimers).toBe(0);
});

test('each renewal puts it off by its whole time, with one timer however many there are', async () => {
  const { clock, lease, state } = aLease();
  for (let step = 0; step < 10; step += 1) {
    await clock.advance(60);
    lease.renew();
    expect(clock.pendingTimers).toBe(1);
  }
  await clock.advance(1000);
  expect(state.expiredAtMs).toBe(700);
});

test('while somebody waits to be answered it does not expire', async () => {
  const { clock, state } = aLease();
  state.isAttended = true;
  await clock.advance(1000);
  expect(state.expiredAtMs).toBeUndefined();
  state.isAttended = false;
  await clock.advance(1000);
  expect(state.expiredAtMs).toBeGreaterThan(1000);
});

test('one that has ended never expires, and leaves no timer', async () => {
  const { clock, lease, state } = aLease();
  lease.end();
  lease.end();
  lease.renew();
  await clock.advance(1000);
  expect([state.expiredAtMs, clock.pendingTimers]).toEqual([undefined, 0]);
});

test('as long as it holds it says so, once in its time or a little later', async () => {
  const { clock, lease, state } = aLease();
  for (let step = 0; step < 100; step += 1) {
    await clock.advance(10);
    lease.renew();
  }
  expect(state.checks).toBeGreaterThan(8);
  expect(state.checks).toBeLessThan(13);
  await clock.advance(1000);
  expect(state.expiredAtMs).toBe(1100);
});

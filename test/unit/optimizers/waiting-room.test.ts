import { expect, test } from 'vitest';
import { LATE, waitFor } from '../../../src/optimizers/patience.js';
import { WaitingRoom } from '../../../src/optimizers/waiting-room.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { failure } from '../sessions/harness.js';

function aRoom() {
  const clock = new ManualClock();
  return { clock, room: new WaitingRoom(clock) };
}

test('everybody who waits is called at once, and leaves nothing behind', async () => {
  const { clock, room } = aRoom();
  const waits = [room.wait({ timeoutMs: 100 }), room.wait({ timeoutMs: 200 })];
  expect([room.size, clock.pendingTimers]).toEqual([2, 2]);
  room.callAll();
  expect(await Promise.all(waits)).toEqual([true, true]);
  expect([room.size, clock.pendingTimers]).toEqual([0, 0]);
});

test('whoever has waited long enough is sent away', async () => {
  const { clock, room } = aRoom();
  const wait = room.wait({ timeoutMs: 100 });
  await clock.advance(100);
  expect(await wait).toBe(false);
  expect([room.size, clock.pendingTimers]).toEqual([0, 0]);
});

test('a call that came since one has looked is not missed', async () => {
  const { clock, room } = aRoom();
  const { calls } = room;
  room.callAll();
  expect(await room.wait({ timeoutMs: 100 }, calls)).toBe(true);
  expect(clock.pendingTimers).toBe(0);
});

test('a client that gives up is told so, before and while it waits', async () => {
  const { clock, room } = aRoom();
  const giving = new AbortController();
  const { signal } = giving;
  const wait = failure(room.wait({ timeoutMs: 100, signal }));
  giving.abort();
  expect(await wait).toMatchObject({ code: 'cancelled', execution: 'not_started' });
  expect(await failure(room.wait({ timeoutMs: 100, signal }))).toMatchObject({ code: 'cancelled' });
  expect([room.size, clock.pendingTimers]).toEqual([0, 0]);
});

test('waiting ends once: with the answer, the fault, the time or the client, whatever is first', async () => {
  const clock = new ManualClock();
  const giving = new AbortController();
  let undone = 0;
  const wait = (told: 'answer' | 'fail' | 'nothing') =>
    waitFor<string>(clock, { timeoutMs: 100, signal: giving.signal }, (answer, fail) => {
      if (told === 'answer') queueMicrotask(() => answer('here'));
      if (told === 'fail') queueMicrotask(() => fail(new Error('broken')));
      return () => {
        undone += 1;
      };
    });
  expect(await wait('answer')).toBe('here');
  await expect(wait('fail')).rejects.toThrow('broken');
  const late = wait('nothing');
  await clock.advance(100);
  expect(await late).toBe(LATE);
  giving.abort();
  expect([undone, clock.pendingTimers]).toEqual([3, 0]);
});

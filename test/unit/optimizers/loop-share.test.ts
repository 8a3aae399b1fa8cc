import { expect, test } from 'vitest';
import { LoopShare } from '../../../src/optimizers/loop-share.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

const turn = (): Promise<void> => new Promise(setImmediate);

/** A share, and time that passes only where a test spends it. */
function aShare() {
  let nowMs = 0;
  const clock = Object.assign(new ManualClock(), { monotonicMs: () => nowMs });
  const heard: string[] = [];
  return {
    share: new LoopShare(clock),
    /** What was done, with `turn` where the event loop has turned. */
    heard,
    /** Does one thing that takes so long. */
    spend: (ms: number, what: string): void => {
      nowMs += ms;
      heard.push(what);
    },
    /** Lets the loop turn until all of it is there, and says how it went. */
    all: async (begin: () => readonly Promise<unknown>[]) => {
      let isOver = false;
      const tick = (): void => {
        if (isOver) return;
        heard.push('turn');
        setImmediate(tick);
      };
      setImmediate(tick);
      const fates = await Promise.allSettled(begin());
      isOver = true;
      return fates;
    },
  };
}

const pieces = (house: ReturnType<typeof aShare>, name: string, count: number, ms: number) =>
  function* () {
    for (let piece = 1; piece <= count; piece += 1) {
      house.spend(ms, name);
      yield;
    }
    return name;
  };

test('what is quick is answered before the loop turns', async () => {
  const house = aShare();
  const fates = await house.all(() => ['a', 'b', 'c'].map((name) => house.share.run(pieces(house, name, 2, 0.1))));
  expect(house.heard.join(' ')).toBe('a a b b c c');
  expect(fates.map((fate) => fate.status === 'fulfilled' && fate.value)).toEqual(['a', 'b', 'c']);
});

test('the loop turns whenever a slice is used up, and the piece that uses it up is the last one', async () => {
  const house = aShare();
  await house.all(() => [house.share.run(pieces(house, 'a', 7, 0.4))]);
  expect(house.heard.join(' ')).toBe('a a a turn a a a turn a');
});

test('a piece that is longer than a slice is one by itself', async () => {
  const house = aShare();
  await house.all(() => [house.share.run(pieces(house, 'a', 3, 7))]);
  expect(house.heard.join(' ')).toBe('a turn a turn a turn');
});

test('several works have one slice between them, and take turns', async () => {
  const house = aShare();
  await house.all(() => ['a', 'b', 'c'].map((name) => house.share.run(pieces(house, name, 3, 0.6))));
  expect(house.heard.join(' ')).toBe('a a turn a b turn c c turn b b turn c');
});

test('calls without pieces that take long follow one another with the loop between them, others at once', async () => {
  const house = aShare();
  const calls = async (ms: number): Promise<void> => {
    for (const name of ['a', 'b', 'c']) await house.share.run(() => house.spend(ms, name));
  };
  await house.all(() => [calls(20)]);
  expect(house.heard.splice(0).join(' ')).toBe('a turn b turn c');
  await turn();
  await house.all(() => [calls(0)]);
  expect(house.heard.join(' ')).toBe('a b c');
});

test('an aborted work does not get another piece, cleans up, and leaves its time to the others', async () => {
  const house = aShare();
  const over = new AbortController();
  const endless = function* () {
    try {
      for (;;) {
        house.spend(0.6, 'endless');
        yield;
      }
    } finally {
      house.heard.push('cleaned up');
    }
  };
  const [aborted, waiting] = await house.all(() => {
    const begun = [
      house.share.run(endless, over.signal),
      house.share.run(() => house.spend(0, 'never'), over.signal),
      house.share.run(pieces(house, 'other', 2, 0.6)),
    ];
    over.abort(new Error('the run has ended'));
    return begun;
  });
  expect(house.heard.join(', ')).toBe('endless, endless, turn, cleaned up, other, other, turn');
  for (const fate of [aborted, waiting])
    expect(fate).toMatchObject({ status: 'rejected', reason: { message: 'the run has ended' } });
});

test('a work that goes on while it should clean up is left alone', async () => {
  const house = aShare();
  const over = new AbortController();
  const clinging = function* () {
    try {
      for (;;) yield house.spend(2, 'piece');
    } finally {
      for (;;) yield house.spend(2, 'one more');
    }
  };
  const [aborted] = await house.all(() => {
    const begun = house.share.run(clinging, over.signal);
    over.abort(new Error('the run has ended'));
    return [begun];
  });
  expect(aborted).toMatchObject({ status: 'rejected', reason: { message: 'the run has ended' } });
  await turn();
  await turn();
  expect(house.heard.join(', ')).toBe('piece, turn, one more');
});

test('what is thrown is passed on: at once, in a later piece, while cleaning up', async () => {
  const house = aShare();
  const over = new AbortController();
  const fail = (why: string): never => {
    throw new Error(why);
  };
  const fates = await house.all(() => {
    const begun = [
      house.share.run(function* () {
        try {
          for (;;) yield house.spend(2, 'piece');
        } finally {
          fail('cleaning up');
        }
      }, over.signal),
      house.share.run(() => fail('at once')),
      house.share.run(function* () {
        yield house.spend(2, 'piece');
        fail('later');
      }),
    ];
    over.abort();
    return begun;
  });
  expect(fates).toMatchObject(
    ['cleaning up', 'at once', 'later'].map((message) => ({ status: 'rejected', reason: { message } })),
  );
});

test('a promise is awaited, also as what pieces come to, and holds up nobody', async () => {
  const house = aShare();
  const never = house.share.run(() => new Promise(() => {}));
  const seven = house.share.run(async () => 7);
  const eight = house.share.run(function* () {
    yield;
    return Promise.resolve(8);
  });
  expect(await Promise.all([seven, eight])).toEqual([7, 8]);
  expect(await Promise.race([never, 'still waiting'])).toBe('still waiting');
});

test('something is done in each turn, however fast the clock is', async () => {
  let nowMs = 0;
  const clock = Object.assign(new ManualClock(), {
    monotonicMs: () => {
      nowMs += 100;
      return nowMs;
    },
  });
  const share = new LoopShare(clock);
  const work = function* () {
    yield;
    yield;
    return 'done';
  };
  expect(await Promise.all([share.run(work), share.run(work)])).toEqual(['done', 'done']);
});

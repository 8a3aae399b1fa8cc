import { expect, test } from 'vitest';
import { Advisor } from '../../../src/optimizers/advisor.js';
import type { Optimizer } from '../../../src/optimizers/algorithms/optimizer.js';
import { LoopShare } from '../../../src/optimizers/loop-share.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { stateOf } from './harness.js';

/** What JavaScript can put where an optimizer belongs, with the present values behind it. */
async function advised(optimizer: object, signal = new AbortController().signal): Promise<Advisor> {
  const whole: Optimizer = { ask: () => ({ type: 'wait' }), tell: () => undefined, ...optimizer };
  const advisor = new Advisor({
    optimizer: whole,
    present: ['present'],
    check: async (values) => {
      if (!values.every((value) => typeof value === 'number')) throw new Error('it is refused');
      return values;
    },
    signal,
    share: new LoopShare(new ManualClock()),
  });
  await advisor.next();
  return advisor;
}

const never = () => new Promise<never>(() => {});

test('the present values come first, without the optimizer', async () => {
  const advisor = new Advisor({
    optimizer: { ask: never, tell: never },
    present: ['present'],
    check: never,
    signal: new AbortController().signal,
    share: new LoopShare(new ManualClock()),
  });
  expect(await advisor.next()).toEqual({ ok: true, value: { type: 'candidate', values: ['present'] } });
});

test('a suggestion is what the variables would keep', async () => {
  const advisor = await advised({ ask: async () => ({ type: 'candidate', values: [5] }) });
  expect(await advisor.next()).toEqual({ ok: true, value: { type: 'candidate', values: [5] } });
  const refused = await advised({ ask: () => ({ type: 'candidate', values: ['no'] }) });
  expect(await refused.next()).toEqual({ ok: false, error: 'the optimizer suggested what cannot be: it is refused' });
});

test('an optimizer that is done stays done', async () => {
  const advisor = await advised({ ask: () => ({ type: 'done' }) });
  expect(advisor.isDone).toBe(false);
  expect(await advisor.next()).toMatchObject({ value: { type: 'done' } });
  expect(advisor.isDone).toBe(true);
});

test('a suggestion that is none says what came', async () => {
  const unreadable = new Proxy(
    {},
    {
      has: () => {
        throw new Error('do not look at me');
      },
    },
  );
  const nonsense = [undefined, null, 5, 'wait', [], {}, { type: 'candidate' }, { type: 'candidate', values: 5 }];
  for (const suggestion of [...nonsense, unreadable, { type: 'later' }]) {
    const advisor = await advised({ ask: () => suggestion });
    expect(await advisor.next()).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^ask of the optimizer failed/),
    });
  }
});

test('what an optimizer throws or rejects with is said, with the method', async () => {
  for (const fail of [
    () => {
      throw new Error('out of ideas');
    },
    async () => {
      throw new Error('out of ideas');
    },
  ]) {
    const advisor = await advised({ ask: fail, tell: fail, shouldStop: fail });
    const result = { state: 'failed' } as const;
    const answers = [await advisor.next(), await advisor.tell([1], result), await advisor.wantsToStop()];
    expect(answers).toEqual(
      ['ask', 'tell', 'shouldStop'].map((method) => ({
        ok: false,
        error: `${method} of the optimizer failed: out of ideas`,
      })),
    );
  }
});

test('a shouldStop that is no function is a fault, and without one nothing stops', async () => {
  expect(await (await advised({ shouldStop: 5 })).wantsToStop()).toMatchObject({ ok: false });
  expect(await (await advised({})).wantsToStop()).toEqual({ ok: true, value: false });
  expect(await (await advised({ shouldStop: async () => true })).wantsToStop()).toEqual({ ok: true, value: true });
});

test('an optimizer that never answers is waited for until the run ends, and not longer', async () => {
  const over = new AbortController();
  const advisor = await advised({ ask: never, tell: never, shouldStop: never }, over.signal);
  const answers = [advisor.next(), advisor.tell([1], { state: 'failed' }), advisor.wantsToStop()];
  for (const answer of answers) expect(await stateOf(answer)).toBe('pending');
  over.abort();
  expect(await Promise.all(answers)).toEqual([
    { ok: true, value: { type: 'wait' } },
    { ok: true, value: undefined },
    { ok: true, value: false },
  ]);
});

test('what comes after the end of the run is dropped, an error too', async () => {
  const over = new AbortController();
  let reject: (error: Error) => void = () => {};
  const late = new Promise<never>((_resolve, fail) => {
    reject = fail;
  });
  const advisor = await advised({ ask: () => late }, over.signal);
  const answer = advisor.next();
  over.abort();
  expect(await answer).toEqual({ ok: true, value: { type: 'wait' } });
  reject(new Error('too late'));
  expect(await stateOf(answer)).toBe('resolved');
});

import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { sessionId } from '../../../src/kernel/ids.js';
import { ok } from '../../../src/kernel/result.js';
import type { ScriptedCall } from '../../../src/testing/scripted-worker.js';
import { MOST_NESTED } from '../../../src/workers/nesting.js';
import { Harness, never, settle, watch } from './harness.js';

/** A Python tool that asks the TypeScript function `back`, and answers when that has. */
const asking = {
  tools: {
    outer: (_args: ReadonlyMap<string, unknown>, { worker, frame }: ScriptedCall) => {
      const { callId, sessionId } = frame;
      worker.send({ type: 'ask', askId: callId, callId, sessionId, name: 'back', arguments: ok(new Map()) });
      return never();
    },
    inner: never,
    work: never,
  },
};

/** Has each worker answer a call that asked once its answer is there, and every `inner` at once. */
async function run(house: Harness): Promise<void> {
  for (let turn = 0; turn < 2 * MOST_NESTED + 2; turn += 1) {
    await settle();
    for (const worker of house.launcher.living)
      for (const { callId, target } of worker.calls) {
        const answer = worker.received.find((frame) => frame.type === 'answer' && frame.askId === callId);
        if (target.type === 'tool' && target.name === 'inner') worker.send({ type: 'result', callId, value: 'inner' });
        else if (answer?.type === 'answer')
          worker.send(
            answer.outcome.ok
              ? { type: 'result', callId, value: answer.outcome.value }
              : { type: 'failure', callId, error: new CoilyardError('python_error', answer.outcome.error.message) },
          );
      }
  }
}

test('a call that the only worker waits for is given to it, though it is busy', async () => {
  const house = new Harness(asking, { size: 1 });
  await house.start();
  house.tools.register('back', async () => house.call('inner'));
  const outer = watch(house.call('outer'));
  await run(house);
  expect(outer.outcome()).toEqual({ value: 'inner' });
});

test('such calls go as deep as they like, and one without an end is refused', async () => {
  const house = new Harness(asking, { size: 1 });
  await house.start();
  let depth = 0;
  house.tools.register('back', async () => {
    depth += 1;
    await settle();
    return house.call(depth < MOST_NESTED ? 'outer' : 'inner');
  });
  const deep = watch(house.call('outer'));
  await run(house);
  expect([depth, deep.outcome()]).toMatchObject([
    MOST_NESTED,
    { error: { code: 'python_error', message: /nested 64 deep/ } },
  ]);
  depth = 1;
  const less = watch(house.call('outer'));
  await run(house);
  expect([depth, less.outcome()]).toEqual([MOST_NESTED, { value: 'inner' }]);
});

test('a worker that is free comes before one that waits', async () => {
  const house = new Harness(asking, { size: 2 });
  const [first, second] = await house.start();
  house.tools.register('back', async () => house.call('inner'));
  watch(house.call('outer'));
  await settle();
  expect([first, second].map((worker) => worker?.calls.length)).toEqual([1, 1]);
});

test('other calls wait for a worker that waits for TypeScript, as for any that is busy', async () => {
  const house = new Harness(asking, { size: 1 });
  const [worker] = await house.start();
  house.tools.register('back', never);
  watch(house.call('outer'));
  const other = watch(house.call('work'));
  await settle();
  expect([worker?.calls.length, other.outcome()]).toEqual([1, 'pending']);
});

test('what a function calls after its caller has gone waits its turn', async () => {
  const house = new Harness(asking, { size: 1 });
  const [worker] = await house.start();
  let late: (() => Promise<unknown>) | undefined;
  house.tools.register('back', async () => {
    await new Promise<void>((resolve) => {
      late = async () => resolve();
    });
    return house.call('inner');
  });
  watch(house.call('outer'));
  await settle();
  worker?.send({ type: 'ask_cancel', askId: 1 });
  await settle();
  await late?.();
  await settle();
  expect(worker?.calls.map(({ target }) => target)).toEqual([{ type: 'tool', name: 'outer' }]);
  expect(house.pool.queued).toBe(1);
});

test('a worker waits for what its session may not have elsewhere', async () => {
  const house = new Harness(asking, { size: 1, affinity: 'strict_fail_fast' });
  await house.start();
  const options = { sessionId: sessionId('s') };
  house.tools.register('back', async () => house.call('inner', {}, options));
  const outer = watch(house.call('outer', {}, options));
  await run(house);
  expect(outer.outcome()).toEqual({ value: 'inner' });
});

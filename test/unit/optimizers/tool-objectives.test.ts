import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { settle } from '../../../src/testing/manual-clock.js';
import type { ToolRequest, ToolsPort } from '../../../src/workers/python-port.js';
import { aHouse, Counting, nothing, story } from './harness.js';

/** Tools that answer as a test says, and remember what they were asked. */
function someTools(answer: (value: unknown, request: ToolRequest) => unknown) {
  const asked: ToolRequest[] = [];
  const tools: ToolsPort = {
    callTool: async (request) => {
      asked.push(request);
      return answer(request.arguments.get('value'), request);
    },
    listTools: () => [],
  };
  return { asked, tools };
}

const busy = (options = {}) => new CoilyardError('pool_saturated', 'there is a queue', options);
const down = () => new CoilyardError('pool_unavailable', 'its imports fail');

test('a tool is called with the value, on behalf of the session, as often as it takes', async () => {
  const { asked, tools } = someTools((value) => Number(value));
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure', maxIterations: 2 });
  expect(await run.ended).toMatchObject({ reason: 'max_iterations', bestScore: 1, leaseMs: 0 });
  expect(asked).toMatchObject([
    { name: 'measure', arguments: new Map([['value', 0]]), sessionId: 'a', idempotent: true },
    { name: 'measure', arguments: new Map([['value', 1]]), sessionId: 'a', idempotent: true },
  ]);
});

test('with several variables it is called by their names', async () => {
  const { asked, tools } = someTools(() => 1);
  const house = await aHouse({ tools });
  await (await house.start(new Counting(9, 2), { on: ['x', 'y'], objective: 'measure', maxIterations: 1 })).ended;
  expect(asked[0]?.arguments).toEqual(
    new Map([
      ['x', 0],
      ['y', 0],
    ]),
  );
});

test('a pool that is busy or away for a while is asked again, when it says so, and no trial fails for it', async () => {
  let calls = 0;
  const { tools } = someTools((value) => {
    calls += 1;
    if (calls === 1) throw busy({ retryAfterMs: 2000 });
    if (calls === 2) throw down();
    return Number(value);
  });
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure', maxIterations: 1 });
  await house.clock.advance(1999);
  expect(calls).toBe(1);
  await house.clock.advance(1);
  expect(calls).toBe(2);
  await house.clock.advance(500);
  expect(await story(run)).toEqual(['1 0 0']);
  expect(await house.leftovers()).toEqual(nothing);
});

test('a pool that stays away for a minute ends the run, which says why', async () => {
  const { tools } = someTools(() => {
    throw down();
  });
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure' });
  await house.clock.advance(59_000);
  expect(run.status().isOptimizing).toBe(true);
  await house.clock.advance(2000);
  expect(await run.ended).toMatchObject({ reason: 'failed', iteration: 0, error: 'its imports fail' });
  expect(await house.leftovers()).toEqual(nothing);
});

test('a pool that is busy for hours is asked for hours', async () => {
  const { tools } = someTools(() => {
    throw busy({ retryAfterMs: 30_000 });
  });
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure' });
  await house.clock.advance(3_600_000);
  expect(run.status()).toMatchObject({ isOptimizing: true, iteration: 0 });
  await run.stop();
  expect(await house.leftovers()).toEqual(nothing);
});

test('a call that may have been carried out is not made again: its trial has failed', async () => {
  const { asked, tools } = someTools((value) => {
    if (value === 0) throw new CoilyardError('worker_lost', 'it is gone');
    return Number(value);
  });
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure', maxIterations: 2 });
  expect(await story(run)).toEqual(['1 0 null', '2 1 1']);
  expect(asked).toHaveLength(2);
});

test('a call under way is cancelled with the run', async () => {
  const { asked, tools } = someTools(() => new Promise(() => {}));
  const house = await aHouse({ tools });
  const run = await house.start(new Counting(), { objective: 'measure', parallel: 3 });
  await settle();
  await run.stop();
  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([true, true, true]);
});

test('a tool that there is not, or that takes other arguments, ends the run at once', async () => {
  for (const error of [
    new CoilyardError('tool_not_found', 'no tool', { details: { tool: 'measure' } }),
    new CoilyardError('invalid_argument', 'missing temperature', { details: { missing: ['temperature'] } }),
  ]) {
    const { asked, tools } = someTools(() => {
      throw error;
    });
    const house = await aHouse({ tools });
    const run = await house.start(new Counting(), { objective: 'measure' });
    expect(await run.ended).toMatchObject({ reason: 'failed', iteration: 0, error: error.message });
    expect(asked).toHaveLength(1);
  }
});

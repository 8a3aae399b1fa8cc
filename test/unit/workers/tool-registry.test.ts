import { expect, test } from 'vitest';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { sessionId } from '../../../src/kernel/ids.js';
import { ToolRegistry } from '../../../src/workers/tool-registry.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { never, watch } from './harness.js';

const clock = new ManualClock();
const aRegistry = (): ToolRegistry => new ToolRegistry(clock);
const aCall = (name: string, args: Record<string, unknown> = {}) => ({
  name,
  arguments: new Map(Object.entries(args)),
  sessionId: null,
  workerId: null,
});

test('a function is called with its arguments by name, its session and a signal', async () => {
  const registry = aRegistry();
  registry.register('add', ({ a, b }, { sessionId, signal }) => [Number(a) + Number(b), sessionId, signal.aborted]);
  const call = { ...aCall('add', { a: 1, b: 2 }), sessionId: sessionId('s') };
  await expect(registry.call(call)).resolves.toEqual([3, 's', false]);
});

test('a name is valid and free, a function is a function, a schema is plain data', () => {
  const registry = aRegistry();
  registry.register('taken', () => 1);
  for (const name of ['', '1st', 'with blank', 'x'.repeat(129), 'taken'])
    expect(() => registry.register(name, () => 1), name).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  expect(() => registry.register('cyclic', () => 1, { parameters: cyclic })).toThrow('parameters');
});

test('a function that was taken back is not found, and its name is free again', async () => {
  const registry = aRegistry();
  const takeBack = registry.register('once', () => 1);
  takeBack();
  registry.register('once', () => 2);
  takeBack();
  await expect(registry.call(aCall('once'))).resolves.toBe(2);
  await expect(registry.call(aCall('other'))).rejects.toMatchObject({
    code: 'tool_not_found',
    execution: 'not_started',
    details: { tool: 'other', known: ['once'] },
  });
});

test('arguments that the schema requires have to be there', async () => {
  const registry = aRegistry();
  registry.register('find', () => 1, { parameters: { type: 'object', required: ['key'] } });
  await expect(registry.call(aCall('find'))).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { missing: ['key'] },
  });
});

test('what a function throws keeps its message; a CoilyardError its code, any other its type and code', async () => {
  const registry = aRegistry();
  registry.register('ours', () => {
    throw new CoilyardError('rate_limited', 'slowly', { retryAfterMs: 5 });
  });
  registry.register('foreign', async () => {
    throw Object.assign(new RangeError('too far'), { code: 'E_FAR' });
  });
  await expect(registry.call(aCall('ours'))).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 5 });
  await expect(registry.call(aCall('foreign'))).rejects.toMatchObject({
    code: 'internal',
    message: 'too far',
    execution: 'done',
    details: { type: 'RangeError', code: 'E_FAR' },
  });
});

test('a function that hangs is given up at its deadline, and its signal says so', async () => {
  const registry = aRegistry();
  let signal: AbortSignal | undefined;
  registry.register('hang', (_args, caller) => {
    signal = caller.signal;
    return never();
  });
  const call = watch(registry.call({ ...aCall('hang'), timeoutMs: 100 }));
  await settle();
  clock.advance(99);
  await settle();
  expect(call.outcome()).toBe('pending');
  clock.advance(1);
  await settle();
  expect(call.outcome()).toMatchObject({ error: { code: 'deadline_exceeded', execution: 'unknown' } });
  expect(signal?.aborted).toBe(true);
});

test('a call that is cancelled ends at once, whether the function listens or not', async () => {
  const registry = aRegistry();
  registry.register('hang', never);
  const asked = new AbortController();
  const call = watch(registry.call({ ...aCall('hang'), signal: asked.signal }));
  asked.abort();
  await settle();
  expect(call.outcome()).toMatchObject({ error: { code: 'cancelled' } });
});

import { expect, test } from 'vitest';
import { FollowSource } from '../../../src/gateway/follow-service.js';
import { FollowOptimizationResponse } from '../../../src/gen/coilyard/v1/optimizations.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { encodeRunStatus } from '../../../src/wire/optimization-replies.js';
import { aStatus, aTrial, ScriptedReader } from '../../support/scripted-optimizers.js';

const MESSAGE_BYTES = 100_000;

function follow(maxBytes = MESSAGE_BYTES) {
  const reader = new ScriptedReader();
  return { reader, source: new FollowSource(reader, encodeRunStatus, maxBytes) };
}

/** Every message there is now. */
function messages(source: FollowSource): { readonly bytes: number; readonly message: FollowOptimizationResponse }[] {
  const read = [];
  for (let next = source.next(); next !== undefined; next = source.next())
    read.push({ bytes: next.byteLength, message: FollowOptimizationResponse.decode(next) });
  return read;
}

const iterations = ({ trials }: FollowOptimizationResponse): number[] =>
  trials.map(({ iteration }) => Number(iteration));
const text = (length: number) => [{ name: 'prompt', type: 'string', value: 'x'.repeat(length) }];

test('trials that ended since share a message, and there is none without any', () => {
  const { reader, source } = follow();
  expect(source.next()).toBeUndefined();
  reader.add(aTrial(1), aTrial(2));
  expect(messages(source).map(({ message }) => iterations(message))).toEqual([[1, 2]]);
  expect(source.ended).toBeUndefined();
});

test('the end comes with the last trials, and nothing after it', () => {
  const { reader, source } = follow();
  reader.add(aTrial(1));
  reader.end(aStatus({ isOptimizing: false, reason: 'stopped' }));
  const [only, ...others] = messages(source);
  expect(only?.message).toMatchObject({ trials: [{ iteration: 1n }], ended: { reason: 'stopped' } });
  expect(others).toEqual([]);
  expect(source.ended).toBe('complete');
});

test('the end of a run of which nothing is left to tell is a message of its own', () => {
  const { reader, source } = follow();
  reader.end(aStatus({ isOptimizing: false, reason: 'converged' }));
  expect(messages(source).map(({ message }) => message)).toMatchObject([
    { trials: [], ended: { reason: 'converged' } },
  ]);
});

test('trials are taken a few hundred at a time, each once and in order', () => {
  const { reader, source } = follow();
  reader.add(...Array.from({ length: 1000 }, (_, n) => aTrial(n + 1)));
  reader.end(aStatus({ isOptimizing: false, reason: 'max_iterations' }));
  const read = messages(source);
  expect(read.flatMap(({ message }) => iterations(message))).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
  expect(Math.max(...reader.taken)).toBeLessThanOrEqual(256);
  expect(read.map(({ message }) => message.ended !== undefined)).toEqual([...read.slice(1).map(() => false), true]);
});

test('while a message waits for its reader nothing else is taken', () => {
  const { reader, source } = follow();
  reader.add(...Array.from({ length: 100 }, (_, n) => aTrial(n + 1, { values: text(5000) })));
  source.next();
  expect(reader.taken).toEqual([100]);
  reader.add(aTrial(101));
  source.next();
  expect(reader.taken).toEqual([100]);
  expect(
    messages(source)
      .flatMap(({ message }) => iterations(message))
      .at(-1),
  ).toBe(101);
});

test('large trials share messages of 64 KiB, and one that is larger has its own', () => {
  const { reader, source } = follow();
  reader.add(...[20_000, 20_000, 20_000, 20_000, 90_000, 10].map((size, n) => aTrial(n + 1, { values: text(size) })));
  const read = messages(source);
  expect(read.map(({ message }) => iterations(message))).toEqual([[1, 2, 3], [4], [5], [6]]);
  for (const { bytes } of read) expect(bytes).toBeLessThanOrEqual(MESSAGE_BYTES);
});

test('a trial that no message can hold comes without its values, and without what was measured if need be', () => {
  const { reader, source } = follow(10_000);
  const metrics = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`metric_${n}${'x'.repeat(100)}`, n]));
  reader.add(
    aTrial(1, { values: text(20_000) }),
    aTrial(2, { values: text(20_000), metrics, score: null, error: 'boom' }),
    aTrial(3),
  );
  const read = messages(source);
  for (const { bytes } of read) expect(bytes).toBeLessThanOrEqual(10_000);
  const [first, second, third] = read.flatMap(({ message }) => message.trials);
  expect([first?.values.size, first?.metrics.get('score'), first?.score]).toEqual([0, 1, 1]);
  expect([second?.values.size, second?.metrics.size, second?.state]).toEqual([0, 0, 'failed']);
  expect(third?.values.size).toBe(1);
});

test('an end that does not fit beside the last trials follows them, without its values if need be', () => {
  const { reader, source } = follow(10_000);
  reader.add(aTrial(1, { values: text(8000) }));
  reader.end(
    aStatus({
      isOptimizing: false,
      reason: 'stopped',
      variables: [{ name: 'prompt', type: 'string' }],
      bestValues: new Map([['prompt', 'x'.repeat(20_000)]]),
      error: 'e'.repeat(9900),
    }),
  );
  const [last, end, ...others] = messages(source);
  expect(last?.message.ended).toBeUndefined();
  expect(end?.message.ended).toMatchObject({ reason: 'stopped', variables: ['prompt'] });
  expect([end?.message.trials.length, end?.message.ended?.bestValues.size]).toEqual([0, 0]);
  expect(end?.bytes).toBeLessThanOrEqual(10_000);
  expect(others).toEqual([]);
});

test('what the run throws is thrown on, and a source that was closed has closed its reader', () => {
  const { reader, source } = follow();
  const gone = new CoilyardError('session_not_found', 'the session was stopped');
  reader.fail(gone);
  expect(() => source.next()).toThrow(gone);
  source.close();
  source.close();
  expect(reader.isClosed).toBe(true);
});

import { expect, test } from 'vitest';
import { WatchEncoder } from '../../../src/gateway/watch-encoder.js';
import { UpdateType, WatchResponse } from '../../../src/gen/coilyard/v1/variables.js';
import { resetUpdate, type VariableUpdate } from '../../../src/sessions/update.js';

const position = { revision: 2 ** 40, tag: 'tag' };

const update = (changes: Partial<VariableUpdate> = {}): VariableUpdate => ({
  type: 'updated',
  name: 'a',
  variableId: 'var_a_1',
  variableType: 'float',
  value: 2,
  oldValue: 1,
  version: 3,
  revision: 2 ** 40,
  metadata: { why: 'test' },
  source: 'python',
  timestamp: 1_700_000_000_000,
  skipped: 4,
  ...changes,
});

const decode = (messages: readonly Buffer[]): WatchResponse[] => messages.map((bytes) => WatchResponse.decode(bytes));

test('an update travels with everything that observers hear, a float as a float', () => {
  const [message] = decode(new WatchEncoder(1_000_000).encode({ position, updates: [update()] }));
  expect(message?.position).toEqual({ revision: 2n ** 40n, tag: 'tag' });
  expect(message?.updates).toEqual([
    {
      type: UpdateType.UPDATED,
      name: 'a',
      variableId: 'var_a_1',
      value: { kind: { $case: 'float', value: 2 } },
      oldValue: { kind: { $case: 'float', value: 1 } },
      version: 3n,
      revision: 2n ** 40n,
      metadata: new Map([['why', { kind: { $case: 'text', value: 'test' } }]]),
      source: 'python',
      timestampMs: 1_700_000_000_000n,
      skipped: 4n,
      resetReason: '',
    },
  ]);
});

test('a null value is there, a missing one is not', () => {
  const updates = [update({ oldValue: null, value: undefined }), resetUpdate('overflow', 7, 0)];
  const [message] = decode(new WatchEncoder(1_000_000).encode({ position, updates }));
  expect(message?.updates[0]).toMatchObject({ value: undefined, oldValue: { kind: { $case: 'null' } } });
  expect(message?.updates[1]).toMatchObject({ type: UpdateType.RESET, resetReason: 'overflow', value: undefined });
});

test('no updates are one message with the position', () => {
  const messages = decode(new WatchEncoder(1_000_000).encode({ position, updates: [] }));
  expect(messages).toEqual([{ position: { revision: 2n ** 40n, tag: 'tag' }, updates: [] }]);
});

test('what is too large for one message becomes several in order, and the position comes with the last', () => {
  const updates = Array.from({ length: 50 }, (_, n) =>
    update({ name: `v${n}`, value: 'x'.repeat(900), oldValue: null, variableType: 'string' }),
  );
  const bytes = new WatchEncoder(8000).encode({ position, updates });
  expect(Math.max(...bytes.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(8000);
  const messages = decode(bytes);
  expect(messages.flatMap((message) => message.updates.map(({ name }) => name))).toEqual(
    updates.map(({ name }) => name),
  );
  expect(messages.map((message) => message.position !== undefined)).toEqual([
    ...Array(messages.length - 1).fill(false),
    true,
  ]);
});

test('an update that fits only without its old value travels without it', () => {
  const large = { variableType: 'string', value: 'x'.repeat(5000), oldValue: 'y'.repeat(5000) };
  const [message] = decode(new WatchEncoder(8000).encode({ position, updates: [update(large)] }));
  expect(message?.updates[0]).toMatchObject({ value: { kind: { value: large.value } }, oldValue: undefined });
});

test('an update that no message can hold is refused', () => {
  const encoder = new WatchEncoder(8000);
  expect(() =>
    encoder.encode({
      position,
      updates: [update({ variableType: 'string', value: 'x'.repeat(9000), oldValue: null })],
    }),
  ).toThrow(
    expect.objectContaining({ code: 'payload_too_large', details: expect.objectContaining({ variable: 'a' }) }),
  );
});

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

const encoder = (maxMessageBytes: number, maxUpdateBytes = 1_000_000): WatchEncoder =>
  new WatchEncoder({ maxMessageBytes, maxUpdateBytes });

const decode = (messages: Iterable<Buffer>): WatchResponse[] =>
  [...messages].map((bytes) => WatchResponse.decode(bytes));

test('an update travels with everything that observers hear, a float as a float', () => {
  const [message] = decode(encoder(1_000_000).encode({ position, updates: [update()] }, true));
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
  const [message] = decode(encoder(1_000_000).encode({ position, updates }, true));
  expect(message?.updates[0]).toMatchObject({ value: undefined, oldValue: { kind: { $case: 'null' } } });
  expect(message?.updates[1]).toMatchObject({ type: UpdateType.RESET, resetReason: 'overflow', value: undefined });
});

test('no updates are one message with the position', () => {
  const messages = decode(encoder(1_000_000).encode({ position, updates: [] }, true));
  expect(messages).toMatchObject([{ position: { revision: 2n ** 40n, tag: 'tag' }, updates: [], lastPiece: false }]);
});

test('what is too large for one message becomes several in order, and the position comes with the last', () => {
  const updates = Array.from({ length: 50 }, (_, n) =>
    update({ name: `v${n}`, value: 'x'.repeat(900), oldValue: null, variableType: 'string' }),
  );
  const bytes = [...encoder(8000).encode({ position, updates }, true)];
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

test('an update that fits only without its old value travels without it to who takes no pieces', () => {
  const large = update({ variableType: 'string', value: 'x'.repeat(5000), oldValue: 'y'.repeat(5000) });
  const [message, ...more] = decode(encoder(8000).encode({ position, updates: [large] }, false));
  expect(more).toEqual([]);
  expect(message?.updates[0]).toMatchObject({ value: { kind: { value: large.value } }, oldValue: undefined });
});

test('an update that no message can hold comes without its value to who takes no pieces', () => {
  const large = update({ variableType: 'string', value: 'x'.repeat(9000), oldValue: null });
  const [message, ...more] = decode(encoder(8000).encode({ position, updates: [large, update()] }, false));
  expect(more).toEqual([]);
  expect(message?.updates.map(({ value }) => value === undefined)).toEqual([true, false]);
  expect(message?.updates[0]).toMatchObject({
    name: 'a',
    version: 3n,
    metadata: new Map([['why', expect.anything()]]),
  });
  const wordy = update({ metadata: { why: 'z'.repeat(9000) } });
  const [last] = decode(encoder(8000).encode({ position, updates: [wordy] }, false));
  expect(last?.updates[0]).toMatchObject({ value: undefined, metadata: new Map(), version: 3n });
});

/** What a reader makes of the messages: pieces put together, and what they belong to. */
function whole(messages: readonly Buffer[]): WatchResponse[] {
  const found: WatchResponse[] = [];
  let pieces: Uint8Array[] = [];
  for (const message of decode(messages)) {
    if (message.piece.byteLength === 0) {
      expect(pieces).toEqual([]);
      found.push(message);
      continue;
    }
    expect(message).toMatchObject({ updates: [], position: undefined });
    pieces.push(message.piece);
    if (!message.lastPiece) continue;
    found.push(WatchResponse.decode(Buffer.concat(pieces)));
    pieces = [];
  }
  expect(pieces).toEqual([]);
  return found;
}

test('an update that no message can hold travels in pieces to who puts them together', () => {
  const large = update({ variableType: 'string', value: 'x'.repeat(50_000), oldValue: 'y'.repeat(30_000) });
  const updates = [update(), large, update({ name: 'b' })];
  const bytes = [...encoder(8000).encode({ position, updates }, true)];
  expect(Math.max(...bytes.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(8000);
  const messages = whole(bytes);
  expect(messages.map((message) => message.updates.map(({ name }) => name))).toEqual([['a'], ['a'], ['b']]);
  expect(messages.map((message) => message.position !== undefined)).toEqual([false, false, true]);
  expect(messages[1]?.updates[0]).toMatchObject({
    value: { kind: { value: large.value } },
    oldValue: { kind: { value: large.oldValue } },
  });
});

test('an update beyond what may travel at all comes without its old value, then without its value', () => {
  const sizes = (value: number, old: number) => {
    const large = update({ variableType: 'string', value: 'x'.repeat(value), oldValue: 'y'.repeat(old) });
    const [message] = whole([...encoder(8000, 40_000).encode({ position, updates: [large] }, true)]);
    const [sent] = message?.updates ?? [];
    return [sent?.value !== undefined, sent?.oldValue !== undefined];
  };
  expect([sizes(30_000, 9000), sizes(30_000, 11_000), sizes(41_000, 10)]).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
});

test('messages are made as they are asked for, and one update is encoded once for all watches', () => {
  const large = update({ variableType: 'string', value: 'x'.repeat(100_000), oldValue: null });
  const shared = encoder(8000);
  let read = 0;
  const counted = new Proxy(large, {
    get: (target, key) => {
      if (key === 'value') read += 1;
      return Reflect.get(target, key);
    },
  });
  const first = shared.encode({ position, updates: [update(), counted] }, true);
  expect([first.next().done, read]).toEqual([false, 1]);
  for (const _ of first);
  for (const _ of shared.encode({ position, updates: [counted] }, true));
  expect(read).toBe(1);
});

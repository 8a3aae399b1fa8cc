import { expect, test } from 'vitest';
import { FrameQueue } from '../../../src/wire/frame-queue.js';
import { AttachResponse, RuntimeFrame } from '../../../src/gen/coilyard/v1/workers.js';
import { PieceAssembler } from '../../../src/wire/pieces.js';

const MESSAGE_BYTES = 2000;

/** A frame that says whose it is, of about so many bytes. */
const frame = (callId: number, size: number): Uint8Array[] => [
  RuntimeFrame.encode({
    frame: { $case: 'cancel', value: { callId: BigInt(callId), reason: 'x'.repeat(size) } },
  }).finish(),
];
const drain = [RuntimeFrame.encode({ frame: { $case: 'drain', value: {} } }).finish()];

function messages(queue: FrameQueue): AttachResponse[] {
  const all: AttachResponse[] = [];
  for (let message = queue.next(); message !== undefined; message = queue.next()) {
    expect(message.byteLength).toBeLessThanOrEqual(MESSAGE_BYTES);
    all.push(AttachResponse.decode(message));
  }
  return all;
}

/** What the worker finds, in the order in which it is complete. */
function received(all: readonly AttachResponse[]): string[] {
  const assembler = new PieceAssembler(1_000_000);
  return all
    .flatMap(({ frames }) => frames)
    .flatMap((found) => {
      if (found.frame?.$case !== 'piece') return [found];
      const whole = assembler.take(found.frame.value);
      return whole === undefined ? [] : [RuntimeFrame.decode(whole)];
    })
    .map(({ frame: found }) =>
      found?.$case === 'cancel' ? `${found.value.callId}:${found.value.reason.length}` : `${found?.$case}`,
    );
}

test('frames that wait travel in one message, as many as fit', () => {
  const queue = new FrameQueue(MESSAGE_BYTES);
  for (let n = 1; n <= 30; n += 1) queue.push(frame(n, 100), `call ${n}`);
  const all = messages(queue);
  expect(all.length).toBeLessThan(8);
  expect(received(all)).toEqual(Array.from({ length: 30 }, (_, n) => `${n + 1}:100`));
});

test('a large frame goes in pieces, and other calls pass it', () => {
  const queue = new FrameQueue(MESSAGE_BYTES);
  queue.push(frame(1, 5000), 'call 1');
  queue.push(frame(2, 3000), 'call 2');
  queue.push(frame(3, 1), 'call 3');
  expect(received(messages(queue))).toEqual(['3:1', '2:3000', '1:5000']);
});

test('the frames of one call keep their order, large or not', () => {
  const queue = new FrameQueue(MESSAGE_BYTES);
  const sizes = [5000, 1, 2, 4000, 3, 6000, 7000, 4];
  for (const size of sizes) queue.push(frame(1, size), 'call 1');
  expect(received(messages(queue))).toEqual(sizes.map((size) => `1:${size}`));
});

test('a frame of no call comes after all that were sent before it', () => {
  const queue = new FrameQueue(MESSAGE_BYTES);
  queue.push(frame(1, 5000), 'call 1');
  queue.push(frame(1, 6000), 'call 1');
  queue.push(frame(2, 4000), 'call 2');
  queue.push(drain, undefined);
  queue.push(frame(3, 1), 'call 3');
  expect(received(messages(queue)).at(-1)).toBe('drain');
});

test('a frame in parts is the same as one that is whole', () => {
  const [whole = new Uint8Array(0)] = frame(1, 5000);
  const queue = new FrameQueue(MESSAGE_BYTES);
  queue.push([whole.subarray(0, 10), whole.subarray(10, 4990), whole.subarray(4990)], 'call 1');
  queue.push([whole.subarray(0, 3), whole.subarray(3)], 'call 1');
  expect(received(messages(queue))).toEqual(['1:5000', '1:5000']);
});

test('nothing is left of a queue that was cleared', () => {
  const queue = new FrameQueue(MESSAGE_BYTES);
  queue.push(frame(1, 5000), 'call 1');
  queue.push(frame(1, 1), 'call 1');
  queue.push(frame(2, 1), 'call 2');
  queue.push(drain, undefined);
  queue.clear();
  expect(queue.next()).toBeUndefined();
});

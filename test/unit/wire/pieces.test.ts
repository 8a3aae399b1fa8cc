import { expect, test } from 'vitest';
import { AttachRequest, type WorkerFrame } from '../../../src/gen/coilyard/v1/workers.js';
import { cutUp, onlyPiece, PIECE_BYTES, PieceAssembler } from '../../../src/wire/pieces.js';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

test.each([1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])(
  'a frame of %d bytes is the same after it was cut up and put together',
  (length) => {
    const assembler = new PieceAssembler(4 * PIECE_BYTES);
    const pieces = [...cutUp(bytes(length), 1n)];
    expect(pieces).toHaveLength(Math.ceil(length / PIECE_BYTES));
    const wholes = pieces.map((piece) => assembler.take(piece));
    expect(wholes.slice(0, -1).every((whole) => whole === undefined)).toBe(true);
    expect(Buffer.compare(wholes.at(-1) ?? Buffer.alloc(0), bytes(length))).toBe(0);
  },
);

test('pieces of several frames may alternate', () => {
  const assembler = new PieceAssembler(100);
  expect(assembler.take({ frameId: 1n, data: bytes(3), last: false })).toBeUndefined();
  expect(assembler.take({ frameId: 2n, data: bytes(2), last: true })).toEqual(Buffer.from(bytes(2)));
  expect(assembler.take({ frameId: 1n, data: bytes(1), last: true })).toEqual(Buffer.concat([bytes(3), bytes(1)]));
});

test('what is incomplete is bounded, in one frame or in many, and a complete frame makes room', () => {
  const one = new PieceAssembler(10);
  for (let n = 0n; n < 5n; n += 1n) one.take({ frameId: n, data: bytes(10), last: true });
  one.take({ frameId: 6n, data: bytes(6), last: false });
  expect(() => one.take({ frameId: 7n, data: bytes(5), last: false })).toThrow('more than 10 bytes');
  const many = new PieceAssembler(10);
  const empty = (frameId: bigint) => many.take({ frameId, data: bytes(0), last: false });
  expect(() => {
    for (let n = 0n; n < 20n; n += 1n) empty(n);
  }).toThrow(expect.objectContaining({ code: 'payload_too_large' }));
});

test('a frame in parts is cut up at the same places and where its parts end', () => {
  const parts = [bytes(3), bytes(PIECE_BYTES + 5), bytes(4)];
  const pieces = [...cutUp(parts, 1n)];
  expect(pieces.map(({ data, last }) => [data.byteLength, last])).toEqual([
    [3, false],
    [PIECE_BYTES, false],
    [5, false],
    [4, true],
  ]);
  expect(Buffer.concat(pieces.map(({ data }) => data)).equals(Buffer.concat(parts))).toBe(true);
});

test('the last piece says so, also when the last part of its frame is empty', () => {
  const pieces = [...cutUp([bytes(3), bytes(0), bytes(2), bytes(0)], 1n)];
  expect(pieces.map(({ data, last }) => [data.byteLength, last])).toEqual([
    [3, false],
    [2, true],
  ]);
});

const message = (...frames: WorkerFrame[]): Buffer => Buffer.from(AttachRequest.encode({ frames }).finish());
const aPiece = (length: number, last: boolean): WorkerFrame => ({
  frame: { $case: 'piece', value: { frameId: 300n, data: Buffer.from(bytes(length)), last } },
});

test.each([0, 1, 127, 128, PIECE_BYTES])('the one piece of a message is read as it was sent: %d bytes', (length) => {
  for (const last of [true, false]) {
    const found = onlyPiece(message(aPiece(length, last)));
    expect(found).toMatchObject({ frameId: 300n, last });
    expect(Buffer.compare(found?.data ?? Buffer.alloc(1), bytes(length))).toBe(0);
  }
});

test('a message of anything else is left to the decoder', () => {
  const heartbeat: WorkerFrame = {
    frame: { $case: 'heartbeat', value: { loopLagMs: 0n, callIds: [1n], residentBytes: 5n } },
  };
  expect(onlyPiece(message())).toBeUndefined();
  expect(onlyPiece(message(heartbeat))).toBeUndefined();
  expect(onlyPiece(message(aPiece(10, true), heartbeat))).toBeUndefined();
  expect(onlyPiece(message(heartbeat, aPiece(10, true)))).toBeUndefined();
});

test('a piece that is cut off is refused', () => {
  const whole = message(aPiece(100, true));
  for (let end = 1; end < whole.length; end += 1) {
    const cutOff = whole.subarray(0, end);
    expect(() => {
      if (onlyPiece(cutOff) === undefined) AttachRequest.decode(cutOff);
    }).toThrow(RangeError);
  }
});

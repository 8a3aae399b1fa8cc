import { expect, test } from 'vitest';
import { cutUp, PIECE_BYTES, PieceAssembler } from '../../../src/wire/pieces.js';

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

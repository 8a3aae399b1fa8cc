import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ErrorDetail } from '../../../src/gen/coilyard/v1/errors.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { failure, MessageReader, orderlyEnd, withLength } from '../../../src/wire/socket-messages.js';

const MAX_BYTES = 100_000;

const framed = (content: Uint8Array): Buffer => withLength(Buffer.concat([Buffer.alloc(4), content]));

/** The bytes in chunks that end at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end));
}

function read(chunks: readonly Buffer[], maxBytes = MAX_BYTES) {
  const reader = new MessageReader(maxBytes);
  const found: Buffer[] = [];
  for (const chunk of chunks) reader.push(chunk, (message) => found.push(message));
  return { found, hasEnded: reader.hasEnded };
}

const contents = fc.array(
  fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 5000 })),
  { maxLength: 12 },
);

test('messages are found whole and in order, wherever the stream is cut', () => {
  fc.assert(
    fc.property(contents, fc.array(fc.nat(), { maxLength: 30 }), fc.boolean(), (all, places, ends) => {
      const bytes = Buffer.concat([...all.map(framed), ...(ends ? [orderlyEnd()] : [])]);
      const { found, hasEnded } = read(cut(bytes, places));
      expect(found.map((message) => message.toString('hex'))).toEqual(
        all.map((content) => Buffer.from(content).toString('hex')),
      );
      expect(hasEnded).toBe(ends);
    }),
    { numRuns: 500 },
  );
});

test('a message that comes byte by byte is found', () => {
  const content = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 251));
  const bytes = Buffer.concat([framed(content), framed(content), orderlyEnd()]);
  const { found, hasEnded } = read([...bytes].map((byte) => Buffer.of(byte)));
  expect(found).toEqual([content, content]);
  expect(hasEnded).toBe(true);
});

test('a length beyond the limit is refused before anything of the message has come', () => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(MAX_BYTES + 1);
  expect(() => read([head])).toThrow(
    expect.objectContaining({ code: 'payload_too_large', details: { limit: MAX_BYTES, actual: MAX_BYTES + 1 } }),
  );
  expect(read([framed(Buffer.alloc(MAX_BYTES, 1))]).found).toHaveLength(1);
});

test('a worker reports no failure of the connection, and says nothing after its last word', () => {
  const refused = expect.objectContaining({ code: 'invalid_argument' });
  expect(() => read([failure(new CoilyardError('internal', 'no'))])).toThrow(refused);
  expect(() => read([Buffer.concat([orderlyEnd(), framed(Buffer.of(1))])])).toThrow(refused);
  expect(() => read([orderlyEnd(), orderlyEnd()])).toThrow(refused);
  expect(() => read([orderlyEnd(), Buffer.of(0)])).toThrow(refused);
});

test('whatever bytes come, there are messages or a typed error', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 60 }).map((tail) => Buffer.concat([framed(Buffer.of(1, 2, 3)), tail])),
    fc.tuple(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 20 })).map(([length, tail]) => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(length);
      return Buffer.concat([head, tail]);
    }),
  );
  fc.assert(
    fc.property(hostile, fc.array(fc.nat(), { maxLength: 5 }), (bytes, places) => {
      try {
        for (const message of read(cut(Buffer.from(bytes), places)).found)
          expect(message.byteLength).toBeLessThanOrEqual(MAX_BYTES);
      } catch (error) {
        expect(error).toBeInstanceOf(CoilyardError);
      }
    }),
    { numRuns: 5_000 },
  );
});

test('why the runtime ends a connection travels with its code', () => {
  const said = failure(new CoilyardError('unauthenticated', 'the token was used before'));
  expect(said.readUInt32BE()).toBe(0x8000_0000 + said.byteLength - 4);
  expect(ErrorDetail.decode(said.subarray(4))).toMatchObject({
    code: 'unauthenticated',
    message: 'the token was used before',
  });
});

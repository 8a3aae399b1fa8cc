import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CallReply,
  type CallerFrame as WireCallerFrame,
  CarryRequest,
  CarryResponse,
} from '../../src/gen/coilyard/v1/calls.js';
import { CoilyardError } from '../../src/kernel/errors.js';
import { packFrames, refusalFrame, replyBytes, replyFrame } from '../../src/wire/call-frames.js';
import { type CallerFrame, type CarriedRequest, decodeCallerFrames } from '../../src/wire/caller-frames.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';
import { RequestPieces } from '../../src/wire/request-pieces.js';

const callId = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 31, 2 ** 32 - 1), fc.nat());
const content = fc.uint8Array({ maxLength: 400 });

test('frames that are put together by hand read as what they are', () => {
  const frame = fc.oneof(
    fc.record({ callId, kind: fc.constant('reply' as const), content }),
    fc.record({ callId, kind: fc.constantFrom('piece' as const, 'last piece' as const), content }),
  );
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), (frames) => {
      const read = CarryResponse.decode(packFrames(frames)).frames.map(({ frame: one }) => one);
      expect(read).toEqual(
        frames.map(({ callId: id, kind, content: bytes }) =>
          kind === 'reply'
            ? { $case: 'reply', value: { callId: id, outcome: { $case: 'message', value: Buffer.from(bytes) } } }
            : { $case: 'piece', value: { callId: id, data: Buffer.from(bytes), last: kind === 'last piece' } },
        ),
      );
    }),
  );
});

test('a refusal keeps everything of its error', () => {
  const error = new CoilyardError('mailbox_full', 'full', { retryAfterMs: 20, details: { limit: 3 } });
  const frame = refusalFrame(7, error);
  for (const reply of [
    CallReply.decode(replyBytes(frame)),
    CarryResponse.decode(packFrames([frame])).frames[0]?.frame?.value,
  ]) {
    if (reply === undefined || !('outcome' in reply) || reply.outcome?.$case !== 'error') throw new Error('no refusal');
    expect(reply.callId).toBe(7);
    const read = decodeErrorDetail(reply.outcome.value);
    expect(read).toMatchObject({ code: 'mailbox_full', retryAfterMs: 20, details: { limit: 3 }, retryable: true });
  }
});

test('a reply in pieces is the same reply', () => {
  fc.assert(
    fc.property(callId, content, (id, bytes) => {
      const reply = CallReply.decode(replyBytes(replyFrame(id, bytes)));
      expect(reply).toEqual({ callId: id, outcome: { $case: 'message', value: Buffer.from(bytes) } });
    }),
  );
});

test('requests in pieces are put together whatever comes between, and those that are forgotten cost nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.array(content, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }), (all) => {
      const pieces = new RequestPieces(100_000);
      const whole = new Map<number, Buffer>();
      const longest = Math.max(...all.map(({ length }) => length));
      for (let index = 0; index < longest; index += 1)
        for (const [id, parts] of all.entries()) {
          const data = parts[index];
          if (data === undefined) continue;
          const piece = { callId: id, data: Buffer.from(data), last: index === parts.length - 1 };
          const taken = pieces.take(piece);
          if (taken instanceof Buffer) whole.set(id, taken);
        }
      expect([...whole].sort(([a], [b]) => a - b)).toEqual(all.map((parts, id) => [id, Buffer.concat(parts)]));
    }),
  );
  const pieces = new RequestPieces(10_000);
  for (let n = 0; n < 1000; n += 1) {
    expect(pieces.take({ callId: 1, data: Buffer.alloc(5000), last: false })).toBeUndefined();
    pieces.forget(1);
  }
});

test('pieces beyond the limit refuse their own request once, also when they are empty', () => {
  const pieces = new RequestPieces(10_000);
  expect(pieces.take({ callId: 1, data: Buffer.alloc(4000), last: false })).toBeUndefined();
  expect(pieces.take({ callId: 2, data: Buffer.alloc(9000), last: false })).toBe('too_large');
  expect(pieces.take({ callId: 2, data: Buffer.alloc(9000), last: false })).toBeUndefined();
  expect(pieces.take({ callId: 2, data: Buffer.alloc(9), last: true })).toBeUndefined();
  expect(pieces.take({ callId: 2, data: Buffer.alloc(9), last: true })).toEqual(Buffer.alloc(9));
  expect(pieces.take({ callId: 1, data: Buffer.alloc(4000), last: true })).toEqual(Buffer.alloc(8000));
  let taken: unknown;
  let count = 0;
  while (taken === undefined && count < 1000) {
    taken = pieces.take({ callId: 3, data: Buffer.alloc(0), last: false });
    count += 1;
  }
  expect(taken).toBe('too_large');
});

const word = fc.oneof(fc.constant(''), fc.string(), fc.constant('/coilyard.v1.Variables/GetVariable'));
const request: fc.Arbitrary<WireCallerFrame['frame']> = fc.record({
  $case: fc.constant('request' as const),
  value: fc.record({
    callId,
    method: word,
    message: content.map((bytes) => Buffer.from(bytes)),
    timeoutMs: fc.option(callId, { nil: undefined }),
    callingSession: word,
  }),
});
const piece: fc.Arbitrary<WireCallerFrame['frame']> = fc.record({
  $case: fc.constant('piece' as const),
  value: fc.record({ callId, data: content.map((bytes) => Buffer.from(bytes)), last: fc.boolean() }),
});
const cancelled: fc.Arbitrary<WireCallerFrame['frame']> = fc.record({
  $case: fc.constant('cancel' as const),
  value: fc.record({ callId }),
});
const carryRequest = fc
  .array(fc.oneof(request, piece, cancelled), { maxLength: 8 })
  .map((frames) => Buffer.from(CarryRequest.encode({ frames: frames.map((frame) => ({ frame })) }).finish()));

/** What the generated code reads, in our words; `undefined` when it refuses the bytes, or a frame is of no kind. */
function generated(bytes: Buffer): readonly CallerFrame[] | undefined {
  try {
    return CarryRequest.decode(bytes).frames.map(({ frame }): CallerFrame => {
      if (frame?.$case === 'request') return { type: 'request', request: frame.value as CarriedRequest };
      if (frame?.$case === 'cancel') return { type: 'cancel', callId: frame.value.callId };
      if (frame?.$case === 'piece') return { type: 'piece', piece: frame.value };
      throw new TypeError('a frame of no kind');
    });
  } catch {
    return undefined;
  }
}

function byHand(bytes: Buffer): readonly CallerFrame[] | undefined {
  try {
    return decodeCallerFrames(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_argument' });
    return undefined;
  }
}

test('frames of a client are read as the generated code reads them', () => {
  fc.assert(fc.property(carryRequest, (bytes) => void expect(byHand(bytes)).toEqual(generated(bytes))));
});

test('frames whose bytes were changed are read as the generated code reads them, or refused', () => {
  const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 8, 0x0a, 0x12, 0x18, 0x1a, 0x7f, 0x80, 0xff));
  fc.assert(
    fc.property(carryRequest, fc.array(change, { maxLength: 4 }), fc.nat(), (bytes, changes, cut) => {
      const changed = Buffer.from(bytes.subarray(0, bytes.length - (cut % 3)));
      for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte;
      const expected = generated(changed);
      const read = byHand(changed);
      if (read !== undefined) expect(read).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test('random bytes are frames or a refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void byHand(Buffer.from(bytes))),
    { numRuns: 2000 },
  );
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AttachRequest, AttachResponse, RuntimeFrame } from '../../../src/gen/coilyard/v1/workers.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { workerId } from '../../../src/kernel/ids.js';
import { encodeWorkerFrame } from '../../../src/wire/worker-frame-codec.js';
import { FrameMessages } from '../../../src/wire/frame-messages.js';
import type { WorkerFrame } from '../../../src/wire/frames.js';

const MAX_BYTES = 100_000;

function read(message: Uint8Array): WorkerFrame[] {
  const frames: WorkerFrame[] = [];
  new FrameMessages(MAX_BYTES).read(message, (frame) => frames.push(frame));
  return frames;
}

const result = (callId: number, text: string): WorkerFrame => ({ type: 'result', callId, value: text });
const request = (...frames: WorkerFrame[]): Uint8Array =>
  AttachRequest.encode({ frames: frames.map(encodeWorkerFrame) }).finish();

test('messages leave room in front for what the carrier writes there', () => {
  const messages = new FrameMessages(MAX_BYTES, 4);
  messages.push({ type: 'cancel', callId: 1, reason: 'enough' });
  messages.push({ type: 'drain' });
  const message = messages.next();
  expect(AttachResponse.decode(message?.subarray(4) ?? Buffer.alloc(0)).frames).toHaveLength(2);
  expect(messages.next()).toBeUndefined();
});

test('the welcome says how large a frame may be, and larger ones go in pieces', () => {
  const messages = new FrameMessages(1000);
  const cancel = { type: 'cancel', callId: 1, reason: 'x'.repeat(5000) } as const;
  expect(() => messages.push(cancel)).toThrow(expect.objectContaining({ code: 'payload_too_large' }));
  messages.push({ type: 'welcome', workerId: workerId('w'), heartbeatIntervalMs: 1, maxFrameBytes: 10_000 });
  messages.push(cancel);
  const parts: Buffer[] = [];
  for (let message = messages.next(); message !== undefined; message = messages.next()) {
    expect(message.byteLength).toBeLessThanOrEqual(1000);
    for (const { frame } of AttachResponse.decode(message).frames)
      if (frame?.$case === 'piece') parts.push(Buffer.from(frame.value.data));
  }
  expect(RuntimeFrame.decode(Buffer.concat(parts)).frame).toMatchObject({ $case: 'cancel' });
});

test('frames before one that cannot be read are handed on', () => {
  const frames: WorkerFrame[] = [];
  const bytes = AttachRequest.encode({
    frames: [encodeWorkerFrame(result(1, 'a')), { frame: undefined }, encodeWorkerFrame(result(2, 'b'))],
  }).finish();
  expect(() => new FrameMessages(MAX_BYTES).read(bytes, (frame) => frames.push(frame))).toThrow(CoilyardError);
  expect(frames).toEqual([result(1, 'a')]);
});

test('whatever bytes a message has, it has frames or is a typed error', () => {
  const some = request(result(1, 'hello'), { type: 'draining' }, result(2, 'x'.repeat(300)));
  const damaged = fc
    .tuple(fc.nat(some.byteLength - 1), fc.nat(255), fc.nat(some.byteLength))
    .map(([at, byte, length]) => {
      const copy = Buffer.from(some);
      copy[at] = byte;
      return copy.subarray(0, length);
    });
  const large = fc
    .uint8Array({ minLength: 1, maxLength: 60 })
    .map((head) => Buffer.concat([head, Buffer.alloc(70_000, 7)]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged, damaged, large), (bytes) => {
      try {
        for (const frame of read(bytes)) expect(typeof frame.type).toBe('string');
      } catch (error) {
        expect(error).toBeInstanceOf(CoilyardError);
      }
    }),
    { numRuns: 5_000 },
  );
});

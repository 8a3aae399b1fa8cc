/**
 * The frames of `Calls.Carry` towards the client. They are put together by hand, several in one message: a reply is copied
 * once, from where its method has encoded it to where the carrier sends it from.
 */

import { ErrorDetail } from '../gen/coilyard/v1/errors.js';
import type { CoilyardError } from '../kernel/errors.js';
import { encodeErrorDetail } from './error-detail.js';
import { varintSize, writeVarint } from './varint.js';

/** A frame that is complete but for its place in a message. */
export interface CalleeFrame {
  readonly callId: number;
  readonly kind: 'reply' | 'refusal' | 'piece' | 'last piece';
  readonly content: Uint8Array;
}

/** `CarryResponse.frames`. */
const FRAMES_TAG = 10;
const REPLY_TAG = 10;
const PIECE_TAG = 18;
/** The same in `CallReply` and in `CallPiece`. */
const CALL_ID_TAG = 8;
const CONTENT_TAG = 18;
const ERROR_TAG = 26;
const LAST_TAG = 24;

export const replyFrame = (callId: number, content: Uint8Array): CalleeFrame => ({ callId, kind: 'reply', content });

export function refusalFrame(callId: number, error: CoilyardError): CalleeFrame {
  return { callId, kind: 'refusal', content: ErrorDetail.encode(encodeErrorDetail(error)).finish() };
}

/** `CarryResponse` with these frames, in order. */
export function packFrames(frames: readonly CalleeFrame[]): Buffer {
  const sizes = frames.map(bodySize);
  let total = 0;
  for (const size of sizes) total += outerSize(size);
  const message = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [index, frame] of frames.entries()) {
    const size = sizes[index] ?? 0;
    message[at++] = FRAMES_TAG;
    at = writeVarint(message, 1 + varintSize(size) + size, at);
    message[at++] = frame.kind === 'piece' || frame.kind === 'last piece' ? PIECE_TAG : REPLY_TAG;
    at = writeVarint(message, size, at);
    at = writeBody(message, frame, at);
  }
  return message;
}

/** The encoded `CallReply` of a frame, to be sent in pieces. */
export function replyBytes(frame: CalleeFrame): Buffer {
  const bytes = Buffer.allocUnsafe(bodySize(frame));
  writeBody(bytes, frame, 0);
  return bytes;
}

/** Of the frame with its length and its tag. */
function outerSize(bodyBytes: number): number {
  const inner = 1 + varintSize(bodyBytes) + bodyBytes;
  return 1 + varintSize(inner) + inner;
}

function bodySize({ callId, kind, content }: CalleeFrame): number {
  const { byteLength } = content;
  return 1 + varintSize(callId) + 1 + varintSize(byteLength) + byteLength + (kind === 'last piece' ? 2 : 0);
}

function writeBody(target: Buffer, { callId, kind, content }: CalleeFrame, start: number): number {
  let at = start;
  target[at++] = CALL_ID_TAG;
  at = writeVarint(target, callId, at);
  target[at++] = kind === 'refusal' ? ERROR_TAG : CONTENT_TAG;
  at = writeVarint(target, content.byteLength, at);
  target.set(content, at);
  at += content.byteLength;
  if (kind === 'last piece') {
    target[at++] = LAST_TAG;
    target[at++] = 1;
  }
  return at;
}

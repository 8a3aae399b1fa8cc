/**
 * One worker's connection between frames and the messages that a carrier takes: `AttachResponse` to the worker,
 * `AttachRequest` from it. What may be sent, and kept, follows what the welcome says. Every carrier uses it, so that they
 * differ in nothing but how bytes travel.
 */

import { AttachRequest, WorkerFrame as WireFrame } from '../gen/coilyard/v1/workers.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import { runtimeFrameBytes } from './frame-bytes.js';
import { decodeWorkerFrame } from './worker-frame-codec.js';
import { FrameQueue } from './frame-queue.js';
import type { RuntimeFrame, WorkerFrame } from './frames.js';
import { onlyPiece, type Piece, PieceAssembler } from './pieces.js';
import { sizeOf } from './rope-writer.js';

/** Room for the length of a frame. */
const HEADROOM = 16;
/** Messages from here on may be pieces: it pays to look. */
const LARGE_MESSAGE_BYTES = 64 * 1024;

export class FrameMessages {
  readonly #queue: FrameQueue;
  #maxFrameBytes: number;
  #pieces: PieceAssembler;

  /**
   * @param maxMessageBytes of the largest message; before the welcome also of the largest frame.
   * @param prefixBytes room that each message to the worker has in front, for the carrier to fill.
   */
  constructor(maxMessageBytes: number, prefixBytes = 0) {
    this.#queue = new FrameQueue(maxMessageBytes, prefixBytes);
    this.#maxFrameBytes = maxMessageBytes - HEADROOM;
    this.#pieces = new PieceAssembler(this.#maxFrameBytes);
  }

  /**
   * Queues a frame for the worker.
   *
   * @throws CoilyardError when it cannot be put on the wire (`invalid_argument`, `payload_too_large`); it is not queued.
   */
  push(frame: RuntimeFrame): void {
    if (frame.type === 'welcome') this.#allow(frame.maxFrameBytes ?? this.#maxFrameBytes);
    const bytes = runtimeFrameBytes(frame);
    const actual = sizeOf(bytes);
    if (actual > this.#maxFrameBytes)
      throw new CoilyardError('payload_too_large', `a ${frame.type} frame takes ${actual} bytes`, {
        details: { limit: this.#maxFrameBytes, actual },
      });
    this.#queue.push(bytes, callOf(frame));
  }

  /** The next message to the worker; undefined when nothing waits. */
  next(): Buffer | undefined {
    return this.#queue.next();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#queue.clear();
  }

  /**
   * Hands on the frames of a message, in order, each once it is whole.
   *
   * @throws CoilyardError when the bytes are no message of a worker, or more than it may send; the frames before that
   * were handed on.
   */
  read(message: Uint8Array, receive: (frame: WorkerFrame) => void): void {
    const piece = message.byteLength < LARGE_MESSAGE_BYTES ? undefined : decoded(onlyPiece, message);
    if (piece !== undefined) {
      this.#readPiece(piece, receive);
      return;
    }
    for (const frame of decoded(AttachRequest.decode, message).frames)
      if (frame.frame?.$case === 'piece') this.#readPiece(frame.frame.value, receive);
      else receive(decodeWorkerFrame(frame));
  }

  /** Both sides keep to what the welcome says; before it, to what fits in one message. */
  #allow(maxFrameBytes: number): void {
    this.#maxFrameBytes = maxFrameBytes;
    this.#pieces = new PieceAssembler(maxFrameBytes);
  }

  #readPiece(piece: Piece, receive: (frame: WorkerFrame) => void): void {
    const whole = this.#pieces.take(piece);
    if (whole !== undefined) receive(decodeWorkerFrame(decoded(WireFrame.decode, whole)));
  }
}

function decoded<Message>(decode: (bytes: Uint8Array) => Message, bytes: Uint8Array): Message {
  try {
    return decode(bytes);
  } catch (error) {
    throw invalidArgument('request', `a message of this method (${describeThrown(error)})`, bytes);
  }
}

/** Frames about one call or one ask keep their order; the others come after what was sent before. */
const callOf = (frame: RuntimeFrame): string | undefined =>
  'callId' in frame ? `call ${frame.callId}` : 'askId' in frame ? `ask ${frame.askId}` : undefined;

/**
 * Replies on their way to one client. What waits is packed into one message, and one message is on its way at a time. A
 * reply of more than 1 MiB, or than a message takes, goes in pieces, one to a message, so that small ones pass it.
 */

import { nextTick } from 'node:process';
import { type CalleeFrame, packFrames, replyBytes } from '../wire/call-frames.js';
import { PIECE_BYTES } from '../wire/pieces.js';

/** Room in a message for what surrounds a piece. */
const HEADROOM = 64;

interface LargeReply {
  readonly callId: number;
  readonly bytes: Buffer;
  sent: number;
}

export interface CallOutboxOptions {
  /** Bytes of the largest message that may be sent. */
  readonly maxMessageBytes: number;
  /** Sends one message; calls back once it has gone through the reader's flow control. */
  readonly write: (message: Buffer, written: () => void) => void;
  /** After each message that was sent. */
  readonly onWritten: () => void;
}

export class CallOutbox {
  readonly #options: CallOutboxOptions;
  readonly #pieceBytes: number;
  #small: CalleeFrame[] = [];
  #large: LargeReply[] = [];
  #waitingBytes = 0;
  #isScheduled = false;
  #isWriting = false;
  #isClosed = false;

  constructor(options: CallOutboxOptions) {
    this.#options = options;
    this.#pieceBytes = Math.max(1, Math.min(PIECE_BYTES, options.maxMessageBytes / 2 - HEADROOM));
  }

  /** Of replies that wait to be sent. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether everything was sent. */
  get isEmpty(): boolean {
    return this.#small.length === 0 && this.#large.length === 0 && !this.#isWriting;
  }

  push(frame: CalleeFrame): void {
    if (this.#isClosed) return;
    if (frame.content.byteLength <= this.#pieceBytes) {
      this.#waitingBytes += frame.content.byteLength;
      this.#small.push(frame);
    } else {
      const bytes = replyBytes(frame);
      this.#waitingBytes += bytes.byteLength;
      this.#large.push({ callId: frame.callId, bytes, sent: 0 });
    }
    if (this.#isScheduled || this.#isWriting) return;
    this.#isScheduled = true;
    // Once no microtask is left: what else is answered meanwhile goes into the same message. It leaves in this turn of the
    // loop still; after `setImmediate` it would in the next.
    nextTick(this.#flush);
  }

  /** Nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#small = [];
    this.#large = [];
    this.#waitingBytes = 0;
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#isClosed || this.#isWriting) return;
    const frames = this.#take();
    if (frames.length === 0) return;
    this.#isWriting = true;
    this.#options.write(packFrames(frames), this.#written);
  };

  readonly #written = (): void => {
    this.#isWriting = false;
    this.#flush();
    this.#options.onWritten();
  };

  #take(): readonly CalleeFrame[] {
    const frames: CalleeFrame[] = [];
    let size = 0;
    for (const frame of this.#small) {
      size += frame.content.byteLength + HEADROOM;
      if (size > this.#pieceBytes + HEADROOM) break;
      frames.push(frame);
    }
    this.#small = frames.length === this.#small.length ? [] : this.#small.slice(frames.length);
    const piece = this.#nextPiece();
    if (piece !== undefined) frames.push(piece);
    for (const { content } of frames) this.#waitingBytes -= content.byteLength;
    return frames;
  }

  /** Large replies take turns. */
  #nextPiece(): CalleeFrame | undefined {
    const reply = this.#large.shift();
    if (reply === undefined) return undefined;
    const { callId, bytes, sent } = reply;
    reply.sent += this.#pieceBytes;
    const isLast = reply.sent >= bytes.byteLength;
    if (!isLast) this.#large.push(reply);
    return { callId, kind: isLast ? 'last piece' : 'piece', content: bytes.subarray(sent, reply.sent) };
  }
}

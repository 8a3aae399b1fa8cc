/**
 * Messages on a local socket, a stream of bytes. Each comes after its length, four bytes, highest first. A length of zero
 * is the orderly end: its sender says nothing more. With the highest bit set it is that of an `ErrorDetail`, why the
 * runtime ends the connection, and nothing comes after it either.
 */

import { ErrorDetail } from '../gen/coilyard/v1/errors.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import { encodeErrorDetail } from './error-detail.js';

export const LENGTH_BYTES = 4;
const FAILURE = 0x8000_0000;

/** What is held of a message that has only begun: it grows with what has come, not with what was announced. */
const HELD_BYTES = 2 * 1024 * 1024;

/** @param message with room for its length in front, which is filled in. */
export function withLength(message: Buffer): Buffer {
  message.writeUInt32BE(message.byteLength - LENGTH_BYTES);
  return message;
}

export const orderlyEnd = (): Buffer => Buffer.alloc(LENGTH_BYTES);

export function failure(error: CoilyardError): Buffer {
  const detail = ErrorDetail.encode(encodeErrorDetail(error)).finish();
  const message = Buffer.allocUnsafe(LENGTH_BYTES + detail.byteLength);
  message.writeUInt32BE(FAILURE + detail.byteLength);
  message.set(detail, LENGTH_BYTES);
  return message;
}

const NOTHING = Buffer.alloc(0);

/** Finds the messages of a worker in what arrives. */
export class MessageReader {
  readonly #maxBytes: number;
  #held: Buffer = NOTHING;
  #heldBytes = 0;
  #hasEnded = false;

  /** @param maxBytes of one message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the orderly end has come. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Hands on the messages that are whole now. They are views of what arrived, which nobody else writes to.
   *
   * @throws CoilyardError `payload_too_large`, or `invalid_argument` for what no worker says; nothing after that makes
   * sense.
   */
  push(chunk: Buffer, take: (message: Buffer) => void): void {
    let at = this.#heldBytes === 0 ? 0 : this.#complete(chunk, take);
    while (chunk.byteLength - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#lengthAt(chunk, at);
      if (end > chunk.byteLength) break;
      this.#found(chunk.subarray(at + LENGTH_BYTES, end), take);
      at = end;
    }
    if (at < chunk.byteLength) this.#complete(chunk.subarray(at), take);
  }

  /** @returns how much of the chunk belongs to the message that has begun. */
  #complete(chunk: Buffer, take: (message: Buffer) => void): number {
    if (this.#hasEnded) throw afterTheEnd();
    let at = 0;
    for (;;) {
      const hasLength = this.#heldBytes >= LENGTH_BYTES;
      const whole = LENGTH_BYTES + (hasLength ? this.#lengthAt(this.#held, 0) : 0);
      const end = Math.min(chunk.byteLength, at + whole - this.#heldBytes);
      this.#hold(chunk.subarray(at, end), whole);
      at = end;
      if (this.#heldBytes < whole) return at;
      if (!hasLength) continue;
      const message = this.#held.subarray(LENGTH_BYTES, whole);
      this.#held = NOTHING;
      this.#heldBytes = 0;
      this.#found(message, take);
      return at;
    }
  }

  #hold(part: Buffer, whole: number): void {
    const size = this.#heldBytes + part.byteLength;
    if (size > this.#held.byteLength) {
      const grown = Buffer.allocUnsafeSlow(Math.min(whole, Math.max(2 * size, HELD_BYTES)));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    part.copy(this.#held, this.#heldBytes);
    this.#heldBytes = size;
  }

  #lengthAt(bytes: Buffer, at: number): number {
    if (this.#hasEnded) throw afterTheEnd();
    const length = bytes.readUInt32BE(at);
    if (length >= FAILURE) throw invalidArgument('message', 'frames', 'a failure, which only a runtime reports so');
    if (length > this.#maxBytes)
      throw new CoilyardError('payload_too_large', `a message of ${length} bytes`, {
        details: { limit: this.#maxBytes, actual: length },
      });
    return length;
  }

  #found(message: Buffer, take: (message: Buffer) => void): void {
    if (message.byteLength === 0) this.#hasEnded = true;
    else take(message);
  }
}

const afterTheEnd = (): CoilyardError => invalidArgument('message', 'nothing after the end', 'more');

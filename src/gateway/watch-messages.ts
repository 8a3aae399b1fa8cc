/**
 * The messages of one watch batch, each made when it is asked for: while one waits for its reader, nothing of the next is in
 * memory. Only the last has the position: whoever lost the rest resumes from before it.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Position as WirePosition } from '../gen/coilyard/v1/variables.js';
import type { VariableUpdate, WatchBatch } from '../sessions/update.js';
import { PIECE_BYTES } from '../wire/pieces.js';
import { bufferOf } from './bytes.js';

/** Of `WatchResponse`: `position`, `updates`, `piece`, `last_piece`. */
const POSITION_TAG = 10;
const UPDATES_TAG = 18;
const PIECE_TAG = 26;
const LAST_PIECE_TAG = 32;
/** Updates share a message up to this size: it is what a reader costs that does not read. */
const PACK_BYTES = 64 * 1024;
/** Room for the position and the lengths of a message. */
export const HEADROOM = 1024;

export class WatchMessages implements IterableIterator<Buffer, void> {
  readonly #batch: WatchBatch;
  readonly #encode: (update: VariableUpdate) => Uint8Array;
  readonly #maxBytes: number;
  /** The update that comes next. */
  #at = 0;
  #hasPosition = false;
  /** What is left of a message that travels in pieces. */
  #large: Buffer | undefined;

  /**
   * @param encode an update; what is larger than a message travels in pieces.
   * @param maxBytes of one message.
   */
  constructor(batch: WatchBatch, encode: (update: VariableUpdate) => Uint8Array, maxBytes: number) {
    this.#batch = batch;
    this.#encode = encode;
    this.#maxBytes = maxBytes;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Buffer, void> {
    if (this.#large !== undefined) return { done: false, value: this.#nextPiece(this.#large) };
    if (this.#hasPosition) return { done: true, value: undefined };
    const message = this.#nextMessage();
    return { done: false, value: message.byteLength > this.#maxBytes ? this.#nextPiece(message) : message };
  }

  #nextMessage(): Buffer {
    const { position, updates } = this.#batch;
    const writer = new BinaryWriter();
    const room = Math.min(PACK_BYTES, this.#maxBytes - HEADROOM);
    let size = 0;
    for (; this.#at < updates.length; this.#at += 1) {
      const update = updates[this.#at];
      if (update === undefined) continue;
      const bytes = this.#encode(update);
      if (size > 0 && size + bytes.byteLength > room) return bufferOf(writer);
      writer.uint32(UPDATES_TAG).bytes(bytes);
      size += bytes.byteLength + 6;
    }
    const place: WirePosition = { revision: BigInt(position.revision), tag: position.tag };
    WirePosition.encode(place, writer.uint32(POSITION_TAG).fork()).join();
    this.#hasPosition = true;
    return bufferOf(writer);
  }

  #nextPiece(large: Buffer): Buffer {
    const size = Math.min(PIECE_BYTES, this.#maxBytes - HEADROOM);
    const piece = new BinaryWriter();
    piece.uint32(PIECE_TAG).bytes(large.subarray(0, size));
    this.#large = large.byteLength > size ? large.subarray(size) : undefined;
    if (this.#large === undefined) piece.uint32(LAST_PIECE_TAG).bool(true);
    return bufferOf(piece);
  }
}

/**
 * Frames that are too large for one message travel in pieces and are put together again. Pieces of several frames may
 * alternate; what is incomplete is bounded.
 */

import { BinaryReader } from '@bufbuild/protobuf/wire';
import { CoilyardError } from '../kernel/errors.js';
import { sizeOf } from './rope-writer.js';

/** The most bytes of one piece; a frame of up to as many travels whole. */
export const PIECE_BYTES = 1024 * 1024;

export interface Piece<Data extends Uint8Array = Uint8Array> {
  readonly frameId: bigint;
  readonly data: Data;
  readonly last: boolean;
}

/** The bytes of one frame, which may come in parts, some of them empty: views, not copies. */
export function* cutUp(
  parts: Uint8Array | readonly Uint8Array[],
  frameId: bigint,
  most: number = PIECE_BYTES,
): Generator<Piece<Buffer>, void, void> {
  const all = parts instanceof Uint8Array ? [parts] : parts;
  let left = sizeOf(all);
  for (const part of all) {
    const view = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    for (let from = 0; from < view.byteLength; from += most) {
      const data = view.subarray(from, from + most);
      left -= data.byteLength;
      yield { frameId, data, last: left === 0 };
    }
  }
}

export class PieceAssembler {
  readonly #maxBytes: number;
  readonly #incomplete = new Map<bigint, Uint8Array[]>();
  #bytes = 0;

  /** @param maxBytes of all frames that are incomplete, together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the whole frame with its last piece.
   * @throws CoilyardError `payload_too_large` when the sender goes beyond what it may send.
   */
  take({ frameId, data, last }: Piece): Uint8Array | undefined {
    const pieces = this.#incomplete.get(frameId) ?? [];
    pieces.push(data);
    this.#incomplete.set(frameId, pieces);
    this.#bytes += data.byteLength;
    if (this.#bytes > this.#maxBytes || this.#incomplete.size > this.#maxBytes)
      throw new CoilyardError('payload_too_large', `frames in pieces of more than ${this.#maxBytes} bytes`, {
        details: { limit: this.#maxBytes },
      });
    if (!last) return undefined;
    this.#incomplete.delete(frameId);
    const whole = Buffer.concat(pieces);
    this.#bytes -= whole.byteLength;
    return whole;
  }
}

/** `AttachRequest.frames`. */
const FRAMES_TAG = 10;
/** `WorkerFrame.piece`. */
const PIECE_TAG = 90;
const FRAME_ID_TAG = 8;
const DATA_TAG = 18;
const LAST_TAG = 24;

/**
 * The piece of an `AttachRequest` that holds one piece and nothing else; undefined for any other message. Its data is a
 * view, where the generated decoder copies.
 *
 * @throws RangeError when the message is cut off.
 */
export function onlyPiece(message: Uint8Array): Piece | undefined {
  if (message.byteLength === 0) return undefined;
  const reader = new BinaryReader(message);
  for (const tag of [FRAMES_TAG, PIECE_TAG])
    if (reader.uint32() !== tag || reader.uint32() !== reader.len - reader.pos) return undefined;
  let frameId = 0n;
  let data: Uint8Array = new Uint8Array(0);
  let last = false;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === FRAME_ID_TAG) frameId = BigInt(reader.uint64());
    else if (tag === DATA_TAG) data = reader.bytes();
    else if (tag === LAST_TAG) last = reader.bool();
    else return undefined;
  }
  return { frameId, data, last };
}

/**
 * Frames that are too large for one message travel in pieces and are put together again. Pieces of several frames may
 * alternate; what is incomplete is bounded.
 */

import { CoilyardError } from '../kernel/errors.js';

/** The most bytes of one piece; a frame of up to as many travels whole. */
export const PIECE_BYTES = 1024 * 1024;

export interface Piece<Data extends Uint8Array = Uint8Array> {
  readonly frameId: bigint;
  readonly data: Data;
  readonly last: boolean;
}

/** Views of the bytes, not copies. */
export function* cutUp(bytes: Uint8Array, frameId: bigint): Generator<Piece<Buffer>, void, void> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let from = 0; from < bytes.byteLength; from += PIECE_BYTES)
    yield {
      frameId,
      data: view.subarray(from, from + PIECE_BYTES),
      last: from + PIECE_BYTES >= bytes.byteLength,
    };
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

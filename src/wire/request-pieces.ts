/**
 * Requests that come in pieces. What is incomplete is bounded, all of it together; a request that goes beyond is refused
 * for itself, and the rest of it is dropped as it comes.
 */

import { invalidArgument } from '../kernel/errors.js';
import type { RequestPiece } from './caller-frames.js';

/** What a piece costs besides its bytes: a sender of empty ones comes to an end too. */
const PIECE_COST = 256;
/** Requests that come in pieces at the same time, refused ones included. */
const MAX_INCOMPLETE = 1000;

export class RequestPieces {
  readonly #maxBytes: number;
  readonly #incomplete = new Map<number, Buffer[] | 'refused'>();
  #bytes = 0;

  /** @param maxBytes of all requests that are incomplete, together. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @returns the whole request with its last piece, `too_large` once for one that is refused.
   * @throws CoilyardError `invalid_argument` when there are more of them than anyone needs.
   */
  take({ callId, data, last }: RequestPiece): Buffer | 'too_large' | undefined {
    const pieces = this.#incomplete.get(callId) ?? [];
    if (pieces === 'refused') {
      if (last) this.#incomplete.delete(callId);
      return undefined;
    }
    if (this.#incomplete.size >= MAX_INCOMPLETE && pieces.length === 0)
      throw invalidArgument('frames', `at most ${MAX_INCOMPLETE} requests in pieces`, this.#incomplete.size + 1);
    this.#incomplete.set(callId, pieces);
    pieces.push(data);
    this.#bytes += data.byteLength + PIECE_COST;
    if (this.#bytes > this.#maxBytes) {
      this.forget(callId);
      if (!last) this.#incomplete.set(callId, 'refused');
      return 'too_large';
    }
    if (!last) return undefined;
    this.forget(callId);
    return Buffer.concat(pieces);
  }

  /** No more pieces of it are coming. */
  forget(callId: number): void {
    const pieces = this.#incomplete.get(callId);
    if (pieces === undefined) return;
    this.#incomplete.delete(callId);
    if (pieces !== 'refused') for (const { byteLength } of pieces) this.#bytes -= byteLength + PIECE_COST;
  }
}

/**
 * Frames on their way to one worker. What waits is packed into one message; a large frame goes in pieces, one to a message,
 * so that the frames of other calls pass it. Frames of one call keep their order.
 */

import { cutUp, PIECE_BYTES, type Piece } from './pieces.js';
import { sizeOf } from './rope-writer.js';
import { varintSize, writeVarint } from './varint.js';

/** An encoded frame, perhaps in parts. */
export type FrameBytes = readonly Uint8Array[];

/** A large frame of a call, and what the call sends after it. */
interface Lane {
  pieces: Iterator<Piece, void>;
  readonly behind: FrameBytes[];
}

/** `AttachResponse.frames`. */
const FRAMES_TAG = 10;
/** `RuntimeFrame.piece`. */
const PIECE_TAG = 58;
const FRAME_ID_TAG = 8;
const DATA_TAG = 18;
const LAST_TAG = 24;
/** Room in a message for what surrounds a piece. */
const HEADROOM = 64;

export class FrameQueue {
  readonly #pieceBytes: number;
  readonly #prefixBytes: number;
  #small: FrameBytes[] = [];
  /** By what the call is known by, the one whose turn it is first. */
  readonly #lanes = new Map<string, Lane>();
  /** What has to come after everything else. */
  #final: FrameBytes[] = [];
  #lastFrameId = 0n;

  /**
   * @param maxMessageBytes of the largest message that may be sent.
   * @param prefixBytes room that each message has in front, for the carrier to fill.
   */
  constructor(maxMessageBytes: number, prefixBytes = 0) {
    this.#prefixBytes = prefixBytes;
    this.#pieceBytes = Math.max(1, Math.min(PIECE_BYTES, Math.floor(maxMessageBytes / 2) - HEADROOM));
  }

  /** @param call frames with the same keep their order; undefined: comes after all that were pushed before. */
  push(frame: FrameBytes, call: string | undefined): void {
    if (this.#lanes.size === 0) this.#add(frame, call ?? '');
    else if (call === undefined) this.#final.push(frame);
    else {
      const lane = this.#lanes.get(call);
      if (lane === undefined) this.#add(frame, call);
      else lane.behind.push(frame);
    }
  }

  clear(): void {
    this.#small = [];
    this.#lanes.clear();
    this.#final = [];
  }

  /** The next message; undefined when nothing waits. */
  next(): Buffer | undefined {
    const frames: FrameBytes[] = [];
    let size = 0;
    for (const frame of this.#small) {
      size += sizeOf(frame) + HEADROOM;
      if (frames.length > 0 && size > this.#pieceBytes) break;
      frames.push(frame);
    }
    this.#small = frames.length === this.#small.length ? [] : this.#small.slice(frames.length);
    const piece = this.#nextPiece();
    if (piece !== undefined) frames.push(pieceFrame(piece));
    return frames.length === 0 ? undefined : packed(frames, this.#prefixBytes);
  }

  #add(frame: FrameBytes, call: string): void {
    if (sizeOf(frame) <= this.#pieceBytes) this.#small.push(frame);
    else this.#lanes.set(call, { pieces: this.#piecesOf(frame), behind: [] });
  }

  #piecesOf(frame: FrameBytes): Iterator<Piece, void> {
    this.#lastFrameId += 1n;
    return cutUp(frame, this.#lastFrameId, this.#pieceBytes);
  }

  /** Large frames take turns. */
  #nextPiece(): Piece | undefined {
    const [first] = this.#lanes;
    if (first === undefined) return undefined;
    const [call, lane] = first;
    const { value: piece } = lane.pieces.next();
    this.#lanes.delete(call);
    if (piece === undefined) return undefined;
    if (!piece.last) this.#lanes.set(call, lane);
    else this.#release(call, lane.behind);
    return piece;
  }

  /** What waited behind a large frame, up to the next one. */
  #release(call: string, behind: readonly FrameBytes[]): void {
    for (const frame of behind) this.push(frame, call);
    if (this.#lanes.size > 0) return;
    const final = this.#final;
    this.#final = [];
    for (const frame of final) this.push(frame, undefined);
  }
}

function pieceFrame({ frameId, data, last }: Piece): FrameBytes {
  const id = Number(frameId);
  const head = Buffer.allocUnsafe(HEADROOM);
  const size = 1 + varintSize(id) + (last ? 2 : 0) + 1 + varintSize(data.byteLength) + data.byteLength;
  let at = 0;
  head[at++] = PIECE_TAG;
  at = writeVarint(head, size, at);
  head[at++] = FRAME_ID_TAG;
  at = writeVarint(head, id, at);
  if (last) {
    head[at++] = LAST_TAG;
    head[at++] = 1;
  }
  head[at++] = DATA_TAG;
  at = writeVarint(head, data.byteLength, at);
  return [head.subarray(0, at), data];
}

/** `AttachResponse` with these frames, in order, behind so much room. */
function packed(frames: readonly FrameBytes[], prefixBytes: number): Buffer {
  let total = prefixBytes;
  for (const frame of frames) {
    const size = sizeOf(frame);
    total += 1 + varintSize(size) + size;
  }
  const message = Buffer.allocUnsafe(total);
  let at = prefixBytes;
  for (const frame of frames) {
    message[at++] = FRAMES_TAG;
    at = writeVarint(message, sizeOf(frame), at);
    for (const part of frame) {
      message.set(part, at);
      at += part.byteLength;
    }
  }
  return message;
}

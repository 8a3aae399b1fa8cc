/**
 * Watch batches as messages. An update is encoded once however many watches send it, a batch that is too large for one
 * message becomes several, and an update that is too large for one travels in pieces.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Position as WirePosition, UpdateType, VariableUpdate as WireUpdate } from '../gen/coilyard/v1/variables.js';
import type { VariableUpdate, WatchBatch } from '../sessions/update.js';
import { wholeMs } from '../wire/fields.js';
import { PIECE_BYTES } from '../wire/pieces.js';
import { encodeRecord } from '../wire/value.js';
import { encodeValueOf } from '../wire/variables.js';
import { bufferOf } from './bytes.js';

const types = {
  initial: UpdateType.INITIAL,
  registered: UpdateType.REGISTERED,
  updated: UpdateType.UPDATED,
  deleted: UpdateType.DELETED,
  reset: UpdateType.RESET,
  configured: UpdateType.CONFIGURED,
} as const satisfies Record<VariableUpdate['type'], UpdateType>;

/** Of `WatchResponse`: `position`, `updates`, `piece`, `last_piece`. */
const POSITION_TAG = 10;
const UPDATES_TAG = 18;
const PIECE_TAG = 26;
const LAST_PIECE_TAG = 32;
/** Room for the position and the lengths of a message. */
const HEADROOM = 1024;

export interface WatchEncoderLimits {
  /** Of one message. */
  readonly maxMessageBytes: number;
  /** Of one update that travels in pieces. */
  readonly maxUpdateBytes: number;
}

/** The bytes of an update, and of the form that fits into one message where that is another. */
interface Encoded {
  readonly full: Uint8Array;
  short?: Uint8Array;
}

export class WatchEncoder {
  readonly #maxMessageBytes: number;
  readonly #maxUpdateBytes: number;
  readonly #pieceBytes: number;
  /** Updates are shared by all watchers of a session, so their bytes are too. */
  readonly #encoded = new WeakMap<VariableUpdate, Encoded>();

  constructor({ maxMessageBytes, maxUpdateBytes }: WatchEncoderLimits) {
    this.#maxMessageBytes = maxMessageBytes - HEADROOM;
    this.#maxUpdateBytes = maxUpdateBytes;
    this.#pieceBytes = Math.min(PIECE_BYTES, this.#maxMessageBytes);
  }

  /**
   * `WatchResponse` messages in order, each made when it is asked for. Only the last has the position: whoever lost the
   * rest resumes from before it.
   *
   * @param pieces whether the reader puts pieces together; else it gets what is too large for one message without value.
   */
  *encode({ position, updates }: WatchBatch, pieces: boolean): Generator<Buffer, void, void> {
    let writer = new BinaryWriter();
    let size = 0;
    for (const update of updates) {
      const bytes = pieces ? this.#encodeFull(update) : this.#encodeShort(update);
      if (size > 0 && size + bytes.byteLength > this.#maxMessageBytes) {
        yield* this.#messagesOf(writer);
        writer = new BinaryWriter();
        size = 0;
      }
      writer.uint32(UPDATES_TAG).bytes(bytes);
      size += bytes.byteLength + 6;
    }
    const place: WirePosition = { revision: BigInt(position.revision), tag: position.tag };
    WirePosition.encode(place, writer.uint32(POSITION_TAG).fork()).join();
    yield* this.#messagesOf(writer);
  }

  *#messagesOf(writer: BinaryWriter): Generator<Buffer, void, void> {
    const whole = bufferOf(writer);
    if (whole.byteLength <= this.#maxMessageBytes + HEADROOM) {
      yield whole;
      return;
    }
    for (let from = 0; from < whole.byteLength; from += this.#pieceBytes) {
      const piece = new BinaryWriter();
      piece.uint32(PIECE_TAG).bytes(whole.subarray(from, from + this.#pieceBytes));
      if (from + this.#pieceBytes >= whole.byteLength) piece.uint32(LAST_PIECE_TAG).bool(true);
      yield bufferOf(piece);
    }
  }

  #encodeFull(update: VariableUpdate): Uint8Array {
    return this.#knownBytes(update).full;
  }

  #encodeShort(update: VariableUpdate): Uint8Array {
    const known = this.#knownBytes(update);
    if (known.full.byteLength <= this.#maxMessageBytes) return known.full;
    known.short ??= encodeWithin(update, this.#maxMessageBytes);
    return known.short;
  }

  #knownBytes(update: VariableUpdate): Encoded {
    const known = this.#encoded.get(update) ?? { full: encodeWithin(update, this.#maxUpdateBytes) };
    this.#encoded.set(update, known);
    return known;
  }
}

/** The update with as much of it as fits: the new value matters more than the old one, and that it came most of all. */
function encodeWithin(update: VariableUpdate, maxBytes: number): Uint8Array {
  let message = toWire(update);
  let bytes = WireUpdate.encode(message).finish();
  for (const less of [{ oldValue: undefined }, { value: undefined }, { metadata: new Map() }]) {
    if (bytes.byteLength <= maxBytes) break;
    message = { ...message, ...less };
    bytes = WireUpdate.encode(message).finish();
  }
  return bytes;
}

function toWire(update: VariableUpdate): WireUpdate {
  const { variableType, value, oldValue } = update;
  return {
    type: types[update.type],
    name: update.name,
    variableId: update.variableId,
    value: value === undefined ? undefined : encodeValueOf(variableType, value),
    oldValue: oldValue === undefined ? undefined : encodeValueOf(variableType, oldValue),
    version: BigInt(update.version),
    revision: BigInt(update.revision),
    metadata: encodeRecord(update.metadata),
    source: update.source,
    timestampMs: wholeMs(update.timestamp),
    skipped: BigInt(update.skipped),
    resetReason: update.reason ?? '',
  };
}

/**
 * Updates of watches as bytes, made once however many watches send them. The new value of one that is too large for what its
 * reader takes matters more than the old one, and that it came most of all.
 */

import { UpdateType, VariableUpdate as WireUpdate } from '../gen/coilyard/v1/variables.js';
import type { VariableUpdate, WatchBatch } from '../sessions/update.js';
import { wholeMs } from '../wire/fields.js';
import { encodeRecord } from '../wire/value.js';
import { encodeValueOf } from '../wire/variables.js';
import { HEADROOM, WatchMessages } from './watch-messages.js';

const types = {
  initial: UpdateType.INITIAL,
  registered: UpdateType.REGISTERED,
  updated: UpdateType.UPDATED,
  deleted: UpdateType.DELETED,
  reset: UpdateType.RESET,
  configured: UpdateType.CONFIGURED,
} as const satisfies Record<VariableUpdate['type'], UpdateType>;

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
  /** Updates are shared by all watchers of a session, so their bytes are too. */
  readonly #encoded = new WeakMap<VariableUpdate, Encoded>();

  constructor({ maxMessageBytes, maxUpdateBytes }: WatchEncoderLimits) {
    this.#maxMessageBytes = maxMessageBytes - HEADROOM;
    this.#maxUpdateBytes = maxUpdateBytes;
  }

  /** @param pieces whether the reader puts pieces together; else it gets what is too large for one message without value. */
  encode(batch: WatchBatch, pieces: boolean): WatchMessages {
    const encodeUpdate = pieces ? this.#encodeFull : this.#encodeShort;
    return new WatchMessages(batch, encodeUpdate, this.#maxMessageBytes + HEADROOM);
  }

  readonly #encodeFull = (update: VariableUpdate): Uint8Array => this.#knownBytes(update).full;

  readonly #encodeShort = (update: VariableUpdate): Uint8Array => {
    const known = this.#knownBytes(update);
    if (known.full.byteLength <= this.#maxMessageBytes) return known.full;
    known.short ??= encodeWithin(update, this.#maxMessageBytes);
    return known.short;
  };

  #knownBytes(update: VariableUpdate): Encoded {
    const known = this.#encoded.get(update);
    if (known !== undefined) return known;
    const encoded: Encoded = { full: encodeWithin(update, this.#maxUpdateBytes) };
    this.#encoded.set(update, encoded);
    return encoded;
  }
}

/** The update with as much of it as fits. */
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

/**
 * Watch batches as messages. An update is encoded once however many watches send it, and a batch that is too large for
 * one message becomes several.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Position as WirePosition, UpdateType, VariableUpdate as WireUpdate } from '../gen/coilyard/v1/variables.js';
import { CoilyardError } from '../kernel/errors.js';
import type { VariableUpdate, WatchBatch } from '../sessions/update.js';
import { wholeMs } from '../wire/fields.js';
import { encodeValues } from '../wire/value.js';
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

/** `WatchResponse.position` and `WatchResponse.updates`. */
const POSITION_TAG = 10;
const UPDATES_TAG = 18;
/** Room for the position and the lengths of a message. */
const HEADROOM = 1024;

export class WatchEncoder {
  readonly #maxBytes: number;
  /** Updates are shared by all watchers of a session, so their bytes are too. */
  readonly #encoded = new WeakMap<VariableUpdate, Uint8Array>();

  /** @param maxBytes of one message. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes - HEADROOM;
  }

  /**
   * `WatchResponse` messages in order. Only the last has the position: whoever lost the rest resumes from before it.
   *
   * @throws CoilyardError `payload_too_large` for an update that no message can hold.
   */
  encode({ position, updates }: WatchBatch): Buffer[] {
    const messages: Buffer[] = [];
    let writer = new BinaryWriter();
    let size = 0;
    for (const update of updates) {
      const bytes = this.#encodeUpdate(update);
      if (size > 0 && size + bytes.byteLength > this.#maxBytes) {
        messages.push(bufferOf(writer));
        writer = new BinaryWriter();
        size = 0;
      }
      writer.uint32(UPDATES_TAG).bytes(bytes);
      size += bytes.byteLength + 6;
    }
    const place: WirePosition = { revision: BigInt(position.revision), tag: position.tag };
    WirePosition.encode(place, writer.uint32(POSITION_TAG).fork()).join();
    messages.push(bufferOf(writer));
    return messages;
  }

  #encodeUpdate(update: VariableUpdate): Uint8Array {
    const known = this.#encoded.get(update);
    if (known !== undefined) return known;
    const message = toWire(update);
    let bytes = WireUpdate.encode(message).finish();
    // Two large values may be one too many; the new one matters.
    if (bytes.byteLength > this.#maxBytes) bytes = WireUpdate.encode({ ...message, oldValue: undefined }).finish();
    if (bytes.byteLength > this.#maxBytes)
      throw new CoilyardError('payload_too_large', `an update of ${update.name} takes ${bytes.byteLength} bytes`, {
        details: { variable: update.name, limit: this.#maxBytes, actual: bytes.byteLength },
      });
    this.#encoded.set(update, bytes);
    return bytes;
  }
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
    metadata: encodeValues(Object.entries(update.metadata)),
    source: update.source,
    timestampMs: wholeMs(update.timestamp),
    skipped: BigInt(update.skipped),
    resetReason: update.reason ?? '',
  };
}

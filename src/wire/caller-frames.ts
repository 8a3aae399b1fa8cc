/**
 * The frames of `Calls.Carry` from the client. They are read by hand: every call of every client passes here, and a message
 * is handed on as a view of what was received, where the generated code would copy it.
 */

import { invalidArgument } from '../kernel/errors.js';

export interface CarriedRequest {
  readonly callId: number;
  readonly method: string;
  /** A view, not a copy. */
  readonly message: Buffer;
  readonly timeoutMs: number | undefined;
  /** Empty: the session that the request names. */
  readonly callingSession: string;
}

export interface RequestPiece {
  readonly callId: number;
  readonly data: Buffer;
  readonly last: boolean;
}

export type CallerFrame =
  | { readonly type: 'request'; readonly request: CarriedRequest }
  | { readonly type: 'cancel'; readonly callId: number }
  | { readonly type: 'piece'; readonly piece: RequestPiece };

const EMPTY = Buffer.alloc(0);
const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const FIXED_32 = 5;

/** `CarryRequest`. Throws `invalid_argument` for bytes that are none, and for a frame of no kind. */
export function decodeCallerFrames(bytes: Buffer): readonly CallerFrame[] {
  const frames: CallerFrame[] = [];
  const cursor = new Cursor(bytes, 0, bytes.byteLength);
  while (cursor.next())
    if (cursor.is(1, DELIMITED)) frames.push(decodeCallerFrame(cursor.inner()));
    else cursor.skip();
  return frames;
}

/** As in every message of protobuf: of several kinds the last counts. */
function decodeCallerFrame(cursor: Cursor): CallerFrame {
  let frame: CallerFrame | undefined;
  while (cursor.next())
    if (cursor.is(1, DELIMITED)) frame = { type: 'request', request: readRequest(cursor.inner()) };
    else if (cursor.is(2, DELIMITED)) frame = { type: 'cancel', callId: readCancel(cursor.inner()) };
    else if (cursor.is(3, DELIMITED)) frame = { type: 'piece', piece: readPiece(cursor.inner()) };
    else cursor.skip();
  if (frame === undefined) throw invalidArgument('frames', 'a request, a cancel or a piece', frame);
  return frame;
}

/** `CallRequest`. Throws `invalid_argument` for bytes that are none. */
export function decodeCallRequest(bytes: Buffer): CarriedRequest {
  return readRequest(new Cursor(bytes, 0, bytes.byteLength));
}

function readRequest(cursor: Cursor): CarriedRequest {
  let callId = 0;
  let method = '';
  let message: Buffer = EMPTY;
  let timeoutMs: number | undefined;
  let callingSession = '';
  while (cursor.next())
    if (cursor.is(1, VARINT)) callId = cursor.uint32();
    else if (cursor.is(2, DELIMITED)) method = cursor.text();
    else if (cursor.is(3, DELIMITED)) message = cursor.view();
    else if (cursor.is(4, VARINT)) timeoutMs = cursor.uint32();
    else if (cursor.is(5, DELIMITED)) callingSession = cursor.text();
    else cursor.skip();
  return { callId, method, message, timeoutMs, callingSession };
}

function readCancel(cursor: Cursor): number {
  let callId = 0;
  while (cursor.next())
    if (cursor.is(1, VARINT)) callId = cursor.uint32();
    else cursor.skip();
  return callId;
}

function readPiece(cursor: Cursor): RequestPiece {
  let callId = 0;
  let data: Buffer = EMPTY;
  let last = false;
  while (cursor.next())
    if (cursor.is(1, VARINT)) callId = cursor.uint32();
    else if (cursor.is(2, DELIMITED)) data = cursor.view();
    else if (cursor.is(3, VARINT)) last = cursor.boolean();
    else cursor.skip();
  return { callId, data, last };
}

/** The fields of one message, one after the other. */
class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  #tag = 0;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field; false after the last one. */
  next(): boolean {
    if (this.#at === this.#end) return false;
    this.#tag = this.uint32();
    if (this.#tag >>> 3 === 0) throw malformed(this.#bytes);
    return true;
  }

  is(field: number, wireType: number): boolean {
    return this.#tag === ((field << 3) | wireType);
  }

  /** Of a longer number the low 32 bits, as protobuf has it. */
  uint32(): number {
    const bytes = this.#bytes;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) break;
      const byte = bytes[this.#at++] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw malformed(bytes);
  }

  /** Any bit of it counts. */
  boolean(): boolean {
    let isSet = false;
    for (let length = 1; length <= 10 && this.#at < this.#end; length += 1) {
      const byte = this.#bytes[this.#at++] ?? 0;
      isSet ||= (byte & 0x7f) !== 0;
      if (byte < 0x80) return isSet;
    }
    throw malformed(this.#bytes);
  }

  view(): Buffer {
    const start = this.#delimited();
    return this.#bytes.subarray(start, this.#at);
  }

  text(): string {
    const start = this.#delimited();
    return this.#bytes.toString('utf8', start, this.#at);
  }

  inner(): Cursor {
    const start = this.#delimited();
    return new Cursor(this.#bytes, start, this.#at);
  }

  skip(): void {
    switch (this.#tag & 7) {
      case VARINT:
        this.boolean();
        return;
      case FIXED_64:
        this.#advance(8);
        return;
      case DELIMITED:
        this.#delimited();
        return;
      case FIXED_32:
        this.#advance(4);
        return;
      default:
        throw malformed(this.#bytes);
    }
  }

  /** @returns where the content of the field starts; it ends where the next field does. */
  #delimited(): number {
    const length = this.uint32();
    const start = this.#at;
    this.#advance(length);
    return start;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw malformed(this.#bytes);
    this.#at += length;
  }
}

const malformed = (bytes: Buffer): Error => invalidArgument('request', 'a message of this method', bytes);

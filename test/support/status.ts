/** Reads what the gateway sends as `google.rpc.Status`, as a client does. */

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ErrorDetail } from '../../src/gen/coilyard/v1/errors.js';
import type { CoilyardError } from '../../src/kernel/errors.js';
import { decodeErrorDetail } from '../../src/wire/error-detail.js';
import { ERROR_DETAIL_TYPE_URL } from '../../src/wire/status.js';

/** The error inside `google.rpc.Status`; `undefined` when it carries no `ErrorDetail`. Throws when it is not one. */
export function decodeStatus(details: Uint8Array): CoilyardError | undefined {
  for (const any of lengthDelimited(details, 3)) {
    const [url] = lengthDelimited(any, 1);
    const [value] = lengthDelimited(any, 2);
    if (url !== undefined && new TextDecoder().decode(url) === ERROR_DETAIL_TYPE_URL)
      return decodeErrorDetail(ErrorDetail.decode(value ?? new Uint8Array()));
  }
  return undefined;
}

function* lengthDelimited(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) yield reader.bytes();
    else reader.skip(type, field);
  }
}

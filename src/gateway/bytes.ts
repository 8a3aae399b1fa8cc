/** Bytes as grpc-js wants them. */

import type { BinaryWriter } from '@bufbuild/protobuf/wire';

/** What was written, without a copy. */
export function bufferOf(writer: BinaryWriter): Buffer {
  const bytes = writer.finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

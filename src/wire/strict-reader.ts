/** Reads messages as the contract wants them: a text that is not UTF-8 is refused, never changed into another one. */

import { BinaryReader } from '@bufbuild/protobuf/wire';

class StrictReader extends BinaryReader {
  override string(): string {
    return super.string(true);
  }
}

/** For the `requestDeserialize` of a generated method; it throws what is not UTF-8. */
export function strictly(bytes: Buffer): Buffer {
  // Generated decoders take a reader in place of bytes, and `requestDeserialize` hands them what it is given; declared are bytes.
  return new StrictReader(bytes) as BinaryReader & Buffer;
}

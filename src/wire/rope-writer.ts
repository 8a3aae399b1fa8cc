/**
 * Encodes a message whose bytes are many: in parts, in which they stay where they are. The ordinary writer would copy them
 * once for each message that they are nested in.
 */

import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** Fewer bytes are copied: a part of their own would cost more. */
const LEAST_BYTES = 64 * 1024;

export class RopeWriter extends BinaryWriter {
  #parts: Uint8Array[] = [];
  readonly #outer: Uint8Array[][] = [];

  /** What was written; the bytes that were given are among it, not copies of them. */
  parts(): readonly Uint8Array[] {
    this.#cut();
    return this.#parts;
  }

  override fork(): this {
    this.#cut();
    this.#outer.push(this.#parts);
    this.#parts = [];
    return this;
  }

  override join(): this {
    this.#cut();
    const inner = this.#parts;
    this.#parts = this.#outer.pop() ?? [];
    this.uint32(sizeOf(inner));
    this.#cut();
    this.#parts.push(...inner);
    return this;
  }

  override bytes(value: Uint8Array): this {
    if (value.byteLength < LEAST_BYTES) return super.bytes(value);
    this.uint32(value.byteLength);
    this.#cut();
    this.#parts.push(value);
    return this;
  }

  #cut(): void {
    const written = super.finish();
    if (written.byteLength > 0) this.#parts.push(written);
  }
}

export const sizeOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, { byteLength }) => sum + byteLength, 0);

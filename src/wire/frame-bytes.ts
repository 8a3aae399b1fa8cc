/** A frame of the runtime as the bytes that travel. */

import type { Value } from '../gen/coilyard/v1/value.js';
import { RuntimeFrame as WireFrame } from '../gen/coilyard/v1/workers.js';
import { encodeRuntimeFrame } from './runtime-frame-codec.js';
import type { RuntimeFrame } from './frames.js';
import { RopeWriter } from './rope-writer.js';

/** Arrays of so many bytes are not copied more often than they have to be. */
const LARGE_BYTES = 256 * 1024;

/**
 * The encoded frame, in parts when it has a large array in it. None of it changes when the caller goes on to change the
 * array.
 *
 * @throws CoilyardError `invalid_argument` when a value in the frame has no form on the wire.
 */
export function runtimeFrameBytes(frame: RuntimeFrame): readonly Uint8Array[] {
  const message = encodeRuntimeFrame(frame);
  if (!hasLargeArray(message)) return [WireFrame.encode(message).finish()];
  const writer = new RopeWriter();
  WireFrame.encode(message, writer);
  return writer.parts().map((part) => Buffer.from(part));
}

function hasLargeArray({ frame }: WireFrame): boolean {
  if (frame?.$case === 'answer') return frame.value.outcome?.$case === 'result' && isLarge(frame.value.outcome.value);
  if (frame?.$case !== 'call') return false;
  for (const value of frame.value.arguments.values()) if (isLarge(value)) return true;
  for (const value of frame.value.variables.values()) if (isLarge(value)) return true;
  return false;
}

const isLarge = ({ kind }: Value): boolean =>
  (kind?.$case === 'tensor' || kind?.$case === 'embedding') && kind.value.data.byteLength >= LARGE_BYTES;

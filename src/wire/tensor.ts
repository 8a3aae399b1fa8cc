/** Tensors as they travel: raw little-endian elements in C order with their dtype and shape. */

import type { Tensor as WireTensor } from '../gen/coilyard/v1/value.js';
import { invalidArgument } from '../kernel/errors.js';
import {
  areBooleans,
  bytesOf,
  countOf,
  type Dtype,
  dtypes,
  isDtype,
  MAX_DIMENSIONS,
  Tensor,
  tensorOver,
  widthOf,
} from '../variables/tensor.js';

/** The same as plain data, in which a caller may give a tensor as well. */
export interface TensorRecord {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian, C order. */
  readonly data: Uint8Array;
}

export function decodeTensor(message: WireTensor, field: string): Tensor {
  const shape = message.shape.map(Number);
  const dtype = checkElements({ dtype: message.dtype, shape, data: message.data }, field);
  return tensorOver(dtype, shape, ownBytes(message.data));
}

/** In memory of their own, so that they keep nothing else alive; copied unless they are there already. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const isAlone = bytes.byteLength === bytes.buffer.byteLength;
  return isAlone ? bytes : new Uint8Array(bytes);
}

export function encodeTensor({ dtype, shape, data }: TensorRecord, field: string): WireTensor {
  checkElements({ dtype, shape, data }, field);
  return { dtype, shape: shape.map(BigInt), data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

/** What travels of a tensor, of a typed array, or of a tensor as a record; `undefined` for anything else. No copy. */
export function tensorRecordOf(value: unknown): TensorRecord | undefined {
  if (value instanceof Tensor) return { dtype: value.dtype, shape: value.shape, data: bytesOf(value) };
  if (ArrayBuffer.isView(value)) return recordOfView(value);
  return isTensorRecord(value) ? value : undefined;
}

/** What the elements of a typed array are; subclasses such as `Buffer` have the tag of their typed array. */
const dtypesByTag: ReadonlyMap<unknown, Dtype> = new Map<unknown, Dtype>([
  ['Int8Array', 'int8'],
  ['Uint8Array', 'uint8'],
  ['Uint8ClampedArray', 'uint8'],
  ['Int16Array', 'int16'],
  ['Uint16Array', 'uint16'],
  ['Int32Array', 'int32'],
  ['Uint32Array', 'uint32'],
  ['Float32Array', 'float32'],
  ['Float64Array', 'float64'],
  ['BigInt64Array', 'int64'],
  ['BigUint64Array', 'uint64'],
]);

/** One dimension; a `DataView` has no elements and is none. */
function recordOfView(view: ArrayBufferView): TensorRecord | undefined {
  const dtype = dtypesByTag.get(Reflect.get(view, Symbol.toStringTag));
  if (dtype === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = view;
  return { dtype, shape: [byteLength / widthOf(dtype)], data: new Uint8Array(buffer, byteOffset, byteLength) };
}

function isTensorRecord(value: unknown): value is TensorRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dtype' in value &&
    typeof value.dtype === 'string' &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    value.shape.every(isSize) &&
    'data' in value &&
    value.data instanceof Uint8Array
  );
}

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;

/** The bytes have to be exactly those of the elements: nothing may be read past them, nothing may hide behind them. */
function checkElements({ dtype, shape, data }: TensorRecord, field: string): Dtype {
  if (!isDtype(dtype)) throw invalidArgument(`${field}.dtype`, `one of ${dtypes.join(', ')}`, dtype);
  if (shape.length > MAX_DIMENSIONS)
    throw invalidArgument(`${field}.shape`, `at most ${MAX_DIMENSIONS} dimensions`, shape.length);
  if (!shape.every(isSize)) throw invalidArgument(`${field}.shape`, 'sizes of 0 and more', shape);
  // A product that is not exact any more is larger than any message, unless a later size is 0, which gives 0 again.
  const wanted = countOf(shape) * widthOf(dtype);
  if (wanted !== data.byteLength)
    throw invalidArgument(`${field}.data`, `${wanted} bytes, as dtype and shape say`, data.byteLength);
  if (dtype === 'bool' && !areBooleans(data))
    throw invalidArgument(`${field}.data`, 'bytes 0 and 1 for booleans', 'another byte');
  return dtype;
}

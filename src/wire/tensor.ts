/** Tensors as they travel: raw little-endian elements in C order with their dtype and shape. */

import type { Tensor } from '../gen/coilyard/v1/value.js';
import { invalidArgument } from '../kernel/errors.js';
import { Tensor as StoredTensor } from '../variables/tensor.js';

export interface TensorValue {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian, C order. */
  readonly data: Uint8Array;
}

const MAX_DIMENSIONS = 32;

/** Bytes of one element. */
const widths: ReadonlyMap<string, number> = new Map([
  ['bool', 1],
  ['int8', 1],
  ['uint8', 1],
  ['int16', 2],
  ['uint16', 2],
  ['float16', 2],
  ['bfloat16', 2],
  ['int32', 4],
  ['uint32', 4],
  ['float32', 4],
  ['int64', 8],
  ['uint64', 8],
  ['float64', 8],
]);

export function decodeTensor(message: Tensor, field: string): TensorValue {
  const { dtype, data } = message;
  const shape = message.shape.map(Number);
  checkSize(dtype, shape, data.byteLength, field);
  return { dtype, shape, data: ownBytes(data) };
}

/** In memory of their own, so that they are aligned and keep nothing else alive; copied unless they are there already. */
function ownBytes({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  const isAlone = byteOffset === 0 && byteLength === buffer.byteLength;
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(buffer, byteOffset, byteLength).slice();
}

export function encodeTensor(tensor: TensorValue, field: string): Tensor {
  const { dtype, shape, data } = tensor;
  checkSize(dtype, shape, data.byteLength, field);
  return { dtype, shape: shape.map(BigInt), data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

/**
 * What travels of a tensor of a variable, of a typed array, or of a tensor in the form in which it travels; `undefined`
 * for anything else.
 */
export function tensorValueOf(value: unknown): TensorValue | undefined {
  if (value instanceof StoredTensor) return { dtype: value.dtype, shape: value.shape, data: value.toBytes() };
  if (ArrayBuffer.isView(value)) return tensorOfView(value);
  return isTensorValue(value) ? value : undefined;
}

/** What the elements of a typed array are; subclasses such as `Buffer` have the tag of their typed array. */
const dtypesByTag: ReadonlyMap<unknown, string> = new Map([
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
function tensorOfView(view: ArrayBufferView): TensorValue | undefined {
  const dtype = dtypesByTag.get(Reflect.get(view, Symbol.toStringTag));
  const width = dtype === undefined ? undefined : widths.get(dtype);
  if (dtype === undefined || width === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = view;
  return { dtype, shape: [byteLength / width], data: new Uint8Array(buffer, byteOffset, byteLength) };
}

function isTensorValue(value: unknown): value is TensorValue {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dtype' in value &&
    typeof value.dtype === 'string' &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    value.shape.every((size) => Number.isSafeInteger(size) && size >= 0) &&
    'data' in value &&
    value.data instanceof Uint8Array
  );
}

/** The bytes have to be exactly those of the elements: nothing may be read past them, nothing may hide behind them. */
function checkSize(dtype: string, shape: readonly number[], byteLength: number, field: string): void {
  const width = widths.get(dtype);
  if (width === undefined) throw invalidArgument(`${field}.dtype`, `one of ${[...widths.keys()].join(', ')}`, dtype);
  if (shape.length > MAX_DIMENSIONS)
    throw invalidArgument(`${field}.shape`, `at most ${MAX_DIMENSIONS} dimensions`, shape.length);
  // A product that is not exact any more is larger than any message, unless a later size is 0, which gives 0 again.
  const wanted = shape.reduce((product, size) => product * size, width);
  if (wanted !== byteLength)
    throw invalidArgument(`${field}.data`, `${wanted} bytes, as dtype and shape say`, byteLength);
}

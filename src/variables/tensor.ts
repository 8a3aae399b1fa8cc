/**
 * A typed array with a shape, in C order, that nobody can change: what variables of the types `embedding` and `tensor`
 * hold. The elements are kept as little-endian bytes, as they travel.
 */

import { invalidArgument } from '../kernel/errors.js';

export type Dtype =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'float16'
  | 'bfloat16'
  | 'int32'
  | 'uint32'
  | 'float32'
  | 'int64'
  | 'uint64'
  | 'float64';

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** The array that holds the elements. The halves have none in JavaScript: their bits are kept. */
const arrays = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float64: Float64Array,
} as const satisfies Record<Dtype, unknown>;

export const isDtype = (word: unknown): word is Dtype => typeof word === 'string' && Object.hasOwn(arrays, word);

const isShape = (shape: unknown): shape is readonly number[] =>
  Array.isArray(shape) &&
  shape.length <= MAX_DIMENSIONS &&
  shape.every((size) => Number.isSafeInteger(size) && Number(size) >= 0);

export const dtypes: readonly Dtype[] = Object.freeze(Object.keys(arrays).filter(isDtype));

/** Bytes of one element. */
export const widthOf = (dtype: Dtype): number => arrays[dtype].BYTES_PER_ELEMENT;

export const MAX_DIMENSIONS = 32;

/** The number of elements; not exact beyond 2^53, which is more than any memory holds. */
export const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Says that bytes were checked and are nobody else's. */
const OWN = Symbol('own');

let readBytes: (tensor: Tensor) => Uint8Array;

export class Tensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly #bytes: Uint8Array;

  static {
    readBytes = (tensor) => tensor.#bytes;
  }

  /** @param bytes of a view, such as a typed array; copied. Throws `invalid_argument` for others than the elements take. */
  constructor(dtype: Dtype, shape: readonly number[], bytes: ArrayBufferView);
  /** @internal Use {@link tensorOver}. */
  constructor(dtype: Dtype, shape: readonly number[], bytes: Uint8Array, own: typeof OWN);
  constructor(dtype: Dtype, shape: readonly number[], bytes: ArrayBufferView, own?: typeof OWN) {
    if (!isDtype(dtype)) throw invalidArgument('dtype', `one of ${dtypes.join(', ')}`, dtype);
    if (!isShape(shape)) throw invalidArgument('shape', 'a list of sizes', shape);
    if (!ArrayBuffer.isView(bytes)) throw invalidArgument('bytes', 'a typed array', bytes);
    if (bytes.byteLength !== countOf(shape) * widthOf(dtype))
      throw invalidArgument('bytes', `those of a ${dtype} tensor of shape [${shape.join(', ')}]`, bytes.byteLength);
    const all = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (dtype === 'bool' && !areBooleans(all)) throw invalidArgument('bytes', '0 and 1 for booleans', 'another byte');
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.#bytes = own === OWN ? all : new Uint8Array(all);
    Object.freeze(this);
  }

  /** How many elements there are. */
  get size(): number {
    return this.#bytes.byteLength / widthOf(this.dtype);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** The elements as a typed array of their own: a copy with each call. Of `float16` and `bfloat16` the bits. */
  get data(): TypedArray {
    return new arrays[this.dtype](this.toBytes().buffer);
  }

  /** Little-endian, C order; a copy. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes);
  }

  /** Elements in C order: numbers, `bigint` for the 64-bit integers, booleans. */
  *[Symbol.iterator](): Generator<number | bigint | boolean> {
    const { dtype } = this;
    for (const element of this.data) {
      if (dtype === 'bool') yield element !== 0;
      else if (dtype === 'float16') yield halfToNumber(Number(element));
      else if (dtype === 'bfloat16') yield brainToNumber(Number(element));
      else yield element;
    }
  }

  /** Lists within lists, as the shape says; the element itself when there is no dimension. */
  toList(): unknown {
    let level: unknown[] = [...this];
    if (this.shape.length === 0) return level[0];
    for (const size of this.shape.slice(1).reverse()) level = chunks(level, size, countOf(this.shape));
    return level;
  }

  equals(other: Tensor): boolean {
    if (this.dtype !== other.dtype || this.shape.length !== other.shape.length) return false;
    if (this.shape.some((size, index) => size !== other.shape[index])) return false;
    const others = other.#bytes;
    return Buffer.compare(this.#bytes, others) === 0;
  }

  toJSON(): unknown {
    return { dtype: this.dtype, shape: this.shape, data: this.toList() };
  }
}

/** A tensor over bytes that are its own from here on. Throws like its constructor. */
export const tensorOver = (dtype: Dtype, shape: readonly number[], bytes: Uint8Array): Tensor =>
  new Tensor(dtype, shape, bytes, OWN);

/** The bytes of a tensor themselves, to be read and sent: whoever changed them would change what nobody can change. */
export const bytesOf = (tensor: Tensor): Uint8Array => readBytes(tensor);

export function areBooleans(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 1) return false;
  return true;
}

function chunks(list: readonly unknown[], size: number, total: number): unknown[] {
  if (total === 0) return [];
  const groups: unknown[] = [];
  for (let at = 0; at < list.length; at += size) groups.push(list.slice(at, at + size));
  return groups;
}

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a binary32. */
export function brainToNumber(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0] ?? Number.NaN;
}

/** Numbers of any form to the elements of a tensor, exactly or not at all. */

import { CoilyardError, describeValue } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import { areBooleans, countOf, type Dtype, MAX_DIMENSIONS, Tensor, tensorOver, widthOf } from '../tensor.js';
import { isWholeFloat, wholeFloatsOf } from '../whole-floats.js';

export type Numbers = ArrayLike<number> & Iterable<number>;

/** Elements of one tensor that come as a list; more has to come as a typed array. */
const MAX_LIST_ELEMENTS = 10_000_000;

/** Which dtype a list gets. */
export interface ListDtype {
  /** Default: bool if all elements are, int64 if all are integers and some are beyond 2^53, else float64. */
  readonly preferred: Dtype | undefined;
  /** Its integers are told from floats, as on the wire: int64 if all are. A whole number of TypeScript may be either. */
  readonly knowsIntegers: boolean;
}

/** `undefined` for what is neither a typed array nor a list. */
export function elementsOf(value: unknown, dtype: ListDtype): Result<Tensor, CoilyardError> | undefined {
  if (ArrayBuffer.isView(value)) return ofView(value, dtype.preferred);
  return Array.isArray(value) ? ofList(value, dtype) : undefined;
}

/** Bytes in little-endian order, as they travel. */
export function tensorOfBytes(
  dtype: Dtype,
  shape: readonly number[],
  bytes: Uint8Array,
): Result<Tensor, CoilyardError> {
  const wanted = countOf(shape) * widthOf(dtype);
  if (wanted !== bytes.byteLength) return refuse('data', `${wanted} bytes, as dtype and shape say`, bytes.byteLength);
  if (dtype === 'bool' && !areBooleans(bytes)) return refuse('data', 'bytes 0 and 1 for booleans', 'another byte');
  return ok(new Tensor(dtype, shape, bytes));
}

/** The elements as numbers, `undefined` for booleans; 64-bit integers lose what float32 would not have either. */
export function numbersOf(tensor: Tensor): Numbers | undefined {
  const { dtype } = tensor;
  if (dtype === 'bool') return undefined;
  if (dtype === 'float32' || dtype === 'float64') {
    const { data } = tensor;
    if (data instanceof Float32Array || data instanceof Float64Array) return data;
  }
  return Float64Array.from(tensor, Number);
}

export function isFiniteTensor(tensor: Tensor): boolean {
  switch (tensor.dtype) {
    case 'float16':
      return !hasExponent(tensor, 0x7c00);
    case 'bfloat16':
      return !hasExponent(tensor, 0x7f80);
    case 'float32':
    case 'float64':
      for (const element of numbersOf(tensor) ?? []) if (!Number.isFinite(element)) return false;
      return true;
    default:
      return true;
  }
}

/** Whether an element of two bytes has all of these bits, as infinities and NaN have: millions are looked at at once. */
function hasExponent({ data }: Tensor, bits: number): boolean {
  return data instanceof Uint16Array && data.some((element) => (element & bits) === bits);
}

function ofView(view: ArrayBufferView, preferred: Dtype | undefined): Result<Tensor, CoilyardError> {
  const dtype = dtypeOf(view, preferred);
  if (dtype === undefined) return refuse('value', 'a typed array of numbers', describeValue(view));
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return tensorOfBytes(dtype, [view.byteLength / widthOf(dtype)], bytes);
}

/** The halves travel as bits in a `Uint16Array`, and booleans as bytes, when that is what was asked for. */
function dtypeOf(view: ArrayBufferView, preferred: Dtype | undefined): Dtype | undefined {
  if (view instanceof Float32Array) return 'float32';
  if (view instanceof Float64Array) return 'float64';
  if (view instanceof Int8Array) return 'int8';
  if (view instanceof Uint8Array) return preferred === 'bool' ? 'bool' : 'uint8';
  if (view instanceof Int16Array) return 'int16';
  if (view instanceof Uint16Array) return preferred === 'float16' || preferred === 'bfloat16' ? preferred : 'uint16';
  if (view instanceof Int32Array) return 'int32';
  if (view instanceof Uint32Array) return 'uint32';
  if (view instanceof BigInt64Array) return 'int64';
  return view instanceof BigUint64Array ? 'uint64' : undefined;
}

function ofList(list: readonly unknown[], { preferred, knowsIntegers }: ListDtype): Result<Tensor, CoilyardError> {
  const shape = shapeOf(list);
  if (shape.length > MAX_DIMENSIONS) return refuse('value', `at most ${MAX_DIMENSIONS} dimensions`, shape.length);
  const elements: unknown[] = [];
  const uneven = flatten(list, shape, 0, elements);
  if (uneven !== undefined) return refuse('value', uneven, 'something else');
  const dtype = preferred ?? (knowsIntegers && areIntegers(list) ? 'int64' : commonDtype(elements));
  if (dtype === 'float16' || dtype === 'bfloat16')
    return refuse('value', `the bits of ${dtype} as bytes or a Uint16Array`, 'a list');
  return encode(dtype, shape, elements);
}

/** As the first elements say; lists that differ are found by {@link flatten}. */
function shapeOf(list: readonly unknown[]): number[] {
  const shape: number[] = [];
  for (let at: unknown = list; Array.isArray(at) && shape.length <= MAX_DIMENSIONS; at = at[0]) shape.push(at.length);
  return shape;
}

function flatten(
  list: readonly unknown[],
  shape: readonly number[],
  depth: number,
  into: unknown[],
): string | undefined {
  if (list.length !== shape[depth]) return `lists of ${shape[depth]} at depth ${depth}`;
  const isLast = depth === shape.length - 1;
  for (const item of list) {
    if (isLast) into.push(item);
    else {
      const uneven = Array.isArray(item) ? flatten(item, shape, depth + 1, into) : `lists at depth ${depth + 1}`;
      if (uneven !== undefined) return uneven;
    }
    if (into.length > MAX_LIST_ELEMENTS) return `at most ${MAX_LIST_ELEMENTS} elements in a list`;
  }
  return undefined;
}

/** Of a list that was found to be even. */
function areIntegers(list: readonly unknown[]): boolean {
  if (list.length === 0) return false;
  const floats = wholeFloatsOf(list);
  return list.every((item, index) =>
    Array.isArray(item)
      ? areIntegers(item)
      : typeof item === 'bigint' ||
        (typeof item === 'number' && Number.isSafeInteger(item) && !isWholeFloat(floats, index, item)),
  );
}

function commonDtype(elements: readonly unknown[]): Dtype {
  if (elements.length > 0 && elements.every((element) => typeof element === 'boolean')) return 'bool';
  const isInteger = (element: unknown): boolean => typeof element === 'bigint' || Number.isSafeInteger(element);
  return elements.some((element) => typeof element === 'bigint') && elements.every(isInteger) ? 'int64' : 'float64';
}

const ranges: Partial<Record<Dtype, readonly [min: bigint, max: bigint]>> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

function encode(dtype: Dtype, shape: readonly number[], elements: readonly unknown[]): Result<Tensor, CoilyardError> {
  const bytes = new Uint8Array(elements.length * widthOf(dtype));
  const view = new DataView(bytes.buffer);
  for (const [index, element] of elements.entries())
    if (!encodeElement(view, index * widthOf(dtype), dtype, element))
      return refuse(`value[${index}]`, `a number that ${dtype} can hold`, describeValue(element));
  return ok(tensorOver(dtype, shape, bytes));
}

function encodeElement(view: DataView, at: number, dtype: Dtype, element: unknown): boolean {
  if (dtype === 'bool') {
    if (typeof element !== 'boolean') return false;
    view.setUint8(at, element ? 1 : 0);
    return true;
  }
  if (dtype === 'float32' || dtype === 'float64') {
    const number = typeof element === 'bigint' ? Number(element) : element;
    if (typeof number !== 'number') return false;
    // float32 rounds by nature; float64 has room for what it is given, or refuses it.
    if (dtype === 'float64' && typeof element === 'bigint' && !isExact(number, element)) return false;
    if (dtype === 'float64') view.setFloat64(at, number, true);
    else view.setFloat32(at, number, true);
    return true;
  }
  const range = ranges[dtype];
  const isWhole = typeof element === 'bigint' || (typeof element === 'number' && Number.isSafeInteger(element));
  if (range === undefined || !isWhole) return false;
  const whole = BigInt(element);
  if (whole < range[0] || whole > range[1]) return false;
  const width = widthOf(dtype);
  // Two's complement: the low bits are those of the unsigned number too.
  if (width === 8) view.setBigUint64(at, BigInt.asUintN(64, whole), true);
  else if (width === 4) view.setUint32(at, Number(BigInt.asUintN(32, whole)), true);
  else if (width === 2) view.setUint16(at, Number(BigInt.asUintN(16, whole)), true);
  else view.setUint8(at, Number(BigInt.asUintN(8, whole)));
  return true;
}

const isExact = (number: number, integer: bigint): boolean => Number.isFinite(number) && BigInt(number) === integer;

function refuse(field: string, expected: string, actual: unknown): Result<never, CoilyardError> {
  return err(
    new CoilyardError('validation_failed', `${field}: expected ${expected}, got ${actual}`, {
      details: { field, expected, actual },
    }),
  );
}

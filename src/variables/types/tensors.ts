/** `embedding` and `tensor`. Both take lists of numbers, typed arrays, and `{ dtype, shape, data }`. */

import { CoilyardError, describeValue } from '../../kernel/errors.js';
import { err, ok, type Result } from '../../kernel/result.js';
import { isPlainObject } from '../plain-data.js';
import { bytesOf, countOf, type Dtype, dtypes, isDtype, MAX_DIMENSIONS, Tensor, tensorOver } from '../tensor.js';
import type { ValueKind } from '../value.js';
import { elementsOf, isFiniteTensor, type Numbers, numbersOf, tensorOfBytes } from './elements.js';
import { type ConstraintRule, flag, type VariableType, wrongKind } from './variable-type.js';

/** How far the length of a vector may be from 1 to count as 1: what float32 can tell apart. */
const UNIT_TOLERANCE = 1e-6;

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const dimensions: ConstraintRule = {
  expected: 'a whole number above 0',
  parse: (constraint) => (isCount(constraint) && constraint > 0 ? constraint : undefined),
  compile: (constraint) => (value) => {
    const size = value instanceof Tensor ? value.size : constraint;
    return size === constraint ? undefined : `${size} dimensions where ${constraint} are expected`;
  },
};

/** -1 and null stand for any size. */
const shape: ConstraintRule = {
  expected: `a list of at most ${MAX_DIMENSIONS} sizes, -1 for any`,
  parse: (constraint) => {
    if (!Array.isArray(constraint) || constraint.length > MAX_DIMENSIONS) return undefined;
    const sizes = constraint.map((size: unknown) => (size === null ? -1 : size));
    return sizes.every((size) => isCount(size) || size === -1) ? Object.freeze(sizes) : undefined;
  },
  compile: (constraint) => {
    const wanted: readonly unknown[] = Array.isArray(constraint) ? constraint : [];
    return (value) => {
      if (!(value instanceof Tensor)) return undefined;
      const fits =
        value.shape.length === wanted.length &&
        value.shape.every((size, index) => wanted[index] === -1 || wanted[index] === size);
      return fits ? undefined : `shape [${value.shape.join(', ')}] is not [${wanted.join(', ')}]`;
    };
  },
};

const dtypeRule: ConstraintRule = {
  expected: `one of ${dtypes.join(', ')}`,
  parse: (constraint) => (isDtype(constraint) ? constraint : undefined),
  // The cast brings lists of numbers to it; data of another dtype is refused here.
  compile: (constraint) => (value) =>
    value instanceof Tensor && value.dtype !== constraint ? `dtype ${value.dtype} is not ${constraint}` : undefined,
};

export const embedding: VariableType = {
  name: 'embedding',
  kind: 'embedding',
  rules: { dimensions, normalize: flag, allowNan: flag },
  cast: (constraints) => {
    const normalize = constraints.normalize === true;
    return (value, kind) => {
      const vector = readTensor(value, kind, 'float32', 'a list of numbers or a typed array');
      if (!vector.ok) return vector;
      const { value: tensor } = vector;
      if (tensor.shape.length !== 1) return wrongKind('a vector', value, kind);
      const numbers = numbersOf(tensor);
      if (numbers === undefined) return wrongKind('a vector of numbers', value, kind);
      return finish(
        normalize ? normalized(tensor, numbers) : asFloat32(tensor, numbers),
        constraints.allowNan === true,
      );
    };
  },
};

export const tensor: VariableType = {
  name: 'tensor',
  kind: 'tensor',
  rules: { shape, dtype: dtypeRule, allowNan: flag },
  cast: (constraints) => {
    const wanted = isDtype(constraints.dtype) ? constraints.dtype : undefined;
    return (value, kind) => {
      const read = readTensor(value, kind, wanted, 'nested lists of numbers, a typed array or { dtype, shape, data }');
      return read.ok ? finish(read.value, constraints.allowNan === true) : read;
    };
  },
};

function finish(value: Tensor, allowNan: boolean): Result<Tensor, CoilyardError> {
  return allowNan || isFiniteTensor(value)
    ? ok(value)
    : refuse('numbers that are finite and that the dtype can hold', 'one that is not');
}

/** @param preferred the dtype that lists of numbers become; without one it depends on the numbers. */
function readTensor(
  value: unknown,
  kind: ValueKind | undefined,
  preferred: Dtype | undefined,
  expected: string,
): Result<Tensor, CoilyardError> {
  if (kind !== undefined && kind !== 'embedding' && kind !== 'tensor' && kind !== 'json')
    return wrongKind(expected, value, kind);
  if (value instanceof Tensor) return ok(value);
  if (isPlainObject(value)) return readRecord(value);
  const elements = elementsOf(value, { preferred, knowsIntegers: kind === 'json' });
  return elements === undefined ? wrongKind(expected, value, kind) : elements;
}

/** `{ dtype, shape, data }`; the data are raw bytes, a typed array or a list, nested or flat. */
function readRecord(record: Record<string, unknown>): Result<Tensor, CoilyardError> {
  const { dtype, shape: given, data } = record;
  if (!isDtype(dtype)) return refuse(`a dtype of ${dtypes.join(', ')}`, describeValue(dtype));
  if (!Array.isArray(given) || given.length > MAX_DIMENSIONS || !given.every(isCount))
    return refuse(`a shape of at most ${MAX_DIMENSIONS} sizes`, describeValue(given));
  if (data instanceof Uint8Array) return tensorOfBytes(dtype, given, data);
  const elements = elementsOf(data, { preferred: dtype, knowsIntegers: false });
  if (elements === undefined) return refuse('data as bytes, a typed array or a list of numbers', describeValue(data));
  if (!elements.ok) return elements;
  const { value } = elements;
  if (value.dtype !== dtype) return refuse(`data of dtype ${dtype}`, value.dtype);
  if (value.size !== countOf(given)) return refuse(`${countOf(given)} elements, as the shape says`, String(value.size));
  return ok(tensorOver(dtype, given, bytesOf(value)));
}

function asFloat32(vector: Tensor, numbers: Numbers): Tensor {
  return vector.dtype === 'float32' ? vector : float32(Float32Array.from(numbers));
}

/** Length 1; the zero vector stays what it is, and so does a vector of length 1 already. */
function normalized(vector: Tensor, numbers: Numbers): Tensor {
  let largest = 0;
  for (const number of numbers) largest = Math.max(largest, Math.abs(number));
  if (largest === 0 || !Number.isFinite(largest)) return asFloat32(vector, numbers);
  // Scaled first, so that squares neither overflow nor vanish.
  let sum = 0;
  for (const number of numbers) sum += (number / largest) ** 2;
  const root = Math.sqrt(sum);
  if (vector.dtype === 'float32' && Math.abs(root * largest - 1) <= UNIT_TOLERANCE) return vector;
  return float32(Float32Array.from(numbers, (number) => number / largest / root));
}

const float32 = (elements: Float32Array): Tensor =>
  tensorOver('float32', [elements.length], new Uint8Array(elements.buffer));

function refuse(expected: string, actual: string): Result<never, CoilyardError> {
  return err(
    new CoilyardError('validation_failed', `value: expected ${expected}, got ${actual}`, {
      details: { field: 'value', expected, actual },
    }),
  );
}

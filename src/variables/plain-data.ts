/** Copies data that came from outside: JSON-like values only, bounded in depth and size, frozen, safe for any key. */

import { CoilyardError, describeThrown, describeValue } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import { Tensor } from './tensor.js';
import type { Metadata } from './value.js';
import { noMetadata } from './value.js';
import { isWholeFloat, rememberWholeFloats, wholeFloatsOf } from './whole-floats.js';

/** Lists and maps within each other. */
const MAX_DEPTH = 100;
/** Values in one value, lists and maps included. */
const MAX_NODES = 1_000_000;
/** How much is read again to find out where it throws. */
const MAX_FAULT_NODES = 10_000;
/** How much of the path to an offending place is told. */
const MAX_PATH_LENGTH = 200;

interface Budget {
  nodes: number;
}

/** A deep frozen copy, or `validation_failed` with the path of the offending place. */
export function copyPlain(value: unknown, path: string): Result<unknown, CoilyardError> {
  return reading(value, path, () => copy(value, path, 0, { nodes: MAX_NODES }));
}

/** Metadata is a map by name; absent means empty. */
export function copyMetadata(metadata: unknown, path: string): Result<Metadata, CoilyardError> {
  if (metadata === undefined) return ok(noMetadata);
  return reading(metadata, path, () =>
    isPlainObject(metadata)
      ? copyMap(metadata, path, 0, { nodes: MAX_NODES })
      : refuse(path, 'a map by name', metadata),
  );
}

/** Data of users may be getters and proxies, which can throw: that is a fault of the data, and no reason to crash. */
function reading<T>(data: unknown, path: string, read: () => Result<T, CoilyardError>): Result<T, CoilyardError> {
  try {
    return read();
  } catch (error) {
    return unreadable(data, path, error);
  }
}

/** The refusal of data that threw when it was read. It names the place, which is looked for only now. */
export const unreadable = (data: unknown, path: string, error: unknown): Result<never, CoilyardError> =>
  refuse(faultIn(data, path, 0, { nodes: MAX_FAULT_NODES }) ?? path, 'data that can be read', describeThrown(error));

/** Where it throws, `undefined` when it does not any more. */
function faultIn(data: unknown, path: string, depth: number, budget: Budget): string | undefined {
  if (typeof data !== 'object' || data === null || depth > MAX_DEPTH || budget.nodes <= 0) return undefined;
  let at = path;
  try {
    const isList = Array.isArray(data);
    for (const key of Object.keys(data)) {
      budget.nodes -= 1;
      at = isList ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
      const fault = faultIn(Reflect.get(data, key), at, depth + 1, budget);
      if (fault !== undefined) return fault;
      at = path;
    }
    return undefined;
  } catch {
    return at;
  }
}

/** What is added stands before what was there. */
export function mergeMetadata(present: Metadata, added: Metadata): Metadata {
  const merged = { ...present, ...added };
  const [earlier, later] = [wholeFloatsOf(present), wholeFloatsOf(added)];
  if (earlier !== undefined || later !== undefined) {
    const floats = new Map<string, number>();
    for (const [key, value] of Object.entries(merged))
      if (typeof value === 'number' && isWholeFloat(Object.hasOwn(added, key) ? later : earlier, key, value))
        floats.set(key, value);
    rememberWholeFloats(merged, floats);
  }
  return Object.freeze(merged);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null;
  } catch {
    return false; // A proxy that does not want to be looked at.
  }
}

/** Whether two stored values are the same: NaN is NaN, 0 is not -0, lists and maps by their contents. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one instanceof Tensor) return other instanceof Tensor && one.equals(other);
  if (Array.isArray(one))
    return (
      Array.isArray(other) && one.length === other.length && one.every((item, index) => isSame(item, other[index]))
    );
  if (!isPlainObject(one) || !isPlainObject(other)) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}

/** About how many bytes a value takes, counted no further than `limit`. Made for what {@link copyPlain} has bounded. */
export function sizeOf(value: unknown, limit: number): number {
  switch (typeof value) {
    case 'string':
      return sizeOfText(value, limit);
    case 'bigint':
      return value.toString(16).length / 2;
    case 'object':
      break;
    default:
      return 8;
  }
  if (value === null) return 8;
  if (value instanceof Tensor) return value.byteLength;
  let size = 8;
  for (const [key, item] of Object.entries(value)) {
    size += sizeOf(item, limit - size) + (Array.isArray(value) ? 0 : sizeOfText(key, limit));
    if (size > limit) break;
  }
  return size;
}

/** In UTF-8. Only a text that may be too long is looked at. */
function sizeOfText(text: string, limit: number): number {
  const { length } = text;
  if (length > limit || length * 3 <= limit) return length;
  let size = length;
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0x80) size += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return size;
}

function copy(value: unknown, path: string, depth: number, budget: Budget): Result<unknown, CoilyardError> {
  budget.nodes -= 1;
  if (budget.nodes < 0) return refuse(path, `at most ${MAX_NODES} values`, value);
  if (depth > MAX_DEPTH) return refuse(path, `nesting of at most ${MAX_DEPTH} levels`, value);
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? ok(value) : refuse(path, 'well-formed text', value);
    case 'boolean':
      return ok(value);
    case 'bigint': {
      const number = Number(value);
      return ok(Number.isSafeInteger(number) ? number : value);
    }
    case 'number':
      return Number.isFinite(value) ? ok(value) : refuse(path, 'a finite number', value);
    default:
  }
  if (value === null) return ok(null);
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    for (const [index, item] of value.entries()) {
      const copied = copy(item, `${path}[${index}]`, depth + 1, budget);
      if (!copied.ok) return copied;
      list.push(copied.value);
    }
    rememberWholeFloats(list, wholeFloatsOf(value));
    return ok(Object.freeze(list));
  }
  return isPlainObject(value) ? copyMap(value, path, depth, budget) : refuse(path, 'plain data', value);
}

function copyMap(
  map: Record<string, unknown>,
  path: string,
  depth: number,
  budget: Budget,
): Result<Metadata, CoilyardError> {
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(map)) {
    if (item === undefined) continue;
    if (!key.isWellFormed()) return refuse(path, 'well-formed keys', key);
    const copied = copy(item, `${path}.${key}`, depth + 1, budget);
    if (!copied.ok) return copied;
    entries.push([key, copied.value]);
  }
  // `fromEntries` defines own properties, so a key `__proto__` is only a key.
  const copied = Object.fromEntries(entries);
  rememberWholeFloats(copied, wholeFloatsOf(map));
  return ok(Object.freeze(copied));
}

function refuse(path: string, expected: string, actual: unknown): Result<never, CoilyardError> {
  const field = path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
  return err(
    new CoilyardError('validation_failed', `${field}: expected ${expected}, got ${describeValue(actual)}`, {
      details: { field, expected, actual: describeValue(actual) },
    }),
  );
}

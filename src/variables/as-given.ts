/**
 * Data of callers as it was at the moment of the call: a command is decided later, and its caller may have changed lists,
 * maps and typed arrays by then. Only copies, never judges: whatever is wrong with the data is still wrong with the copy.
 */

import { isPlainObject } from './plain-data.js';
import { rememberWholeFloats, wholeFloatsOf } from './whole-floats.js';

/** Deeper than anything that passes a cast. */
const MAX_DEPTH = 128;
/** Elements and entries: more than anything that passes a cast. */
const MAX_ITEMS = 20_000_000;
/** What a list or a map costs besides its items: a cycle is not followed for long. */
const CONTAINER_ITEMS = 50;

interface Budget {
  items: number;
}

/**
 * A deep copy of lists, plain objects, maps and typed arrays; everything else, also objects of classes and what is too
 * deep or too large to be accepted, as it is. Never throws: what cannot be read is refused where it is looked at.
 */
export function asGiven<Given>(given: Given): Given;
export function asGiven(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  try {
    return copyOf(given, MAX_DEPTH, { items: MAX_ITEMS });
  } catch {
    return given;
  }
}

/** The same for each item of a list by itself; what is no list is left as it is. */
export function eachAsGiven<Item>(list: readonly Item[]): readonly Item[] {
  try {
    return Array.isArray(list) ? Array.from(list, asGiven<Item>) : list;
  } catch {
    return list;
  }
}

function copyOf(given: unknown, depth: number, budget: Budget): unknown {
  if (typeof given !== 'object' || given === null || depth === 0) return given;
  if (Array.isArray(given)) return spend(budget, given.length) ? copyOfList(given, depth, budget) : given;
  if (ArrayBuffer.isView(given)) return copyOfView(given);
  if (given instanceof Map) return spend(budget, given.size) ? copyOfMap(given, depth, budget) : given;
  if (!isPlainObject(given)) return given;
  const keys = Object.keys(given);
  return spend(budget, keys.length) ? copyOfObject(given, keys, depth, budget) : given;
}

function spend(budget: Budget, items: number): boolean {
  budget.items -= items + CONTAINER_ITEMS;
  return budget.items >= 0;
}

/** By index: a hole becomes undefined, which is refused like it. */
function copyOfList(list: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const copy: unknown[] = [];
  const { length } = list;
  for (let index = 0; index < length; index += 1) copy.push(copyOf(list[index], depth - 1, budget));
  rememberWholeFloats(copy, wholeFloatsOf(list));
  return copy;
}

const copyOfMap = (map: ReadonlyMap<unknown, unknown>, depth: number, budget: Budget): Map<unknown, unknown> =>
  new Map(Array.from(map, ([key, item]) => [key, copyOf(item, depth - 1, budget)]));

function copyOfObject(
  object: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  depth: number,
  budget: Budget,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of keys) {
    const value = copyOf(object[key], depth - 1, budget);
    // Assigned, it would be the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { ...own, value });
    else copy[key] = value;
  }
  rememberWholeFloats(copy, wholeFloatsOf(object));
  return copy;
}

const own = Object.freeze({ configurable: true, enumerable: true, writable: true });

/** Its elements only, not the whole buffer behind them. */
function copyOfView(view: ArrayBufferView): unknown {
  const kind = kinds.find((candidate) => view instanceof candidate);
  if (kind === undefined) return view;
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return new kind(bytes.buffer);
}

const kinds = Object.freeze([
  Float32Array,
  Float64Array,
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  BigInt64Array,
  BigUint64Array,
]);

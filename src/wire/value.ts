/** Values of the house to the typed `Value` of the wire contract and back, exact in both directions. */

import type { Value } from '../gen/coilyard/v1/value.js';
import { reading } from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import { assertNever } from '../kernel/result.js';
import type { ValueKind } from '../variables/value.js';
import { hasTooManyDigits, MAX_INTEGER_DIGITS, parseExactJson, stringifyExactJson } from '../variables/exact-json.js';
import { isWholeFloat, rememberWholeFloats, type WholeFloats, wholeFloatsOf } from '../variables/whole-floats.js';
import { decodeTensor, encodeTensor, tensorRecordOf } from './tensor.js';

/** A value with the kind that its sender gave it. */
export interface DecodedValue {
  readonly kind: ValueKind;
  /** Integers are `number` while safe and `bigint` beyond; NaN and the infinities come through as floats. */
  readonly value: unknown;
}

type WireKind = NonNullable<Value['kind']>;

/**
 * Encodes as `kind`, or as what the value looks like: a safe whole number is an integer, any other number a float, a
 * string a text, a typed array a tensor, a list or a map JSON. Null is null whatever the kind.
 *
 * @param field what an error calls the value.
 * @throws CoilyardError `invalid_argument` when the value has no such form.
 */
export function encodeValue(value: unknown, kind?: ValueKind, field = 'value'): Value {
  if (value === null) return { kind: nothing };
  if (typeof value !== 'object') return { kind: encodeAs(kind ?? kindOf(value), value, field) };
  // Its getters and proxies may throw.
  return { kind: reading(field, () => encodeAs(kind ?? kindOf(value), value, field)) };
}

/** Throws `invalid_argument` naming `field` for a message without a kind and for content that is malformed. */
export function decodeValue(message: Value | undefined, field: string): DecodedValue {
  const kind = message?.kind;
  switch (kind?.$case) {
    case 'null':
      return { kind: 'null', value: null };
    case 'float':
    case 'text':
    case 'boolean':
    case 'module':
      return { kind: kind.$case, value: kind.value };
    case 'integer':
      return { kind: 'integer', value: narrow(kind.value) };
    case 'bigInteger':
      return { kind: 'integer', value: decodeBigInteger(kind.value, field) };
    case 'json':
      return { kind: 'json', value: parseExactJson(kind.value, field) };
    case 'embedding':
    case 'tensor':
      return { kind: kind.$case, value: decodeTensor(kind.value, field) };
    case undefined:
      throw invalidArgument(field, 'a value of some kind', undefined);
    default:
      return assertNever(kind);
  }
}

/** An entry whose value is `undefined` is left out, as JSON does. Whole floats that were decoded leave as floats. */
export function encodeValues(
  entries: Iterable<readonly [string, unknown]>,
  floats: WholeFloats | undefined = wholeFloatsOf(entries),
): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, value] of entries) {
    if (!name.isWellFormed()) throw invalidArgument('name', 'well-formed text', name);
    const kind = typeof value === 'number' && isWholeFloat(floats, name, value) ? 'float' : undefined;
    if (value !== undefined) values.set(name, encodeValue(value, kind, name));
  }
  return values;
}

export const encodeRecord = (record: Readonly<Record<string, unknown>>): Map<string, Value> =>
  encodeValues(Object.entries(record), wholeFloatsOf(record));

export function decodeValues(values: ReadonlyMap<string, Value>, field: string): Map<string, unknown> {
  const decoded = new Map<string, unknown>();
  const floats = new Map<string, number>();
  for (const [name, message] of values) {
    const { kind, value } = decodeValue(message, `${field}.${name}`);
    if (kind === 'float' && Number.isSafeInteger(value)) floats.set(name, Number(value));
    decoded.set(name, value);
  }
  if (floats.size > 0) rememberWholeFloats(decoded, floats);
  return decoded;
}

/** The same as a frozen object with an own property for each name, `__proto__` included. */
export function decodeRecord(values: ReadonlyMap<string, Value>, field: string): Readonly<Record<string, unknown>> {
  const decoded = decodeValues(values, field);
  const record = Object.fromEntries(decoded);
  rememberWholeFloats(record, wholeFloatsOf(decoded));
  return Object.freeze(record);
}

const nothing: WireKind = Object.freeze({ $case: 'null', value: Object.freeze({}) });

function kindOf(value: unknown): ValueKind {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'integer' : 'float';
    case 'bigint':
      return 'integer';
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
    default:
      return tensorRecordOf(value) === undefined ? 'json' : 'tensor';
  }
}

function encodeAs(kind: ValueKind, value: unknown, field: string): WireKind {
  switch (kind) {
    case 'float':
      if (typeof value === 'number') return { $case: 'float', value };
      break;
    case 'integer':
      if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value)))
        return encodeInteger(BigInt(value), field);
      break;
    case 'text':
    case 'module':
      if (typeof value === 'string' && value.isWellFormed()) return { $case: kind, value };
      break;
    case 'boolean':
      if (typeof value === 'boolean') return { $case: 'boolean', value };
      break;
    case 'json':
      return { $case: 'json', value: stringifyExactJson(value, field) };
    case 'embedding':
    case 'tensor': {
      const tensor = tensorRecordOf(value);
      if (tensor !== undefined) return { $case: kind, value: encodeTensor(tensor, field) };
      break;
    }
    case 'null':
      break;
    default:
      return assertNever(kind);
  }
  throw invalidArgument(field, `a value of kind ${kind}`, value);
}

function encodeInteger(value: bigint, field: string): WireKind {
  if (BigInt.asIntN(64, value) === value) return { $case: 'integer', value };
  if (hasTooManyDigits(value)) throw invalidArgument(field, `at most ${MAX_INTEGER_DIGITS} digits`, value);
  return { $case: 'bigInteger', value: String(value) };
}

function decodeBigInteger(text: string, field: string): number | bigint {
  const digits = text.startsWith('-') ? text.length - 1 : text.length;
  if (digits > MAX_INTEGER_DIGITS || !/^-?\d+$/.test(text))
    throw invalidArgument(field, `an integer in decimal, at most ${MAX_INTEGER_DIGITS} digits`, text);
  return narrow(BigInt(text));
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

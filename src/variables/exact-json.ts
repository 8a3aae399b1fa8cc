/**
 * JSON in which integers of any size are exact, whole floats in lists and maps stay floats, and every key is only a key,
 * `__proto__` included. Depth, number of values and length of numbers are bounded, so that no text can exhaust the stack
 * or the processor.
 */

import { parse } from 'lossless-json';
import { invalidArgument } from '../kernel/errors.js';
import { isPlainObject } from './plain-data.js';
import { isWholeFloat, rememberWholeFloats, WholeFloat, wholeFloatsOf, withWholeFloats } from './whole-floats.js';

/** Lists and maps within each other: a value may have 100, and stands in a document. */
export const MAX_JSON_DEPTH = 128;
/** Values in one text, lists and maps included. */
export const MAX_JSON_VALUES = 1_000_000;
/** Digits of one integer: what Python reads and writes by default (`sys.int_info.default_max_str_digits`). */
export const MAX_INTEGER_DIGITS = 4300;
/** Integers of so few digits are exact as numbers. */
const SAFE_DIGITS = 15;

const BEYOND_DIGITS = 10n ** BigInt(MAX_INTEGER_DIGITS);

export const hasTooManyDigits = (integer: bigint): boolean => integer >= BEYOND_DIGITS || integer <= -BEYOND_DIGITS;

/** Integers beyond 2^53 become `bigint`; of a key that comes twice the last value counts. Throws `invalid_argument`. */
export function parseExactJson(text: string, field: string): unknown {
  const { depth, values, digits, integerDigits, hasWholeFloats } = survey(text);
  if (depth > MAX_JSON_DEPTH) throw invalidArgument(field, `at most ${MAX_JSON_DEPTH} levels of nesting`, text);
  if (values > MAX_JSON_VALUES) throw invalidArgument(field, `at most ${MAX_JSON_VALUES} values`, text);
  if (digits > MAX_INTEGER_DIGITS) throw invalidArgument(field, `at most ${MAX_INTEGER_DIGITS} digits`, text);
  try {
    if (integerDigits > SAFE_DIGITS || (hasWholeFloats && integerDigits > 0))
      return hasWholeFloats ? withWholeFloats(parse(text, null, exactlyWithKinds)) : parse(text, null, exactly);
    const value: unknown = JSON.parse(text);
    if (hasWholeFloats) markAll(value);
    return value;
  } catch {
    throw invalidArgument(field, 'JSON text', text);
  }
}

/** Whole numbers that are safe, and bigints, become integers; every other number becomes one that is read as a float. */
export function stringifyExactJson(value: unknown, field: string): string {
  return isExactAsIs(value, field, 0) ? JSON.stringify(value) : write(value, field);
}

const onDuplicateKey = ({ newValue }: { newValue: unknown }): unknown => newValue;

function parseNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}

const exactly = { parseNumber, onDuplicateKey };

const exactlyWithKinds = {
  parseNumber: (text: string): number | bigint | WholeFloat => {
    const number = parseNumber(text);
    return typeof number === 'number' && Number.isSafeInteger(number) && /[.eE]/.test(text)
      ? new WholeFloat(number)
      : number;
  },
  onDuplicateKey,
};

/** In a text without any integer each number is a float. */
function markAll(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  let hasNumbers = false;
  for (const item of Object.values(value))
    if (typeof item === 'number') hasNumbers = true;
    else markAll(item);
  if (hasNumbers) rememberWholeFloats(value, 'all');
}

interface Survey {
  /** Of the deepest list or map; 0 for a scalar. */
  readonly depth: number;
  /** An upper bound. */
  readonly values: number;
  /** The longest run of digits outside of strings. */
  readonly digits: number;
  /** Of the longest integer, 0 when there is none. */
  readonly integerDigits: number;
  /** Whether a number with a fraction or an exponent may be whole. */
  readonly hasWholeFloats: boolean;
}

const DOT = 0x2e;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isExponent = (code: number): boolean => code === 0x65 || code === 0x45;

/** One pass over the text, which need not be JSON at all. */
function survey(text: string): Survey {
  let level = 0;
  let depth = 0;
  let values = 1;
  let digits = 0;
  let integerDigits = 0;
  let hasWholeFloats = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (isDigit(code)) {
      const end = endOfDigits(text, index);
      const run = end - index;
      if (run > digits) digits = run;
      const next = text.charCodeAt(end);
      if (next === DOT || isExponent(next)) {
        const float = surveyFloat(text, end);
        if (float.run > digits) digits = float.run;
        hasWholeFloats ||= float.mayBeWhole;
        index = float.end - 1;
      } else {
        if (run > integerDigits) integerDigits = run;
        index = end - 1;
      }
    } else if (code === 0x22) index = endOfString(text, index);
    else if (code === 0x5b || code === 0x7b) {
      level += 1;
      values += 1;
      if (level > depth) depth = level;
    } else if (code === 0x5d || code === 0x7d) level -= 1;
    else if (code === 0x2c) values += 1;
  }
  return { depth, values, digits, integerDigits, hasWholeFloats };
}

function endOfDigits(text: string, start: number): number {
  let end = start;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

/** @param start of the dot or the exponent. @returns the end of the number and the longest run of digits from there. */
function surveyFloat(text: string, start: number): { end: number; run: number; mayBeWhole: boolean } {
  let end = start;
  let run = 0;
  let mayBeWhole = true;
  if (text.charCodeAt(end) === DOT) {
    end = endOfDigits(text, start + 1);
    run = end - start - 1;
    for (let index = start + 1; index < end && mayBeWhole; index += 1) mayBeWhole = text.charCodeAt(index) === 0x30;
  }
  if (!isExponent(text.charCodeAt(end))) return { end, run, mayBeWhole };
  const sign = text.charCodeAt(end + 1);
  const from = end + (sign === 0x2b || sign === 0x2d ? 2 : 1);
  end = endOfDigits(text, from);
  return { end, run: Math.max(run, end - from), mayBeWhole: true };
}

/** The index of the quote that closes the string opened at `start`, or the end of a text that never closes it. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}

/** Whether `JSON.stringify` writes it exactly; throws `invalid_argument` for what has no form in JSON. */
function isExactAsIs(value: unknown, field: string, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw invalidArgument(field, 'well-formed text', value);
      return true;
    case 'boolean':
      return true;
    case 'bigint':
      if (hasTooManyDigits(value)) throw invalidArgument(field, `at most ${MAX_INTEGER_DIGITS} digits`, value);
      return false;
    case 'number':
      if (!Number.isFinite(value)) throw invalidArgument(field, 'finite numbers in lists and maps', value);
      return Number.isSafeInteger(value) ? !Object.is(value, -0) : !Number.isInteger(value);
    default:
  }
  if (value === null) return true;
  if (depth >= MAX_JSON_DEPTH) throw invalidArgument(field, `at most ${MAX_JSON_DEPTH} levels of nesting`, value);
  let asIs = true;
  if (Array.isArray(value)) {
    asIs = wholeFloatsOf(value) === undefined;
    // By index: a hole counts as undefined, and is refused like it.
    for (let index = 0; index < value.length; index += 1) asIs = isExactAsIs(value[index], field, depth + 1) && asIs;
    return asIs;
  }
  for (const [key, item] of entriesOf(value, field)) {
    if (!key.isWellFormed()) throw invalidArgument(field, 'well-formed keys', key);
    if (item !== undefined) asIs = isExactAsIs(item, field, depth + 1) && asIs;
  }
  return asIs && !(value instanceof Map) && wholeFloatsOf(Object(value)) === undefined;
}

/** Takes only what {@link isExactAsIs} has let through. */
function write(value: unknown, field: string): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const floats = wholeFloatsOf(value);
  const writeItem = (place: number | string, item: unknown): string =>
    typeof item === 'number' && Number.isSafeInteger(item) && isWholeFloat(floats, place, item)
      ? `${writeNumber(item)}${Object.is(item, -0) ? '' : '.0'}`
      : write(item, field);
  if (Array.isArray(value)) return `[${value.map((item, index) => writeItem(index, item)).join(',')}]`;
  const members: string[] = [];
  for (const [key, item] of entriesOf(value, field))
    if (item !== undefined) members.push(`${JSON.stringify(key)}:${writeItem(key, item)}`);
  return `{${members.join(',')}}`;
}

function writeNumber(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

function entriesOf(value: unknown, field: string): Iterable<[string, unknown]> {
  if (value instanceof Map) {
    const entries: [string, unknown][] = [];
    for (const [key, item] of value) {
      if (typeof key !== 'string') throw invalidArgument(field, 'texts as keys', key);
      entries.push([key, item]);
    }
    return entries;
  }
  if (!isPlainObject(value) || typeof value.toJSON === 'function') throw invalidArgument(field, 'plain data', value);
  return Object.entries(value);
}

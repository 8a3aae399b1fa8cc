/** YAML in which integers are exact, nothing is executed, nothing is expanded, and what is a text stays one. */

import { parseDocument, type ScalarTag, stringify } from 'yaml';
import { describeThrown, invalidArgument } from '../kernel/errors.js';
import { hasTooManyDigits, MAX_INTEGER_DIGITS } from './exact-json.js';
import { isPlainObject } from './plain-data.js';
import { isWholeFloat, WholeFloat, wholeFloatsOf, withWholeFloats } from './whole-floats.js';

const INT = 'tag:yaml.org,2002:int';
const FLOAT = 'tag:yaml.org,2002:float';

const exactInteger: ScalarTag = {
  default: true,
  tag: INT,
  test: /^[-+]?[0-9]+$/,
  identify: (value) =>
    typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)),
  resolve: (text) => {
    // Reading more digits than anybody writes takes a time that grows with their square.
    const integer = text.length > MAX_INTEGER_DIGITS + 1 ? undefined : BigInt(text.replace(/^\+/, ''));
    if (integer === undefined || hasTooManyDigits(integer))
      throw new RangeError(`more than ${MAX_INTEGER_DIGITS} digits`);
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
  },
  stringify: ({ value }) => String(value),
};

/** Whole floats are written so that they are read as floats again. */
const exactFloat: ScalarTag = {
  default: true,
  tag: FLOAT,
  test: /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/,
  identify: (value) => typeof value === 'number' || value instanceof WholeFloat,
  resolve: (text) => {
    const number = Number(text);
    return Number.isSafeInteger(number) ? new WholeFloat(number) : number;
  },
  stringify: ({ value }) => {
    if (value instanceof WholeFloat) return value.number.toFixed(1);
    if (Object.is(value, -0)) return '-0.0';
    return typeof value === 'number' && Number.isInteger(value) ? value.toExponential() : String(value);
  },
};

const options = {
  schema: 'core',
  // Scanning all keys of a map for each of them takes a time that grows with their square; the last one counts.
  uniqueKeys: false,
  merge: false,
  prettyErrors: false,
  logLevel: 'silent',
  customTags: (tags: readonly unknown[]) => [
    ...tags.filter((tag) => !isNumberTag(tag)).filter(isTag),
    exactInteger,
    exactFloat,
  ],
} as const;

const isTag = (tag: unknown): tag is ScalarTag => typeof tag === 'object' && tag !== null && 'tag' in tag;
const isNumberTag = (tag: unknown): boolean => isTag(tag) && (tag.tag === INT || tag.tag === FLOAT);

export const writeYaml = (data: unknown): string =>
  stringify(kindsOf(data), { ...options, lineWidth: 0, aliasDuplicateObjects: false });

/** The same data, in which each whole float that a list or map remembers is one that is written as such. */
function kindsOf(data: unknown): unknown {
  if (!Array.isArray(data) && !isPlainObject(data)) return data;
  const floats = wholeFloatsOf(data);
  const kindOf = (place: number | string, item: unknown): unknown =>
    typeof item === 'number' && Number.isSafeInteger(item) && !Object.is(item, -0) && isWholeFloat(floats, place, item)
      ? new WholeFloat(item)
      : kindsOf(item);
  return Array.isArray(data)
    ? data.map((item, index) => kindOf(index, item))
    : Object.fromEntries(Object.entries(data).map(([key, item]) => [key, kindOf(key, item)]));
}

/** @throws CoilyardError `invalid_argument` for anything but one document of plain data without aliases. */
export function readYaml(text: string, field: string): unknown {
  try {
    const document = parseDocument(text, options);
    const [error] = document.errors;
    if (error !== undefined) throw error;
    // An alias can stand for a billion values.
    return withWholeFloats(document.toJS({ maxAliasCount: 0 }));
  } catch (error) {
    throw invalidArgument(field, `YAML of plain data without aliases (${describeThrown(error).slice(0, 200)})`, text);
  }
}

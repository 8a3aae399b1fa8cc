/** Reads an optimizer's config: every refusal names the key, what was expected and what came. */

import { invalidArgument } from '../../kernel/errors.js';
import { isPlainObject } from '../../variables/plain-data.js';

export type Config = Readonly<Record<string, unknown>>;

/** A key that is absent, `null` (Python's `None`) or `undefined` takes its default. */
export const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** Refuses keys that nobody would read. `path` is put before them, such as `space.temperature.`. */
export function refuseUnknownKeys(config: Config, known: readonly string[], path = ''): void {
  for (const key of Object.keys(config))
    if (!known.includes(key)) throw invalidArgument(`${path}${brief(key)}`, `one of the keys ${known.join(', ')}`, key);
}

/** A key as a refusal names it: whoever made it up may have made it long. */
export const brief = (key: string): string => (key.length > 80 ? `${key.slice(0, 77)}...` : key);

export interface Range {
  readonly min?: number;
  readonly max?: number;
  /** The minimum itself is refused. */
  readonly above?: boolean;
}

/** A finite number within the range. */
export function readNumber(config: Config, key: string, range: Range): number | undefined {
  return readWithin(config, key, range, 'a finite number', Number.isFinite);
}

/** A whole number within the range, exact. */
export function readInteger(config: Config, key: string, range: Range): number | undefined {
  const exact = { max: Number.MAX_SAFE_INTEGER, ...range };
  return readWithin(config, key, exact, 'a whole number', Number.isSafeInteger);
}

export function readFlag(config: Config, key: string, path = ''): boolean | undefined {
  const value = config[key];
  if (!isGiven(value)) return undefined;
  if (typeof value !== 'boolean') throw invalidArgument(`${path}${key}`, 'true or false', value);
  return value;
}

/** One of a few words. */
export function readWord<Word extends string>(config: Config, key: string, words: readonly Word[]): Word | undefined {
  const value = config[key];
  if (!isGiven(value)) return undefined;
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw invalidArgument(key, `one of ${words.join(', ')}`, value);
  return word;
}

/** A record of settings by name; empty when it is not given. */
export function readRecord(config: Config, key: string, path = ''): Config {
  const value = config[key];
  if (!isGiven(value)) return {};
  if (!isPlainObject(value)) throw invalidArgument(`${path}${key}`, 'an object', value);
  return value;
}

function readWithin(
  config: Config,
  key: string,
  { min = -Infinity, max = Infinity, above = false }: Range,
  kind: string,
  isKind: (value: number) => boolean,
): number | undefined {
  const given = config[key];
  if (!isGiven(given)) return undefined;
  const value = typeof given === 'bigint' ? Number(given) : given;
  if (typeof value === 'number' && isKind(value) && value >= min && value <= max && !(above && value === min))
    return value;
  throw invalidArgument(key, [kind, ...boundsInWords(min, max, above)].join(' '), given);
}

function boundsInWords(min: number, max: number, above: boolean): string[] {
  if (min === -Infinity) return max === Infinity ? [] : [`of at most ${max}`];
  const low = above ? `above ${min}` : `of at least ${min}`;
  return [max === Infinity ? low : `${low} and at most ${max}`];
}

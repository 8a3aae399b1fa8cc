/** Single fields of requests: what is missing, too long or out of range is refused by name. */

import { invalidArgument } from '../kernel/errors.js';

/** Names of writers and ids of requests: they are kept with what they have written. */
const MAX_NAME_LENGTH = 128;

export function filledText(text: string, field: string): string {
  if (text === '') throw invalidArgument(field, 'a text that is not empty', text);
  return text;
}

/** Empty means absent. */
export function optionalText(text: string, field: string): string | undefined {
  if (text.length > MAX_NAME_LENGTH) throw invalidArgument(field, `at most ${MAX_NAME_LENGTH} characters`, text);
  return text === '' ? undefined : text;
}

/** A list that is no longer than `most`. */
export function boundedList<Item>(list: readonly Item[], field: string, most: number): readonly Item[] {
  if (list.length > most) throw invalidArgument(field, `at most ${most} entries`, list);
  return list;
}

/** Counts and durations beyond 2^53 are nobody's. */
export function safeCount(count: bigint, field: string): number {
  if (count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER))
    throw invalidArgument(field, `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, count);
  return Number(count);
}

/** Instants and durations travel as whole milliseconds. */
export const wholeMs = (ms: number): bigint => BigInt(Math.round(ms));

/** A span of time, rounded up: one that is nearly over is not over. Never below 0. */
export const spanMs = (ms: number): bigint => BigInt(Math.max(0, Math.ceil(ms)));

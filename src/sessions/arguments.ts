/** Refuses arguments that no typed caller could have made, before anything has happened: plain JavaScript calls too. */

import { types } from 'node:util';
import { reading, unreadableArgument } from '../kernel/arguments.js';
import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { ExecuteOptions, WatchOptions } from './handle.js';

/** Throws `invalid_argument` unless the options are an object that can be read. */
export function checkOptions(options: unknown): void {
  if (!isObject(options)) throw invalidArgument('options', 'an object', options);
  try {
    if (Array.isArray(options)) throw invalidArgument('options', 'an object', options);
    for (const name in options) Reflect.get(options, name);
    // It may throw for what it does not name.
    if (types.isProxy(options)) for (const name of someOptions) Reflect.get(options, name);
  } catch (error) {
    throw unreadableArgument('options', error);
  }
}

const someOptions = Object.freeze(['source', 'timeoutMs', 'signal']);

/** Why a command cannot even be put into the mailbox; `undefined` when it can. */
export function refusedRequest(command: unknown, options: ExecuteOptions | undefined): CoilyardError | undefined {
  if (!isObject(command)) return invalidArgument('command', 'a command of a session', command);
  if (options === undefined) return undefined;
  if (!isObject(options)) return invalidArgument('options', 'an object', options);
  try {
    return refusedOptions(options);
  } catch (error) {
    return unreadableArgument('options', error);
  }
}

function refusedOptions({ timeoutMs, signal }: ExecuteOptions): CoilyardError | undefined {
  if (timeoutMs !== undefined && (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs)))
    return invalidArgument('timeoutMs', 'a number of milliseconds', timeoutMs);
  return refusedSignal(signal);
}

export function refusedSignal(signal: unknown): CoilyardError | undefined {
  if (signal === undefined) return undefined;
  // Whatever behaves as one: there are several implementations.
  try {
    if (isObject(signal) && 'aborted' in signal && 'addEventListener' in signal) return undefined;
  } catch {
    // It cannot even be asked.
  }
  return invalidArgument('signal', 'an AbortSignal', signal);
}

/** Throws `invalid_argument`. */
export function checkWatch({ variables, pattern, after }: WatchOptions): void {
  if (variables !== undefined && !(Array.isArray(variables) && variables.every(isText)))
    throw invalidArgument('variables', 'a list of names or ids', variables);
  checkText('pattern', pattern);
  if (after === undefined) return;
  reading('after', () => {
    if (!isObject(after) || !isCount(after.revision))
      throw invalidArgument('after', 'a revision, 0 or more', isObject(after) ? after.revision : after);
    checkText('after.tag', after.tag);
  });
}

/** Throws `invalid_argument` unless the text is one, or absent. */
export function checkText(field: string, text: unknown): void {
  if (text !== undefined && !isText(text)) throw invalidArgument(field, 'a text', text);
}

/** Throws `invalid_argument` unless the value is a whole number, 0 or more. */
export function checkCount(field: string, count: unknown): void {
  if (!isCount(count)) throw invalidArgument(field, 'a whole number, 0 or more', count);
}

/** Throws `invalid_argument` unless the span is a finite number, 0 or more, or absent. */
export function checkSpan(field: string, spanMs: unknown): void {
  if (spanMs !== undefined && !(typeof spanMs === 'number' && spanMs >= 0 && spanMs < Number.POSITIVE_INFINITY))
    throw invalidArgument(field, 'a number of milliseconds, 0 or more', spanMs);
}

/** Throws `invalid_argument` unless the value can be called. */
export function checkFunction(field: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidArgument(field, 'a function', value);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

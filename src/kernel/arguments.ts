/** Refuses arguments that no typed caller could have made, by the name of the field and before anything has happened. */

import { CoilyardError, describeThrown, invalidArgument } from './errors.js';

/**
 * Reads what a caller gave. Its getters and proxies may throw: that is a fault of the argument, whatever was thrown. For
 * reading only: what the caller's own functions throw when they are called is another matter.
 */
export function reading<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadableArgument(field, error);
  }
}

/** The same as a rejection, for functions that answer with a promise. */
export function readingLater<T>(field: string, read: () => Promise<T>): Promise<T> {
  try {
    return read();
  } catch (error) {
    return Promise.reject(unreadableArgument(field, error));
  }
}

/** What was thrown while an argument was read; a refusal as it is. */
export function unreadableArgument(field: string, error: unknown): CoilyardError {
  if (error instanceof CoilyardError) return error;
  const expected = 'something that can be read';
  return new CoilyardError('invalid_argument', `${field}: expected ${expected}, got ${describeThrown(error)}`, {
    details: { field, expected, actual: describeThrown(error) },
    cause: error,
  });
}

export function checkObject(field: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument(field, 'an object', value);
}

export function checkFunction(field: string, value: unknown): void {
  if (typeof value !== 'function') throw invalidArgument(field, 'a function', value);
}

export function checkOptionalFunction(field: string, value: unknown): void {
  if (value !== undefined) checkFunction(field, value);
}

export function checkOptionalFlag(field: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalidArgument(field, 'true or false', value);
}

/** A span that may be `Infinity`. */
export function checkOptionalTimeout(field: string, timeoutMs: unknown): void {
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0))
    throw invalidArgument(field, 'a number of milliseconds, 0 or more', timeoutMs);
}

/** A port of the caller's own, when one is given, has every method that is going to be called. */
export function checkOptionalPort(field: string, port: unknown, methods: readonly string[]): void {
  if (port === undefined) return;
  const hasAll = reading(field, () =>
    methods.every(
      (method) => typeof port === 'object' && port !== null && typeof Reflect.get(port, method) === 'function',
    ),
  );
  if (!hasAll) throw invalidArgument(field, `an object with the methods ${methods.join(', ')}`, port);
}

export const clockMethods: readonly string[] = Object.freeze(['nowMs', 'monotonicMs', 'setTimer']);
export const randomMethods: readonly string[] = Object.freeze(['next', 'token', 'uuid']);
export const registryMethods: readonly string[] = Object.freeze(['register', 'unregister', 'whereis']);

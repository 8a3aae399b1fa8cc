/** Expected failures are values. `throw` is for bugs and for the public edge. */

export type Result<T, E> = Ok<T> | Err<E>;

export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

export interface Err<E> {
  readonly ok: false;
  readonly error: E;
}

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const err = <E>(error: E): Err<E> => ({ ok: false, error });

/** Ends an exhaustive `switch`: a new member of the union fails to compile here. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable: ${String(value)}`);
}

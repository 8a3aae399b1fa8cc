/**
 * Computing in pieces: a generator that yields after each of them, so that whoever goes through it decides what happens
 * between two. An algorithm still reads from top to bottom, knows of no clock, and comes to the same however it is
 * interrupted.
 */

/** Yields after each of its pieces, and returns what it comes to. */
export type Work<T> = Generator<undefined, T, unknown>;

/** Work of anybody, who may yield anything. */
export type AnyWork<T> = Generator<unknown, T, unknown>;

/** At once, later, or in pieces. */
export type Answer<T> = T | Promise<T> | AnyWork<T>;

/** Multiplications and the like in a piece: some 50 µs. */
const OPERATIONS = 50_000;

/** What is done with one variable of a candidate, in such operations, about. */
const OPERATIONS_PER_VALUE = 250;

/** How many items make a piece, at so many operations each. */
export const perPiece = (operations: number): number => Math.max(1, Math.floor(OPERATIONS / operations));

const VALUES = perPiece(OPERATIONS_PER_VALUE);

/** Counts operations where they differ from one step to the next. */
export class Piece {
  #operations = 0;

  /** @returns whether it is full with these: time to yield. */
  isFullWith(operations: number): boolean {
    this.#operations += operations;
    if (this.#operations < OPERATIONS) return false;
    this.#operations = 0;
    return true;
  }
}

/** `items.map(make)` over the variables of a run, of which there may be thousands. */
export function* mapped<T, R>(items: readonly T[], make: (item: T, index: number) => R): Work<R[]> {
  if (items.length <= VALUES) return items.map(make);
  const all: R[] = [];
  for (let from = 0; from < items.length; from += VALUES) {
    for (const made of items.slice(from, from + VALUES).map((item, index) => make(item, from + index))) all.push(made);
    yield;
  }
  return all;
}

/** Whether an answer comes in pieces. */
export const isWork = <T>(answer: Answer<T>): answer is AnyWork<T> =>
  typeof answer === 'object' &&
  answer !== null &&
  Symbol.iterator in answer &&
  'next' in answer &&
  typeof answer.next === 'function' &&
  'return' in answer &&
  typeof answer.return === 'function';

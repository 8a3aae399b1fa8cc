/**
 * JavaScript has one kind of number, so the float 2.0 of Python and the integer 2 are the same here. A list or map that
 * came with whole floats remembers, unseen, which of its items they are, so that they leave as they came. What TypeScript
 * makes by itself remembers nothing: its whole numbers are integers.
 */

const WHOLE_FLOATS = Symbol('whole floats');

/** By index or key the number that it is a float as; `all`: there are no integers in it. */
export type WholeFloats = 'all' | ReadonlyMap<number | string, number>;

const isWholeFloats = (mark: unknown): mark is WholeFloats => mark === 'all' || mark instanceof Map;

/** `undefined` for nearly everything. */
export function wholeFloatsOf(container: object): WholeFloats | undefined {
  const mark: unknown = Object(container)[WHOLE_FLOATS];
  return isWholeFloats(mark) ? mark : undefined;
}

export function rememberWholeFloats(container: object, floats: WholeFloats | undefined): void {
  if (floats !== undefined) Object.defineProperty(container, WHOLE_FLOATS, { value: floats });
}

/** Whether the number came as a float; one that was put in its place since did not. */
export const isWholeFloat = (floats: WholeFloats | undefined, place: number | string, number: number): boolean =>
  floats !== undefined && (floats === 'all' || floats.get(place) === number);

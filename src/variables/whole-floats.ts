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

/** A whole number that was written as a float, until its list or map remembers it. */
export class WholeFloat {
  constructor(readonly number: number) {}
}

/** The same data with numbers for whole floats; each list and map remembers its own. */
export function withWholeFloats(data: unknown): unknown {
  if (data instanceof WholeFloat) return data.number;
  if (typeof data !== 'object' || data === null) return data;
  const floats = new Map<number | string, number>();
  const settle = (place: number | string, item: unknown): unknown => {
    if (item instanceof WholeFloat) floats.set(place, item.number);
    return withWholeFloats(item);
  };
  const container = Array.isArray(data)
    ? data.map((item, index) => settle(index, item))
    : Object.fromEntries(Object.entries(data).map(([key, item]) => [key, settle(key, item)]));
  if (floats.size > 0) rememberWholeFloats(container, floats);
  return container;
}

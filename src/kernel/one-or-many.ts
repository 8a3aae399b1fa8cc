/**
 * A set of objects that costs nothing while it holds none or one, which is the usual case for the links and monitors of a
 * process. A value, not a class: whoever owns it keeps what {@link withItem} and {@link withoutItem} return.
 */

export type OneOrMany<T extends object> = T | Set<T> | undefined;

export function hasItem<T extends object>(items: OneOrMany<T>, item: T): boolean {
  return items instanceof Set ? items.has(item) : items === item;
}

export function withItem<T extends object>(items: OneOrMany<T>, item: T): OneOrMany<T> {
  if (items === undefined || items === item) return item;
  return items instanceof Set ? items.add(item) : new Set([items, item]);
}

export function withoutItem<T extends object>(items: OneOrMany<T>, item: T): OneOrMany<T> {
  if (items instanceof Set) {
    items.delete(item);
    return items;
  }
  return items === item ? undefined : items;
}

/** All of them at this moment, in order of insertion. */
export function listItems<T extends object>(items: OneOrMany<T>): readonly T[] {
  if (items === undefined) return [];
  return items instanceof Set ? [...items] : [items];
}

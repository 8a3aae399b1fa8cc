/** `list` and `map`: plain data, copied and frozen through and through. */

import { isPlainObject, copyPlain } from '../plain-data.js';
import { type ConstraintRule, type VariableType, wrongKind } from './variable-type.js';

const countOf = (value: unknown): number | undefined => {
  if (Array.isArray(value)) return value.length;
  return isPlainObject(value) ? Object.keys(value).length : undefined;
};

const items = (word: 'minimum' | 'maximum'): ConstraintRule => ({
  expected: 'a whole number of items, 0 or more',
  parse: (constraint) =>
    typeof constraint === 'number' && Number.isSafeInteger(constraint) && constraint >= 0 ? constraint : undefined,
  compile: (constraint) => (value) => {
    const count = countOf(value);
    if (count === undefined || typeof constraint !== 'number') return undefined;
    if (word === 'minimum') return count < constraint ? `${count} items are below minimum ${constraint}` : undefined;
    return count > constraint ? `${count} items are above maximum ${constraint}` : undefined;
  },
});

const shared: Pick<VariableType, 'rules' | 'contradiction'> = {
  rules: { minItems: items('minimum'), maxItems: items('maximum') },
  contradiction: ({ minItems, maxItems }) =>
    typeof minItems === 'number' && typeof maxItems === 'number' && minItems > maxItems
      ? `minItems ${minItems} is above maxItems ${maxItems}`
      : undefined,
};

export const list: VariableType = {
  ...shared,
  name: 'list',
  kind: 'json',
  cast: () => (value, kind) =>
    (kind === undefined || kind === 'json') && Array.isArray(value)
      ? copyPlain(value, 'value')
      : wrongKind('a list', value, kind),
};

export const map: VariableType = {
  ...shared,
  name: 'map',
  kind: 'json',
  aliases: ['dict'],
  cast: () => (value, kind) => {
    const entries = value instanceof Map ? plainOf(value) : value;
    return (kind === undefined || kind === 'json') && isPlainObject(entries)
      ? copyPlain(entries, 'value')
      : wrongKind('a map by name', value, kind);
  },
};

/** `undefined` when a key is not a text. */
function plainOf(entries: ReadonlyMap<unknown, unknown>): Record<string, unknown> | undefined {
  const named: [string, unknown][] = [];
  for (const [key, value] of entries) {
    if (typeof key !== 'string') return undefined;
    named.push([key, value]);
  }
  return Object.fromEntries(named);
}

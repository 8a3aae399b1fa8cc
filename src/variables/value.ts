/** What a variable can hold, and how a value says what it is when it comes from outside. */

import type { Tensor } from './tensor.js';

/** A value in the house. Integers are `number` while safe and `bigint` beyond. */
export type Value = number | bigint | string | boolean | null | readonly Value[] | ValueMap | Tensor;

/** A plain object without a prototype or a frozen literal; keys may be any text, `__proto__` included. */
export interface ValueMap {
  readonly [key: string]: Value;
}

/**
 * The kind that a sender gave to a value. It matters where JavaScript cannot tell: a float `2.0` from Python is the
 * same `number` as an integer `2`, but is refused for an integer variable. Absent means that TypeScript wrote it.
 */
export type ValueKind = 'null' | 'float' | 'integer' | 'text' | 'boolean' | 'module' | 'json' | 'embedding' | 'tensor';

/** Particulars of a write or of a variable: JSON scalars, lists and maps by name. */
export type Metadata = Readonly<Record<string, unknown>>;

export const noMetadata: Metadata = Object.freeze({});

/** The bounded queue in front of one reader. What a slow reader missed is folded, or the reader starts over. */

import { Ring } from '../kernel/ring.js';
import { weightOfValue } from '../variables/weight.js';
import type { VariableUpdate } from './update.js';

/** Updates that may wait before folding or a reset; more only when a session has more variables. */
export const OUTBOX_LIMIT = 1024;

/** About how many bytes of values may wait; more only when the present values of the session take more. */
export const OUTBOX_BYTES = 64 * 1024 * 1024;

/** A reader that keeps up has fewer waiting, and its updates are not weighed. */
const WEIGHED_FROM = 16;

export class Outbox {
  readonly #coalesce: boolean;
  #updates = new Ring<VariableUpdate>();
  #foldAt = OUTBOX_LIMIT;
  /** Of what waits; absent while it is not weighed. */
  #bytes: number | undefined;
  #foldAtBytes = OUTBOX_BYTES;

  constructor(coalesce: boolean) {
    this.#coalesce = coalesce;
  }

  get length(): number {
    return this.#updates.length;
  }

  /** @returns false when the reader fell too far behind and everything that waited was dropped. */
  offer(update: VariableUpdate): boolean {
    if (this.#updates.length >= this.#foldAt || (this.#bytes ?? 0) > this.#foldAtBytes) {
      if (!this.#coalesce) {
        this.clear();
        return false;
      }
      this.#fold();
    }
    this.#updates.push(update);
    if (this.#bytes !== undefined) this.#bytes += weightOfValue(update.value);
    else if (this.#updates.length >= WEIGHED_FROM) this.#bytes = weightOfAll(this.#updates);
    return true;
  }

  take(): VariableUpdate | undefined {
    const update = this.#updates.shift();
    if (this.#updates.length === 0) this.#bytes = undefined;
    else if (this.#bytes !== undefined) this.#bytes -= weightOfValue(update?.value ?? null);
    return update;
  }

  takeAll(): readonly VariableUpdate[] {
    const updates = [...this.#updates];
    this.clear();
    return updates;
  }

  clear(): void {
    if (this.#updates.length > 0) this.#updates = new Ring();
    this.#foldAt = OUTBOX_LIMIT;
    this.#bytes = undefined;
    this.#foldAtBytes = OUTBOX_BYTES;
  }

  #fold(): void {
    const folded = fold(this.#updates);
    this.#updates = new Ring();
    for (const update of folded) this.#updates.push(update);
    this.#foldAt = Math.max(OUTBOX_LIMIT, folded.length * 2);
    this.#bytes = weightOfAll(folded);
    this.#foldAtBytes = Math.max(OUTBOX_BYTES, this.#bytes * 2);
  }
}

function weightOfAll(updates: Iterable<VariableUpdate>): number {
  let bytes = 0;
  for (const { value } of updates) bytes += weightOfValue(value);
  return bytes;
}

/** The newest update of each variable, in order of revision, with the number of those that went into it. */
export function fold(updates: Iterable<VariableUpdate>): VariableUpdate[] {
  const newest = new Map<string, VariableUpdate>();
  for (const update of updates) {
    const merged = merge(newest.get(update.variableId), update);
    // Deleting first moves the variable to the end: order stays the order of the newest revisions.
    newest.delete(update.variableId);
    if (merged !== undefined) newest.set(update.variableId, merged);
  }
  return [...newest.values()];
}

function folded(earlier: VariableUpdate['type'], later: VariableUpdate['type']): VariableUpdate['type'] {
  if (later === 'configured') return earlier;
  return later === 'updated' && earlier !== 'configured' ? earlier : later;
}

/** One update that says what both say; `undefined` when the reader need not hear of the variable at all. */
export function merge(earlier: VariableUpdate | undefined, later: VariableUpdate): VariableUpdate | undefined {
  if (earlier === undefined) return later;
  if (earlier.type === 'registered' && later.type === 'deleted') return undefined;
  // A reader that has not heard of the variable yet hears of it as it would have, with the present value.
  const type = folded(earlier.type, later.type);
  return { ...later, type, oldValue: earlier.oldValue, skipped: later.skipped + earlier.skipped + 1 };
}

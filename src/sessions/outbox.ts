/** The bounded queue in front of one reader. What a slow reader missed is folded, or the reader starts over. */

import type { VariableUpdate } from './update.js';

/** Updates that may wait before folding or a reset; more only when a session has more variables. */
export const OUTBOX_LIMIT = 1024;

export class Outbox {
  readonly #coalesce: boolean;
  #updates: VariableUpdate[] = [];
  #foldAt = OUTBOX_LIMIT;

  constructor(coalesce: boolean) {
    this.#coalesce = coalesce;
  }

  get length(): number {
    return this.#updates.length;
  }

  /** @returns false when the reader fell too far behind and everything that waited was dropped. */
  offer(update: VariableUpdate): boolean {
    if (this.#updates.length >= this.#foldAt) {
      if (!this.#coalesce) {
        this.clear();
        return false;
      }
      this.#updates = fold(this.#updates);
      this.#foldAt = Math.max(OUTBOX_LIMIT, this.#updates.length * 2);
    }
    this.#updates.push(update);
    return true;
  }

  takeAll(): readonly VariableUpdate[] {
    const updates = this.#updates;
    this.clear();
    return updates;
  }

  clear(): void {
    this.#updates = [];
    this.#foldAt = OUTBOX_LIMIT;
  }
}

/** The newest update of each variable, in order of revision, with the number of those that went into it. */
export function fold(updates: readonly VariableUpdate[]): VariableUpdate[] {
  const newest = new Map<string, VariableUpdate>();
  for (const update of updates) {
    const earlier = newest.get(update.variableId);
    // Deleting first moves the variable to the end: order stays the order of the newest revisions.
    newest.delete(update.variableId);
    newest.set(update.variableId, earlier === undefined ? update : merge(earlier, update));
  }
  return [...newest.values()];
}

function folded(earlier: VariableUpdate['type'], later: VariableUpdate['type']): VariableUpdate['type'] {
  if (later === 'configured') return earlier;
  return later === 'updated' && earlier !== 'configured' ? earlier : later;
}

function merge(earlier: VariableUpdate, later: VariableUpdate): VariableUpdate {
  // A reader that has not heard of the variable yet hears of it as it would have, with the present value.
  const type = folded(earlier.type, later.type);
  return { ...later, type, oldValue: earlier.oldValue, skipped: later.skipped + earlier.skipped + 1 };
}

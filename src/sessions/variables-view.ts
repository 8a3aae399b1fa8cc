/** The committed variables of a session as a read-only map by name: a view, not a copy. */

import type { VariablesState } from '../variables/state.js';
import type { Variable } from '../variables/variable.js';

export class VariablesView implements ReadonlyMap<string, Variable> {
  readonly #state: VariablesState;

  constructor(state: VariablesState) {
    this.#state = state;
  }

  get size(): number {
    return this.#state.size;
  }

  get(name: string): Variable | undefined {
    const record = this.#state.resolve(name)?.record;
    return record?.name === name ? Object.freeze(record) : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  forEach(visit: (value: Variable, key: string, map: ReadonlyMap<string, Variable>) => void): void {
    for (const [name, record] of this.entries()) visit(record, name, this);
  }

  *entries(): MapIterator<[string, Variable]> {
    for (const record of this.#state.records()) yield [record.name, Object.freeze(record)];
  }

  *keys(): MapIterator<string> {
    for (const record of this.#state.records()) yield record.name;
  }

  *values(): MapIterator<Variable> {
    for (const record of this.#state.records()) yield Object.freeze(record);
  }

  [Symbol.iterator](): MapIterator<[string, Variable]> {
    return this.entries();
  }
}

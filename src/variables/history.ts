/** A variable where it is kept: the present record, and the versions before it. */

import { type Check, builtInTypes, type TypeRegistry } from './types/registry.js';
import { HISTORY_LIMIT, type Variable } from './variable.js';

export interface Cell {
  readonly record: Variable;
  /** The check of later writes, once one was made; use {@link checkOf}. */
  compiled: Check | undefined;
  /** An earlier or the present version, `undefined` when it is not kept. */
  versionOf(version: number): Variable | undefined;
}

/** The check of later writes: compiled once, when the first one comes. */
export function checkOf(cell: Cell, types: TypeRegistry = builtInTypes): Check {
  cell.compiled ??= types.compile(cell.record.type, cell.record.constraints);
  return cell.compiled;
}

export class StoredCell implements Cell {
  record: Variable;
  compiled: Check | undefined = undefined;
  /** How often it was read since it was loaded. */
  reads = 0;
  /** The last versions, the present one included, at the index `version % HISTORY_LIMIT`; none before an update. */
  #versions: Variable[] | undefined = undefined;

  constructor(record: Variable) {
    this.record = record;
  }

  replace(record: Variable): void {
    const before = this.record;
    if (record.constraints !== before.constraints) this.compiled = undefined;
    if (record.version !== before.version) {
      this.#versions ??= [];
      this.#versions[before.version % HISTORY_LIMIT] = before;
    }
    this.record = record;
  }

  versionOf(version: number): Variable | undefined {
    if (version === this.record.version) return this.record;
    if (version > this.record.version || version <= this.record.version - HISTORY_LIMIT) return undefined;
    const record = this.#versions?.[((version % HISTORY_LIMIT) + HISTORY_LIMIT) % HISTORY_LIMIT];
    return record?.version === version ? record : undefined;
  }

  /** Newest first. Imported versions may have gaps. */
  *history(): Generator<Variable> {
    const present = this.record;
    yield present;
    if (this.#versions === undefined) return;
    for (let version = present.version - 1; version > present.version - HISTORY_LIMIT; version -= 1) {
      const record = this.versionOf(version);
      if (record !== undefined) yield record;
    }
  }
}

/** A variable in a draft. It knows the versions before it by the cell that it stands for. */
export class DraftCell implements Cell {
  readonly record: Variable;
  compiled: Check | undefined;
  readonly #before: Cell | undefined;

  constructor(record: Variable, before?: Cell) {
    this.record = record;
    this.compiled = before?.record.constraints === record.constraints ? before.compiled : undefined;
    this.#before = before;
  }

  versionOf(version: number): Variable | undefined {
    if (version === this.record.version) return this.record;
    if (version > this.record.version || version <= this.record.version - HISTORY_LIMIT) return undefined;
    let cell: Cell | undefined = this;
    // A loop, because a batch may write one variable thousands of times.
    while (cell instanceof DraftCell) {
      if (cell.record.version === version) return cell.record;
      cell = cell.#before;
    }
    return cell?.versionOf(version);
  }
}

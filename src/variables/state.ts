/**
 * The committed variables of one session, indexed by name and by id, and the draft that lies over them while a commit
 * is under way. Both are changed by `evolve` only.
 */

import type { VariableId } from '../kernel/ids.js';
import type { CommandReply } from './commands.js';
import { type Check, compileCheck } from './types/registry.js';
import { HISTORY_LIMIT, type HistoryEntry, type Variable } from './variable.js';

/** How many answered requests a session remembers for retries. */
export const REMEMBERED_REQUESTS = 1000;

/** A variable where it is kept: the present record, the check of later writes, and the versions before it. */
export interface Cell {
  readonly record: Variable;
  readonly check: Check;
}

/** What `decide` may know. */
export interface StateView {
  /** By name or by id; the two can never be confused, because names of the form of an id are refused. */
  resolve(reference: string): Cell | undefined;
  /** How many variables there are. */
  readonly size: number;
  /** How many were ever registered: the next id is made of it. */
  readonly registrations: number;
  /** The reply to a request that was carried out before. */
  completed(requestId: string): CommandReply | undefined;
}

/** What `evolve` may do. */
export interface StateTarget {
  insert(record: Variable): void;
  replace(record: Variable): void;
  remove(id: VariableId): void;
  remember(requestId: string, reply: CommandReply): void;
}

class StoredCell implements Cell {
  record: Variable;
  readonly check: Check;
  /** The last versions, the present one included, at the index `version % HISTORY_LIMIT`; none before an update. */
  #versions: Variable[] | undefined;

  constructor(record: Variable, check: Check) {
    this.record = record;
    this.check = check;
  }

  replace(record: Variable): void {
    const versions = this.#versions;
    if (versions === undefined) {
      this.#versions = [];
      this.#versions[this.record.version % HISTORY_LIMIT] = this.record;
      this.#versions[record.version % HISTORY_LIMIT] = record;
    } else versions[record.version % HISTORY_LIMIT] = record;
    this.record = record;
  }

  /** Newest first. */
  *history(): Generator<Variable> {
    const present = this.record;
    yield present;
    if (this.#versions === undefined) return;
    for (let version = present.version - 1; version > present.version - HISTORY_LIMIT; version -= 1) {
      const record = this.#versions[((version % HISTORY_LIMIT) + HISTORY_LIMIT) % HISTORY_LIMIT];
      if (record === undefined || record.version !== version) return;
      yield record;
    }
  }
}

/** Everything of a state that a snapshot needs, oldest version of each variable first. */
export interface StateSnapshot {
  readonly registrations: number;
  readonly variables: readonly (readonly Variable[])[];
  readonly requests: readonly (readonly [string, CommandReply])[];
}

export class VariablesState implements StateView, StateTarget {
  readonly #byName = new Map<string, StoredCell>();
  readonly #byId = new Map<string, StoredCell>();
  readonly #requests = new Map<string, CommandReply>();
  #registrations = 0;

  static restore(snapshot: StateSnapshot): VariablesState {
    const state = new VariablesState();
    for (const versions of snapshot.variables) {
      const [first, ...later] = versions;
      if (first === undefined) continue;
      state.insert(first);
      for (const record of later) state.replace(record);
    }
    for (const [requestId, reply] of snapshot.requests) state.remember(requestId, reply);
    state.#registrations = snapshot.registrations;
    return state;
  }

  snapshot(): StateSnapshot {
    return {
      registrations: this.#registrations,
      variables: [...this.#byId.values()].map((cell) => [...cell.history()].reverse()),
      requests: [...this.#requests],
    };
  }

  get size(): number {
    return this.#byId.size;
  }

  get registrations(): number {
    return this.#registrations;
  }

  resolve(reference: string): StoredCell | undefined {
    return this.#byName.get(reference) ?? this.#byId.get(reference);
  }

  completed(requestId: string): CommandReply | undefined {
    return this.#requests.get(requestId);
  }

  /** In order of registration. */
  *records(): Generator<Variable> {
    for (const cell of this.#byId.values()) yield cell.record;
  }

  /** Newest first, at most the last {@link HISTORY_LIMIT} versions; empty when there is no such variable. */
  history(reference: string, limit: number, offset: number): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    let skip = offset;
    for (const record of this.resolve(reference)?.history() ?? []) {
      if (skip-- > 0) continue;
      if (entries.length >= limit) break;
      const { version, revision, value, updatedAtMs, source, updateMetadata } = record;
      entries.push({ version, revision, value, updatedAtMs, source, metadata: updateMetadata });
    }
    return entries;
  }

  insert(record: Variable): void {
    const cell = new StoredCell(record, compileCheck(record.type, record.constraints));
    this.#byName.set(record.name, cell);
    this.#byId.set(record.id, cell);
    this.#registrations += 1;
  }

  replace(record: Variable): void {
    const cell = this.#byId.get(record.id);
    if (cell === undefined) throw new TypeError(`an update of ${record.id}, which does not exist, was committed`);
    cell.replace(record);
  }

  remove(id: VariableId): void {
    const cell = this.#byId.get(id);
    if (cell === undefined) throw new TypeError(`a deletion of ${id}, which does not exist, was committed`);
    this.#byId.delete(id);
    this.#byName.delete(cell.record.name);
  }

  remember(requestId: string, reply: CommandReply): void {
    this.#requests.set(requestId, reply);
    if (this.#requests.size <= REMEMBERED_REQUESTS) return;
    for (const oldest of this.#requests.keys()) {
      this.#requests.delete(oldest);
      return;
    }
  }
}

/** What the state will be once the events decided so far are committed. Thrown away afterwards, either way. */
export class Draft implements StateView, StateTarget {
  readonly #base: StateView;
  /** By name and by id; `null` where the draft removed what the base has. */
  readonly #cells = new Map<string, Cell | null>();
  readonly #requests = new Map<string, CommandReply>();
  #added = 0;
  #removed = 0;

  constructor(base: StateView) {
    this.#base = base;
  }

  get size(): number {
    return this.#base.size + this.#added - this.#removed;
  }

  get registrations(): number {
    return this.#base.registrations + this.#added;
  }

  resolve(reference: string): Cell | undefined {
    const cell = this.#cells.get(reference);
    return cell === undefined ? this.#base.resolve(reference) : (cell ?? undefined);
  }

  completed(requestId: string): CommandReply | undefined {
    return this.#requests.get(requestId) ?? this.#base.completed(requestId);
  }

  insert(record: Variable): void {
    this.#put({ record, check: compileCheck(record.type, record.constraints) });
    this.#added += 1;
  }

  replace(record: Variable): void {
    const cell = this.resolve(record.id);
    if (cell === undefined) throw new TypeError(`an update of ${record.id}, which does not exist, was decided`);
    this.#put({ record, check: cell.check });
  }

  remove(id: VariableId): void {
    const cell = this.resolve(id);
    if (cell === undefined) throw new TypeError(`a deletion of ${id}, which does not exist, was decided`);
    this.#cells.set(id, null);
    this.#cells.set(cell.record.name, null);
    this.#removed += 1;
  }

  remember(requestId: string, reply: CommandReply): void {
    this.#requests.set(requestId, reply);
  }

  #put(cell: Cell): void {
    this.#cells.set(cell.record.name, cell);
    this.#cells.set(cell.record.id, cell);
  }
}

/** The committed variables of one session, indexed by name. Changed by `evolve` only. */

import type { VariableId } from '../kernel/ids.js';
import type { CommandReply } from './commands.js';
import { type Dependency, DependencyGraph, type GraphView, noDependencies } from './graph.js';
import { StoredCell } from './history.js';
import { type KeptRun, OptimizationBook } from './optimization-book.js';
import type { Optimization, OptimizationTrial } from './optimization.js';
import type { Pin } from './pin.js';
import { isPlainObject } from './plain-data.js';
import { RememberedRequests } from './remembered-requests.js';
import type { StateSnapshot, StateTarget, StateView } from './state-view.js';
import type { HistoryEntry, Variable } from './variable.js';

export { Draft } from './draft.js';
export { type Cell, checkOf } from './history.js';
export { REMEMBERED_BYTES, REMEMBERED_REQUESTS } from './remembered-requests.js';
export type { StateSnapshot, StateTarget, StateView } from './state-view.js';

/** How many deleted variables a session remembers: their history is looked up by id. */
export const REMEMBERED_DELETIONS = 100;

/** What history tells of a version. */
export function historyEntry(record: Variable): HistoryEntry {
  const { version, revision, value, updatedAtMs, source, updateMetadata: metadata } = record;
  const entry = { version, revision, value, updatedAtMs, source, metadata };
  const { optimizer_id: optimizerId, metrics } = metadata;
  if (typeof optimizerId !== 'string') return entry;
  return isPlainObject(metrics) ? { ...entry, optimizerId, metrics } : { ...entry, optimizerId };
}

/** An id is `var_<name>_<number>`: the name is in it, so one index serves both. */
export function nameInId(id: string): string | undefined {
  // Plain JavaScript may ask for anything.
  if (typeof id !== 'string' || !id.startsWith('var_')) return undefined;
  const end = id.lastIndexOf('_');
  return end > 4 ? id.slice(4, end) : undefined;
}

export class VariablesState implements StateView, StateTarget {
  readonly #byName = new Map<string, StoredCell>();
  #requests: RememberedRequests | undefined = undefined;
  #graph: DependencyGraph | undefined = undefined;
  /** By id. */
  #deleted: Map<string, StoredCell> | undefined = undefined;
  #optimizations: OptimizationBook | undefined = undefined;
  #registrations = 0;
  #computed = 0;
  /** Views of earlier revisions, which are told what is about to change; absent while there are none. */
  #pins: Set<Pin> | undefined = undefined;

  static restore(snapshot: StateSnapshot): VariablesState {
    const state = new VariablesState();
    for (const versions of snapshot.variables) {
      const present = versions.at(-1);
      if (present !== undefined) state.insert(present, versions.slice(0, -1));
    }
    for (const edge of snapshot.dependencies ?? []) state.connect(edge);
    for (const versions of snapshot.deleted ?? []) {
      const last = versions.at(-1);
      if (last !== undefined) state.#bury(cellOf(last, versions.slice(0, -1)));
    }
    for (const [requestId, reply] of snapshot.requests) state.remember(requestId, reply);
    for (const { optimization, trials } of snapshot.optimizations ?? []) state.keepOptimization(optimization, trials);
    state.#registrations = snapshot.registrations;
    return state;
  }

  snapshot(): StateSnapshot {
    return {
      registrations: this.#registrations,
      variables: [...this.#byName.values()].map(versionsOf),
      dependencies: this.#graph === undefined ? [] : [...this.#graph.edges()],
      ...(this.#deleted === undefined ? {} : { deleted: [...this.#deleted.values()].map(versionsOf) }),
      requests: this.#requests === undefined ? [] : [...this.#requests.entries()],
      ...(this.#optimizations === undefined
        ? {}
        : {
            optimizations: Array.from(this.#optimizations.runs(), ({ optimization, trials }) => ({
              optimization,
              trials: [...trials],
            })),
          }),
    };
  }

  get size(): number {
    return this.#byName.size;
  }

  get registrations(): number {
    return this.#registrations;
  }

  get computed(): number {
    return this.#computed;
  }

  get graph(): GraphView {
    return this.#graph ?? noDependencies;
  }

  resolve(reference: string): StoredCell | undefined {
    return this.#byName.get(reference) ?? this.#byId(reference);
  }

  completed(requestId: string): CommandReply | undefined {
    return this.#requests?.get(requestId);
  }

  optimization(id: string): Optimization | undefined {
    return this.#optimizations?.get(id);
  }

  optimizationOf(id: VariableId): Optimization | undefined {
    return this.#optimizations?.latestOf(id);
  }

  /** Trials of a run behind an iteration, oldest first. */
  trialsOf(id: string, afterIteration: number, limit: number): readonly OptimizationTrial[] {
    return this.#optimizations?.trialsOf(id, afterIteration, limit) ?? [];
  }

  /** Runs that are kept, in order of their beginning. */
  optimizations(): Iterable<KeptRun> {
    return this.#optimizations?.runs() ?? [];
  }

  /** In order of registration. */
  *records(): Generator<Variable> {
    for (const cell of this.#byName.values()) yield cell.record;
  }

  cells(): Iterable<StoredCell> {
    return this.#byName.values();
  }

  /** The last record of a deleted variable, by id. */
  deleted(id: string): Variable | undefined {
    return this.#deleted?.get(id)?.record;
  }

  /** Newest first, of a deleted variable by its id too; empty when there is no such variable. */
  history(reference: string, limit: number, offset: number): HistoryEntry[] {
    const entries: HistoryEntry[] = [];
    let skip = offset;
    const cell = this.resolve(reference) ?? this.#deleted?.get(reference);
    for (const record of cell?.history() ?? []) {
      if (skip-- > 0) continue;
      if (entries.length >= limit) break;
      entries.push(historyEntry(record));
    }
    return entries;
  }

  insert(record: Variable, earlier: readonly Variable[] = []): void {
    for (const pin of this.#pins ?? []) pin.keepAbsent(record);
    this.#byName.set(record.name, cellOf(record, earlier));
    this.#registrations += 1;
    if (record.computed) this.#computed += 1;
  }

  replace(record: Variable): void {
    const cell = this.#byName.get(record.name);
    if (cell?.record.id !== record.id)
      throw new TypeError(`an update of ${record.id}, which does not exist, was committed`);
    if (this.#pins !== undefined) for (const pin of this.#pins) pin.keep(cell.record);
    cell.replace(record);
  }

  remove(id: VariableId): void {
    const cell = this.#byId(id);
    if (cell === undefined) throw new TypeError(`a deletion of ${id}, which does not exist, was committed`);
    const { record } = cell;
    for (const pin of this.#pins ?? []) pin.keep(record);
    this.#byName.delete(record.name);
    this.#bury(cell);
    this.#graph?.removeVariable(id);
    if (record.computed) this.#computed -= 1;
  }

  connect(dependency: Dependency): void {
    this.#graph ??= new DependencyGraph();
    this.#graph.add(dependency);
  }

  disconnect({ from, to }: Dependency): void {
    this.#graph?.remove(from, to);
  }

  remember(requestId: string, reply: CommandReply): void {
    this.#requests ??= new RememberedRequests();
    this.#requests.add(requestId, reply);
  }

  keepOptimization(optimization: Optimization, trials?: readonly OptimizationTrial[]): void {
    this.#optimizations ??= new OptimizationBook();
    this.#optimizations.keep(optimization, trials);
  }

  /** From now on the pin is told of each record before it changes. */
  addPin(pin: Pin): void {
    this.#pins ??= new Set();
    this.#pins.add(pin);
  }

  removePin(pin: Pin): void {
    this.#pins?.delete(pin);
    if (this.#pins?.size === 0) this.#pins = undefined;
  }

  #bury(cell: StoredCell): void {
    this.#deleted ??= new Map();
    this.#deleted.set(cell.record.id, cell);
    if (this.#deleted.size <= REMEMBERED_DELETIONS) return;
    for (const oldest of this.#deleted.keys()) {
      this.#deleted.delete(oldest);
      return;
    }
  }

  #byId(id: string): StoredCell | undefined {
    const name = nameInId(id);
    const cell = name === undefined ? undefined : this.#byName.get(name);
    return cell?.record.id === id ? cell : undefined;
  }
}

const versionsOf = (cell: StoredCell): Variable[] => [...cell.history()].reverse();

function cellOf(record: Variable, earlier: readonly Variable[]): StoredCell {
  const cell = new StoredCell(earlier[0] ?? record);
  for (const version of earlier.slice(1)) cell.replace(version);
  if (earlier.length > 0) cell.replace(record);
  return cell;
}

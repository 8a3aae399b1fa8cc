/** The draft that lies over a state while a command is decided or a commit is under way. Changed by `evolve` only. */

import type { VariableId } from '../kernel/ids.js';
import type { CommandReply } from './commands.js';
import { type Dependency, DependencyGraph, type GraphView } from './graph.js';
import { type Cell, DraftCell } from './history.js';
import type { Optimization } from './optimization.js';
import type { StateTarget, StateView } from './state-view.js';
import type { Variable } from './variable.js';

/** What the state will be once the events decided so far are committed. Thrown away afterwards, either way. */
export class Draft implements StateView, StateTarget {
  readonly #base: StateView;
  /** By name and by id; `null` where the draft removed what the base has. */
  readonly #cells = new Map<string, Cell | null>();
  #requests: Map<string, CommandReply> | undefined;
  #graph: DependencyGraph | undefined;
  /** By its id, and by the id of each of its variables. */
  #optimizations: Map<string, Optimization> | undefined;
  #added = 0;
  #removed = 0;
  #computed = 0;

  constructor(base: StateView) {
    this.#base = base;
  }

  get size(): number {
    return this.#base.size + this.#added - this.#removed;
  }

  get registrations(): number {
    return this.#base.registrations + this.#added;
  }

  get computed(): number {
    return this.#base.computed + this.#computed;
  }

  get graph(): GraphView {
    return this.#graph ?? this.#base.graph;
  }

  resolve(reference: string): Cell | undefined {
    const cell = this.#cells.get(reference);
    return cell === undefined ? this.#base.resolve(reference) : (cell ?? undefined);
  }

  completed(requestId: string): CommandReply | undefined {
    return this.#requests?.get(requestId) ?? this.#base.completed(requestId);
  }

  insert(record: Variable, earlier: readonly Variable[] = []): void {
    let before: Cell | undefined;
    for (const version of earlier) before = new DraftCell(version, before);
    this.#put(new DraftCell(record, before));
    this.#added += 1;
    if (record.computed) this.#computed += 1;
  }

  replace(record: Variable): void {
    const cell = this.resolve(record.id);
    if (cell === undefined) throw new TypeError(`an update of ${record.id}, which does not exist, was decided`);
    this.#put(new DraftCell(record, cell));
  }

  remove(id: VariableId): void {
    const cell = this.resolve(id);
    if (cell === undefined) throw new TypeError(`a deletion of ${id}, which does not exist, was decided`);
    this.#cells.set(id, null);
    this.#cells.set(cell.record.name, null);
    this.#removed += 1;
    if (cell.record.computed) this.#computed -= 1;
    this.#overlay().removeVariable(id);
  }

  connect(dependency: Dependency): void {
    this.#overlay().add(dependency);
  }

  disconnect({ from, to }: Dependency): void {
    this.#overlay().remove(from, to);
  }

  remember(requestId: string, reply: CommandReply): void {
    this.#requests ??= new Map();
    this.#requests.set(requestId, reply);
  }

  optimization(id: string): Optimization | undefined {
    return this.#optimizations?.get(id) ?? this.#base.optimization(id);
  }

  optimizationOf(id: VariableId): Optimization | undefined {
    return this.#optimizations?.get(id) ?? this.#base.optimizationOf(id);
  }

  keepOptimization(optimization: Optimization): void {
    this.#optimizations ??= new Map();
    this.#optimizations.set(optimization.id, optimization);
    for (const { id } of optimization.variables) this.#optimizations.set(id, optimization);
  }

  #overlay(): DependencyGraph {
    this.#graph ??= new DependencyGraph(this.#base.graph);
    return this.#graph;
  }

  #put(cell: Cell): void {
    this.#cells.set(cell.record.name, cell);
    this.#cells.set(cell.record.id, cell);
  }
}

/** What a state lets one know and do: the committed one and a draft over it are used alike. */

import type { VariableId } from '../kernel/ids.js';
import type { CommandReply } from './commands.js';
import type { Dependency, GraphView } from './graph.js';
import type { Cell } from './history.js';
import type { KeptRun } from './optimization-book.js';
import type { Optimization, OptimizationTrial } from './optimization.js';
import type { Variable } from './variable.js';

/** What `decide` may know. */
export interface StateView {
  /** By name or by id; the two can never be confused, because names of the form of an id are refused. */
  resolve(reference: string): Cell | undefined;
  /** How many variables there are. */
  readonly size: number;
  /** How many were ever registered: the next id is made of it. */
  readonly registrations: number;
  /** How many are computed. */
  readonly computed: number;
  readonly graph: GraphView;
  /** The reply to a request that was carried out before. */
  completed(requestId: string): CommandReply | undefined;
  /** A run by its id, as long as it is kept. */
  optimization(id: string): Optimization | undefined;
  /** The run that holds a variable, or the last one that did. */
  optimizationOf(id: VariableId): Optimization | undefined;
}

/** What `evolve` may do. */
export interface StateTarget {
  /** @param earlier versions before the record's, oldest first. */
  insert(record: Variable, earlier?: readonly Variable[]): void;
  /** A later version, or other settings of the same one. */
  replace(record: Variable): void;
  /** With its dependencies. */
  remove(id: VariableId): void;
  connect(dependency: Dependency): void;
  disconnect(dependency: Dependency): void;
  remember(requestId: string, reply: CommandReply): void;
  /** What a run is from now on, and trials of it that have ended. */
  keepOptimization(optimization: Optimization, trials?: readonly OptimizationTrial[]): void;
}

/** Everything of a state that a snapshot needs, oldest version of each variable first. */
export interface StateSnapshot {
  readonly registrations: number;
  readonly variables: readonly (readonly Variable[])[];
  /** Absent: none. */
  readonly dependencies?: readonly Dependency[];
  /** Variables that were deleted, whose history can still be read; oldest first. Absent: none. */
  readonly deleted?: readonly (readonly Variable[])[];
  readonly requests: readonly (readonly [string, CommandReply])[];
  /** In order of their beginning. Absent: none. */
  readonly optimizations?: readonly KeptRun[];
}

/**
 * Which variable depends on which: a graph without cycles. It may lie over another one: then it holds only what differs,
 * so that a draft costs what it changes and not what is there.
 */

import type { VariableId } from '../kernel/ids.js';
import { type Metadata, noMetadata } from './value.js';

export type DependencyType = 'data' | 'constraint' | 'optimization';

export const dependencyTypes: readonly DependencyType[] = Object.freeze(['data', 'constraint', 'optimization']);

export const isDependencyType = (word: unknown): word is DependencyType =>
  word === 'data' || word === 'constraint' || word === 'optimization';

/** `from` depends on `to`. Between two variables there is at most one. */
export interface Dependency {
  readonly from: VariableId;
  readonly to: VariableId;
  readonly type: DependencyType;
  readonly metadata: Metadata;
}

export interface GraphView {
  /** What the variable depends on, directly. */
  dependencies(id: string): Iterable<Dependency>;
  /** What depends on the variable, directly. */
  dependents(id: string): Iterable<Dependency>;
  find(from: string, to: string): Dependency | undefined;
}

const none: readonly Dependency[] = Object.freeze([]);

/** The graph of a session that never had a dependency. */
export const noDependencies: GraphView = Object.freeze({
  dependencies: () => none,
  dependents: () => none,
  find: () => undefined,
});

export const dependency = (
  from: VariableId,
  to: VariableId,
  type: DependencyType = 'data',
  metadata: Metadata = noMetadata,
): Dependency => Object.freeze({ from, to, type, metadata });

/** Edges by the other end; `null` where this graph removed one of its base. */
type Edges = Map<string, Dependency | null>;

export class DependencyGraph implements GraphView {
  readonly #base: GraphView | undefined;
  readonly #out = new Map<string, Edges>();
  readonly #in = new Map<string, Edges>();

  constructor(base?: GraphView) {
    this.#base = base;
  }

  dependencies(id: string): Iterable<Dependency> {
    return merged(this.#base?.dependencies(id), this.#out.get(id), ({ to }) => to);
  }

  dependents(id: string): Iterable<Dependency> {
    return merged(this.#base?.dependents(id), this.#in.get(id), ({ from }) => from);
  }

  find(from: string, to: string): Dependency | undefined {
    const own = this.#out.get(from)?.get(to);
    return own === undefined ? this.#base?.find(from, to) : (own ?? undefined);
  }

  /** Takes the place of an edge between the same two. Whether it closes a cycle was decided before. */
  add(edge: Dependency): void {
    edgesOf(this.#out, edge.from).set(edge.to, edge);
    edgesOf(this.#in, edge.to).set(edge.from, edge);
  }

  remove(from: string, to: string): void {
    if (this.#base?.find(from, to) === undefined) {
      forget(this.#out, from, to);
      forget(this.#in, to, from);
    } else {
      edgesOf(this.#out, from).set(to, null);
      edgesOf(this.#in, to).set(from, null);
    }
  }

  /** Removes every edge of a variable that is no more. */
  removeVariable(id: string): void {
    for (const { to } of [...this.dependencies(id)]) this.remove(id, to);
    for (const { from } of [...this.dependents(id)]) this.remove(from, id);
  }

  /** All edges of a graph without a base, in order of the variables' first edges. */
  *edges(): Generator<Dependency> {
    for (const edges of this.#out.values()) for (const edge of edges.values()) if (edge !== null) yield edge;
  }
}

function* merged(
  base: Iterable<Dependency> | undefined,
  own: Edges | undefined,
  other: (edge: Dependency) => string,
): Generator<Dependency> {
  if (base !== undefined) for (const edge of base) if (own?.has(other(edge)) !== true) yield edge;
  if (own !== undefined) for (const edge of own.values()) if (edge !== null) yield edge;
}

function edgesOf(index: Map<string, Edges>, id: string): Edges {
  const present = index.get(id);
  if (present !== undefined) return present;
  const edges: Edges = new Map();
  index.set(id, edges);
  return edges;
}

function forget(index: Map<string, Edges>, id: string, other: string): void {
  const edges = index.get(id);
  edges?.delete(other);
  if (edges?.size === 0) index.delete(id);
}

/** The way from one variable to another along what they depend on, both ends included; `undefined` when there is none. */
export function pathBetween(graph: GraphView, start: string, goal: string): readonly string[] | undefined {
  if (start === goal) return [start];
  const cameFrom = new Map<string, string>([[start, start]]);
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const { to } of graph.dependencies(at)) {
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, at);
      if (to === goal) return wayBack(cameFrom, start, goal);
      open.push(to);
    }
  return undefined;
}

function wayBack(cameFrom: ReadonlyMap<string, string>, start: string, goal: string): string[] {
  const path = [goal];
  for (let at = cameFrom.get(goal); at !== undefined && at !== start; at = cameFrom.get(at)) path.push(at);
  path.push(start);
  return path.reverse();
}

/** Edges that lead away from a variable at any distance, nearest first, each once. */
export function transitive(graph: GraphView, start: string, direction: 'dependencies' | 'dependents'): Dependency[] {
  const seen = new Set([start]);
  const edges: Dependency[] = [];
  const open = [start];
  for (let next = 0; next < open.length; next += 1) {
    const at = open[next];
    if (at === undefined) break;
    for (const edge of graph[direction](at)) {
      edges.push(edge);
      const other = direction === 'dependencies' ? edge.to : edge.from;
      if (seen.has(other)) continue;
      seen.add(other);
      open.push(other);
    }
  }
  return edges;
}

/** Some variables so ordered that each comes after those of them that it depends on, directly or not through others. */
export function dependenciesFirst(graph: GraphView, ids: ReadonlySet<string>): string[] {
  const ordered: string[] = [];
  const state = new Set<string>();
  for (const root of ids) {
    if (state.has(root)) continue;
    state.add(root);
    const stack = [{ id: root, rest: graph.dependencies(root)[Symbol.iterator]() }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { done, value } = top.rest.next();
      if (done === true) {
        ordered.push(top.id);
        stack.pop();
      } else if (ids.has(value.to) && !state.has(value.to)) {
        state.add(value.to);
        stack.push({ id: value.to, rest: graph.dependencies(value.to)[Symbol.iterator]() });
      }
    }
  }
  return ordered;
}

/** Decides dependencies. Whichever way one is made, by command, registration or import, it passes here. */

import { CoilyardError, describeValue, invalidArgument } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { AddDependency, DependencySpec, RemoveDependency, ReplyTo } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import { type Dependency, dependency, dependencyTypes, isDependencyType, pathBetween } from './graph.js';
import { type Author, byPrincipal } from './next-version.js';
import { copyMetadata, isPlainObject } from './plain-data.js';
import { callerOf, checkAccess, notFound, type Refusal, refuse } from './refusals.js';
import type { StateView } from './state.js';
import type { Variable } from './variable.js';

export function decideAddDependency(
  state: StateView,
  command: AddDependency,
  context: DecideContext,
): Result<Decision<ReplyTo<AddDependency>>, Refusal> {
  const ends = endsOf(state, command, context);
  if (!ends.ok) return ends;
  const { from, to } = ends.value;
  const { dependencyType: type, metadata } = command;
  const edge = newDependency(state, from, to, { variable: command.to, type, metadata });
  if (!edge.ok) return edge;
  if (from.computed && (edge.value.type === 'data' || state.graph.find(from.id, to.id)?.type === 'data'))
    return fixed(from);
  return ok({
    events: [
      {
        type: 'dependency.added',
        dependency: edge.value,
        source: command.source,
        atMs: context.nowMs,
        ...byPrincipal(command),
      },
    ],
    reply: { revision: context.nextRevision },
  });
}

/** Removing what is not there changes nothing. */
export function decideRemoveDependency(
  state: StateView,
  command: RemoveDependency,
  context: DecideContext,
): Result<Decision<ReplyTo<RemoveDependency>>, Refusal> {
  const ends = endsOf(state, command, context);
  if (!ends.ok) return ends;
  const { from, to } = ends.value;
  const edge = state.graph.find(from.id, to.id);
  if (edge === undefined) return ok({ events: [], reply: { revision: context.revision } });
  if (from.computed && edge.type === 'data') return fixed(from);
  return ok({
    events: [
      {
        type: 'dependency.removed',
        dependency: edge,
        source: command.source,
        atMs: context.nowMs,
        ...byPrincipal(command),
      },
    ],
    reply: { revision: context.nextRevision },
  });
}

/** An edge that closes no cycle, or `circular_dependency` with the way around. */
export function newDependency(
  state: StateView,
  from: Variable,
  to: Variable,
  spec: DependencySpec,
): Result<Dependency, Refusal> {
  const { type = 'data' } = spec;
  if (!isDependencyType(type)) return err(invalidArgument('type', `one of ${dependencyTypes.join(', ')}`, type));
  const metadata = copyMetadata(spec.metadata, 'metadata');
  if (!metadata.ok) return metadata;
  const path = pathBetween(state.graph, to.id, from.id);
  if (path === undefined) return ok(dependency(from.id, to.id, type, metadata.value));
  const cycle = [from.name, ...path.map((id) => state.resolve(id)?.record.name ?? id)];
  return refuse('circular_dependency', `${from.name} would depend on itself: ${shortened(cycle).join(' -> ')}`, {
    from: from.name,
    to: to.name,
    cycle: shortened(cycle),
  });
}

/** The edges of a registration. What it depends on has to be there, and the caller has to be allowed to read it. */
export function newDependencies(
  state: StateView,
  from: Variable,
  specs: readonly (string | DependencySpec)[],
  author: Author,
  context: DecideContext,
): Result<readonly Dependency[], Refusal> {
  const edges = new Map<string, Dependency>();
  for (const [index, given] of specs.entries()) {
    const spec: unknown = typeof given === 'string' ? { variable: given } : given;
    if (!isDependencySpec(spec)) return err(invalidArgument(`dependencies[${index}]`, 'the name of a variable', given));
    const to = state.resolve(spec.variable)?.record;
    if (to === undefined) return notFound(spec.variable);
    const denied = checkAccess(to, 'read', callerOf(author, context));
    if (denied !== undefined) return err(denied);
    const edge = newDependency(state, from, to, spec);
    if (!edge.ok) return edge;
    edges.set(to.id, edge.value);
  }
  return ok([...edges.values()]);
}

const isDependencySpec = (spec: unknown): spec is DependencySpec =>
  isPlainObject(spec) && typeof spec.variable === 'string';

/** A dependency is written into its dependent, and tells of the other that it is there. */
function endsOf(
  state: StateView,
  command: AddDependency | RemoveDependency,
  context: DecideContext,
): Result<{ readonly from: Variable; readonly to: Variable }, Refusal> {
  const from = state.resolve(command.from)?.record;
  if (from === undefined) return notFound(command.from);
  const to = state.resolve(command.to)?.record;
  if (to === undefined) return notFound(command.to);
  const caller = callerOf(command, context);
  const denied = checkAccess(from, 'write', caller) ?? checkAccess(to, 'read', caller);
  return denied === undefined ? ok({ from, to }) : err(denied);
}

const fixed = (variable: Variable): Result<never, Refusal> =>
  err(
    new CoilyardError(
      'read_only',
      `the data dependencies of ${describeValue(variable.name)} are those that it was registered with: it is computed`,
      { details: { variable: variable.name, computed: true } },
    ),
  );

const SHOWN = 20;
const shortened = (names: readonly string[]): string[] =>
  names.length <= SHOWN ? [...names] : [...names.slice(0, SHOWN - 2), '…', ...names.slice(-1)];

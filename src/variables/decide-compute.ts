/**
 * Decides the values of computed variables: what has to be computed again after a command. It happens in the commit of
 * the command, in the order of the dependencies, so nobody ever sees half of it.
 */

import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { ComputeVariable, ReplyTo } from './commands.js';
import { COMPUTED_SOURCE, type Compute } from './compute.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { dependenciesFirst } from './graph.js';
import { byPrincipal } from './next-version.js';
import { isSame } from './plain-data.js';
import { isPromise } from './promises.js';
import { checkAccess, checkSize, inVariable, notFound, callerOf, type Refusal } from './refusals.js';
import { type Cell, checkOf, Draft, type StateView } from './state.js';
import { builtInTypes } from './types/registry.js';
import { noMetadata } from './value.js';
import type { Variable } from './variable.js';

/** Adds what has to be computed again to a decision; a session without computed variables pays nothing. */
export function withComputed(state: StateView, decision: Decision, context: DecideContext): Result<Decision, Refusal> {
  if (state.computed === 0 || !decision.events.some(isChange)) return ok(decision);
  const draft = new Draft(state);
  for (const event of decision.events) evolve(draft, event);
  const affected = affectedBy(draft, decision.events);
  if (affected.size === 0) return ok(decision);
  const events = [...decision.events];
  for (const id of dependenciesFirst(draft.graph, affected)) {
    const cell = draft.resolve(id);
    if (cell === undefined) continue;
    const computed = computeValue(
      draft,
      cell,
      decision.computations?.get(id) ?? context.computations?.get(id),
      context,
    );
    if (!computed.ok) return computed;
    if (isSame(computed.value, cell.record.value)) continue;
    const event: VariableEvent = {
      type: 'variable.updated',
      variable: nextComputed(cell.record, computed.value, context),
      oldValue: cell.record.value,
    };
    evolve(draft, event);
    events.push(event);
  }
  return ok({ ...decision, events });
}

/** The value that a computed variable has with the present values of its dependencies. */
export function computeValue(
  state: StateView,
  cell: Cell,
  compute: Compute | undefined,
  context: DecideContext,
): Result<unknown, Refusal> {
  const { name } = cell.record;
  if (compute === undefined)
    return refuseComputed(name, `the function of ${name} is not known in this process: give it with session.compute`);
  let value: unknown;
  try {
    value = compute(valuesFor(state, cell.record.id, context));
  } catch (error) {
    return refuseComputed(name, `${name}: its function failed: ${describeThrown(error)}`, error);
  }
  if (isPromise(value)) return refuseComputed(name, `${name}: its function answers with a promise`);
  const checked = checkOf(cell, context.types)(value, undefined);
  if (!checked.ok) return err(inVariable(name, checked.error, { computed: true }));
  const tooLarge = checkSize(checked.value, context.limits);
  return tooLarge === undefined ? checked : err(inVariable(name, tooLarge, { computed: true }));
}

const isChange = ({ type }: VariableEvent): boolean => type === 'variable.updated';

/** Computed variables that depend on what has changed, directly or through other computed ones. */
function affectedBy(state: StateView, events: readonly VariableEvent[]): Set<string> {
  const affected = new Set<string>();
  const open: string[] = [];
  for (const event of events) if (event.type === 'variable.updated') open.push(event.variable.id);
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const { from, type } of state.graph.dependents(at)) {
      if (type !== 'data' || affected.has(from) || state.resolve(from)?.record.computed !== true) continue;
      affected.add(from);
      open.push(from);
    }
  return affected;
}

function valuesFor(state: StateView, id: string, context: DecideContext): Readonly<Record<string, unknown>> {
  const types = context.types ?? builtInTypes;
  const values: [string, unknown][] = [];
  for (const { to, type } of state.graph.dependencies(id)) {
    const record = type === 'data' ? state.resolve(to)?.record : undefined;
    if (record === undefined) continue;
    const presented = types.present(record.type, record.value);
    if (!presented.ok) throw presented.error;
    values.push([record.name, presented.value]);
  }
  return Object.freeze(Object.fromEntries(values));
}

function nextComputed(record: Variable, value: unknown, context: DecideContext): Variable {
  return {
    ...record,
    value,
    version: record.version + 1,
    revision: context.nextRevision,
    source: COMPUTED_SOURCE,
    updatedAtMs: context.nowMs,
    updateMetadata: noMetadata,
  };
}

function refuseComputed(variable: string, message: string, cause?: unknown): Result<never, Refusal> {
  return err(new CoilyardError('validation_failed', message, { details: { variable, computed: true }, cause }));
}

/** Gives a computed variable its function, and makes its value agree with it at once. */
export function decideCompute(
  state: StateView,
  command: ComputeVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<ComputeVariable>>, Refusal> {
  const cell = state.resolve(command.variable);
  if (cell === undefined) return notFound(command.variable);
  const { record } = cell;
  const denied = checkAccess(record, 'write', callerOf(command, context));
  if (denied !== undefined) return err(denied);
  if (!record.computed)
    return err(invalidArgument('variable', 'a variable that was registered as computed', record.name));
  const computations = new Map([[String(record.id), command.compute]]);
  const computed = computeValue(state, cell, command.compute, context);
  if (!computed.ok) return computed;
  if (isSame(computed.value, record.value))
    return ok({ events: [], reply: { revision: context.revision }, computations });
  const variable = nextComputed(record, computed.value, context);
  return ok({
    events: [{ type: 'variable.updated', variable, oldValue: record.value, ...byPrincipal(command) }],
    reply: { revision: context.nextRevision },
    computations,
  });
}

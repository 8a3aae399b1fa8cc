/** Decides deletions: of one variable, or with `cascade` of all that depend on it as well. */

import { err, ok, type Result } from '../kernel/result.js';
import type { DeleteVariable, ReplyTo } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { dependenciesFirst, transitive } from './graph.js';
import { heldByAnother } from './decide-optimization.js';
import { byPrincipal } from './next-version.js';
import { checkAccess, notFound, callerOf, type Refusal, refuse } from './refusals.js';
import type { StateView } from './state.js';
import type { Variable } from './variable.js';

/** How many dependents a refusal names. */
const NAMED = 20;

export function decideDelete(
  state: StateView,
  command: DeleteVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<DeleteVariable>>, Refusal> {
  const cell = state.resolve(command.variable);
  if (cell === undefined) return notFound(command.variable);
  const { record } = cell;
  const direct = [...state.graph.dependents(record.id)];
  if (direct.length > 0 && command.cascade !== true) {
    const denied = checkAccess(record, 'write', callerOf(command, context));
    if (denied !== undefined) return err(denied);
    const names = direct.slice(0, NAMED).map(({ from }) => state.resolve(from)?.record.name ?? from);
    return refuse('has_dependents', `${record.name} is what ${names.join(', ')} depend on`, {
      variable: record.name,
      dependents: names,
      count: direct.length,
    });
  }
  const events: VariableEvent[] = [];
  for (const doomed of dependentsFirst(state, record)) {
    const denied = checkAccess(doomed, 'write', callerOf(command, context));
    if (denied !== undefined) return err(denied);
    const held = heldByAnother(state, doomed);
    if (held !== undefined) return err(held);
    events.push(deleted(doomed, command, context));
  }
  return ok({ events, reply: { revision: context.nextRevision } });
}

/** Nobody is ever left depending on a variable that is gone. */
function dependentsFirst(state: StateView, record: Variable): Variable[] {
  const ids = new Set<string>([record.id]);
  for (const { from } of transitive(state.graph, record.id, 'dependents')) ids.add(from);
  const records: Variable[] = [];
  for (const id of dependenciesFirst(state.graph, ids).reverse()) {
    const found = state.resolve(id)?.record;
    if (found !== undefined) records.push(found);
  }
  return records;
}

function deleted(record: Variable, command: DeleteVariable, context: DecideContext): VariableEvent {
  const { id, name, type, version, value, accessRules, metadata } = record;
  return {
    type: 'variable.deleted',
    variableId: id,
    name,
    variableType: type,
    version,
    oldValue: value,
    source: command.source,
    atMs: context.nowMs,
    accessRules,
    metadata,
    ...byPrincipal(command),
  };
}

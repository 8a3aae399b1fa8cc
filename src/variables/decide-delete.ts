/** Decides deletions. */

import { ok, type Result } from '../kernel/result.js';
import type { DeleteVariable, ReplyTo } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { notFound, type Refusal } from './refusals.js';
import type { StateView } from './state.js';

export function decideDelete(
  state: StateView,
  command: DeleteVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<DeleteVariable>>, Refusal> {
  const cell = state.resolve(command.variable);
  if (cell === undefined) return notFound(command.variable);
  const { id, name, type, version, value } = cell.record;
  const event: VariableEvent = {
    type: 'variable.deleted',
    variableId: id,
    name,
    variableType: type,
    version,
    oldValue: value,
    source: command.source,
    atMs: context.nowMs,
  };
  return ok({ events: [event], reply: { revision: context.nextRevision } });
}

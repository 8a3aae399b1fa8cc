/** Decides rollbacks: a new version with the value of an earlier one, which has to be allowed now. */

import { err, ok, type Result } from '../kernel/result.js';
import type { ReplyTo, RollbackVariable } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import { writableCell, writeValue } from './next-version.js';
import { callerOf, checkAccess, type Refusal, refuse } from './refusals.js';
import type { StateView } from './state.js';
import { builtInTypes } from './types/registry.js';
import { HISTORY_LIMIT } from './variable.js';

export function decideRollback(
  state: StateView,
  command: RollbackVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<RollbackVariable>>, Refusal> {
  const cell = writableCell(state, command, command, context);
  if (!cell.ok) return cell;
  const { version, reason } = command;
  const { name, type } = cell.value.record;
  // The answer shows what the value was: a guest needs that right as well, nothing of it is implied.
  const denied =
    command.byRuleOnly === true ? checkAccess(cell.value.record, 'read', callerOf(command, context)) : undefined;
  if (denied !== undefined) return err(denied);
  const earlier = cell.value.versionOf(version);
  if (earlier === undefined)
    return refuse('version_not_found', `${name} has no version ${version} (the last ${HISTORY_LIMIT} are kept)`, {
      variable: name,
      version,
      current: cell.value.record.version,
    });
  const metadata = Object.freeze({ rolled_back_to: version, ...(reason === undefined ? {} : { reason }) });
  // What is stored has the form in which it travels: a float is one, also when it is whole.
  const kind = (context.types ?? builtInTypes).kindOf(type);
  const written = writeValue(cell.value, earlier.value, kind, command, metadata, context);
  if (!written.ok) return err(written.error);
  return ok({
    events: [written.value],
    reply: { revision: context.nextRevision, variable: written.value.variable },
  });
}

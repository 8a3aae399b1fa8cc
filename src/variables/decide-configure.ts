/** Decides changes of settings. The value and its version stay; the revision tells caches that the record is another. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import { err, ok, type Result } from '../kernel/result.js';
import { parseRules } from './access.js';
import type { ConfigureVariable, ReplyTo } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { Setting } from './events.js';
import { byPrincipal } from './next-version.js';
import { isSame } from './plain-data.js';
import { callerOf, checkAccess, inVariable, notFound, type Refusal } from './refusals.js';
import type { StateView } from './state.js';
import { builtInTypes, type TypeRegistry } from './types/registry.js';
import type { Constraints, Variable } from './variable.js';

export function decideConfigure(
  state: StateView,
  command: ConfigureVariable,
  context: DecideContext,
): Result<Decision<ReplyTo<ConfigureVariable>>, Refusal> {
  const cell = state.resolve(command.variable);
  if (cell === undefined) return notFound(command.variable);
  const { record } = cell;
  const denied = mayConfigure(record, command, context);
  if (denied !== undefined) return err(denied);
  const settings: Setting[] = [];
  let next: Variable = { ...record, revision: context.nextRevision };
  if (command.constraints !== undefined) {
    const constraints = newConstraints(record, command.constraints, context.types ?? builtInTypes);
    if (!constraints.ok) return err(inVariable(record.name, constraints.error));
    next = { ...next, constraints: constraints.value };
    settings.push('constraints');
  }
  if (command.readOnly !== undefined) {
    next = { ...next, readOnly: command.readOnly };
    settings.push('readOnly');
  }
  if (command.accessRules !== undefined) {
    const rules = parseRules(command.accessRules);
    if (!rules.ok) return err(inVariable(record.name, rules.error));
    next = { ...next, accessRules: rules.value };
    settings.push('accessRules');
  }
  if (settings.length === 0) return err(invalidArgument('settings', 'constraints, readOnly or accessRules', undefined));
  return ok({
    events: [
      {
        type: 'variable.configured',
        variable: next,
        settings,
        source: command.source,
        atMs: context.nowMs,
        ...(settings.includes('accessRules') ? { previousRules: record.accessRules } : {}),
        ...byPrincipal(command),
      },
    ],
    reply: { revision: context.nextRevision, variable: next },
  });
}

/** Rules are the owner's alone, whatever they say; other settings need the right to write. */
function mayConfigure(record: Variable, command: ConfigureVariable, context: DecideContext): Refusal | undefined {
  const caller = callerOf(command, context);
  const isOwner = caller.id === (context.sessionId ?? '');
  if (command.accessRules !== undefined && !isOwner)
    return new CoilyardError('permission_denied', `only the owning session may change the rules of ${record.name}`, {
      details: { variable: record.name, permission: 'rules', principal: caller.id },
    });
  const others = command.constraints !== undefined || command.readOnly !== undefined;
  return others || !isOwner ? checkAccess(record, 'write', caller) : undefined;
}

/** The present value has to be one that the new constraints would take as it is. */
function newConstraints(
  record: Variable,
  given: Readonly<Record<string, unknown>>,
  types: TypeRegistry,
): Result<Constraints, Refusal> {
  const parsed = types.parse(record.type, given);
  if (!parsed.ok) return parsed;
  const { check, constraints } = parsed.value;
  const checked = check(record.value, types.kindOf(record.type));
  if (!checked.ok) return checked;
  if (isSame(checked.value, record.value)) return ok(constraints);
  return err(
    new CoilyardError('constraint_violation', 'the present value is not what the constraints would make of it', {
      details: { constraint: Object.keys(constraints).join(', '), expected: checked.value, actual: record.value },
    }),
  );
}

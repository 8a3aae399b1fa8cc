/** Decides registrations: all of a command or none. */

import { CoilyardError } from '../kernel/errors.js';
import { variableId } from '../kernel/ids.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { RegisterVariables, ReplyTo, VariableSpec } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { checkName } from './names.js';
import { copyMetadata } from './plain-data.js';
import { checkBatch, inVariable, type Refusal, refuse } from './refusals.js';
import { Draft, type StateView } from './state.js';
import { parseConstraints } from './types/registry.js';
import type { Variable } from './variable.js';

export function decideRegister(
  state: StateView,
  command: RegisterVariables,
  context: DecideContext,
): Result<Decision<ReplyTo<RegisterVariables>>, Refusal> {
  const { specs, source } = command;
  if (specs.length === 0) return refuse('invalid_argument', 'variables: expected at least one, got none', {});
  const tooMany = checkBatch('variables', specs.length, context.limits);
  if (tooMany !== undefined) return err(tooMany);
  const draft = new Draft(state);
  const events: VariableEvent[] = [];
  const variables: Variable[] = [];
  for (const spec of specs) {
    const registered = decideOneRegistration(draft, spec, source, context);
    if (!registered.ok) return registered;
    const event: VariableEvent = { type: 'variable.registered', variable: registered.value };
    evolve(draft, event);
    events.push(event);
    variables.push(registered.value);
  }
  return ok({ events, reply: { revision: context.nextRevision, variables } });
}

function decideOneRegistration(
  state: StateView,
  spec: VariableSpec,
  source: string,
  context: DecideContext,
): Result<Variable, Refusal> {
  const named = checkName(spec.name);
  if (!named.ok) return named;
  const name = named.value;
  const existing = state.resolve(name);
  if (existing !== undefined)
    return refuse('variable_exists', `${name} exists already as ${existing.record.id}`, {
      variable: name,
      variableId: existing.record.id,
    });
  if (state.size >= context.limits.maxVariables)
    return err(
      new CoilyardError('rate_limited', `a session holds at most ${context.limits.maxVariables} variables`, {
        // Waiting makes no room.
        retryable: false,
        details: { limit: context.limits.maxVariables },
      }),
    );
  const typed = parseConstraints(spec.type, spec.constraints);
  if (!typed.ok) return err(inVariable(name, typed.error));
  const metadata = copyMetadata(spec.metadata, 'metadata');
  if (!metadata.ok) return err(inVariable(name, metadata.error));
  const { constraints } = typed.value;
  const record: Variable = {
    id: variableId(`var_${name}_${state.registrations + 1}`),
    name,
    type: spec.type,
    value: undefined,
    version: 0,
    revision: context.nextRevision,
    constraints,
    metadata: metadata.value,
    description: spec.description ?? '',
    readOnly: spec.readOnly ?? false,
    source,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    updateMetadata: metadata.value,
  };
  const checked = typed.value.check(spec.initialValue, spec.kind);
  if (!checked.ok) return err(inVariable(name, checked.error));
  return ok({ ...record, value: checked.value });
}

/** Decides registrations: all of a command or none. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import { variableId } from '../kernel/ids.js';
import { err, ok, type Result } from '../kernel/result.js';
import { parseRules } from './access.js';
import type { RegisterVariables, ReplyTo, VariableSpec } from './commands.js';
import type { Compute } from './compute.js';
import { computeValue } from './decide-compute.js';
import { newDependencies } from './decide-dependencies.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { dependenciesFirst } from './graph.js';
import { checkName } from './names.js';
import { byPrincipal } from './next-version.js';
import { copyMetadata } from './plain-data.js';
import { checkBatch, checkMetadataKeys, checkSize, inVariable, type Refusal, refuse } from './refusals.js';
import { Draft, type StateView } from './state.js';
import { builtInTypes } from './types/registry.js';
import type { Variable } from './variable.js';

export function decideRegister(
  state: StateView,
  command: RegisterVariables,
  context: DecideContext,
): Result<Decision<ReplyTo<RegisterVariables>>, Refusal> {
  const { specs, source } = command;
  if (specs.length === 0)
    return refuse('invalid_argument', 'variables: expected at least one, got none', {
      field: 'variables',
      expected: 'at least one',
      actual: 'none',
    });
  const tooMany = checkBatch('variables', specs.length, context.limits);
  if (tooMany !== undefined) return err(tooMany);
  const draft = new Draft(state);
  const registered = new Map<string, Variable>();
  for (const spec of specs) {
    const record = decideOneRegistration(draft, spec, source, context);
    if (!record.ok) return record;
    draft.insert(record.value);
    registered.set(record.value.id, record.value);
  }
  const edges = connect(draft, command, [...registered.values()], context);
  if (!edges.ok) return edges;
  const computations = computationsOf(specs, [...registered.keys()]);
  const failed = computeAll(draft, registered, computations, context);
  if (failed !== undefined) return err(failed);
  const variables = [...registered.values()];
  const events: VariableEvent[] = variables.map((variable) => ({
    type: 'variable.registered',
    variable,
    ...byPrincipal(command),
  }));
  const decision = {
    events: [...events, ...edges.value],
    reply: { revision: context.nextRevision, variables },
  };
  return ok(computations.size === 0 ? decision : { ...decision, computations });
}

/** Everything but its dependencies. A computed variable has no value yet. */
function decideOneRegistration(
  state: StateView,
  spec: VariableSpec,
  source: string,
  context: DecideContext,
): Result<Variable, Refusal> {
  const named = checkName(spec.name, context.limits.maxNameLength);
  if (!named.ok) return named;
  const name = named.value;
  const existing = state.resolve(name);
  if (existing !== undefined)
    return refuse('variable_exists', `${name} exists already as ${existing.record.id}`, {
      variable: name,
      variableId: existing.record.id,
    });
  const full = roomFor(state, context);
  if (full !== undefined) return err(full);
  const typed = (context.types ?? builtInTypes).parse(spec.type, spec.constraints);
  if (!typed.ok) return err(inVariable(name, typed.error));
  const metadata = copyMetadata(spec.metadata, 'metadata');
  if (!metadata.ok) return err(inVariable(name, metadata.error));
  const rules = parseRules(spec.accessRules);
  if (!rules.ok) return err(inVariable(name, rules.error));
  const value = initialValue(spec, typed.value.check);
  if (!value.ok) return err(inVariable(name, value.error));
  const tooLarge =
    checkSize(value.value, context.limits) ??
    checkSize(metadata.value, context.limits, 'metadata') ??
    checkMetadataKeys(metadata.value, context.limits);
  if (tooLarge !== undefined) return err(inVariable(name, tooLarge));
  return ok({
    id: variableId(`var_${name}_${state.registrations + 1}`),
    name,
    type: typed.value.type,
    value: value.value,
    version: 0,
    revision: context.nextRevision,
    constraints: typed.value.constraints,
    metadata: metadata.value,
    description: spec.description ?? '',
    readOnly: spec.readOnly ?? false,
    computed: spec.compute !== undefined,
    accessRules: rules.value,
    source,
    createdAtMs: context.nowMs,
    updatedAtMs: context.nowMs,
    updateMetadata: metadata.value,
  });
}

export function roomFor(state: StateView, { limits: { maxVariables } }: DecideContext): Refusal | undefined {
  if (state.size < maxVariables) return undefined;
  return new CoilyardError('rate_limited', `a session holds at most ${maxVariables} variables`, {
    // Waiting makes no room.
    retryable: false,
    details: { limit: maxVariables },
  });
}

function initialValue(
  spec: VariableSpec,
  check: (value: unknown, kind: VariableSpec['kind']) => Result<unknown, Refusal>,
): Result<unknown, Refusal> {
  if (spec.compute === undefined) return check(spec.initialValue, spec.kind);
  return spec.initialValue === undefined
    ? ok(undefined)
    : err(invalidArgument('initialValue', 'none for a computed variable', spec.initialValue));
}

/** After all of the command are there: they may depend on one another. */
function connect(
  draft: Draft,
  { specs, source, principal }: RegisterVariables,
  records: readonly Variable[],
  context: DecideContext,
): Result<readonly VariableEvent[], Refusal> {
  const events: VariableEvent[] = [];
  for (const [index, { dependencies }] of specs.entries()) {
    const record = records[index];
    if (dependencies === undefined || record === undefined) continue;
    const edges = newDependencies(draft, record, dependencies, { source, principal }, context);
    if (!edges.ok) return err(inVariable(record.name, edges.error));
    for (const dependency of edges.value) {
      const event: VariableEvent = {
        type: 'dependency.added',
        dependency,
        source,
        atMs: context.nowMs,
        ...byPrincipal({ source, principal }),
      };
      evolve(draft, event);
      events.push(event);
    }
  }
  return ok(events);
}

function computationsOf(specs: readonly VariableSpec[], ids: readonly string[]): Map<string, Compute> {
  const computations = new Map<string, Compute>();
  for (const [index, { compute }] of specs.entries()) {
    const id = ids[index];
    if (compute !== undefined && id !== undefined) computations.set(id, compute);
  }
  return computations;
}

/** Their first values, in the order in which they depend on one another. */
function computeAll(
  draft: Draft,
  registered: Map<string, Variable>,
  computations: ReadonlyMap<string, Compute>,
  context: DecideContext,
): Refusal | undefined {
  if (computations.size === 0) return undefined;
  for (const id of dependenciesFirst(draft.graph, new Set(computations.keys()))) {
    const cell = draft.resolve(id);
    if (cell === undefined) continue;
    const value = computeValue(draft, cell, computations.get(id), context);
    if (!value.ok) return value.error;
    const record = { ...cell.record, value: value.value };
    draft.replace(record);
    registered.set(id, record);
  }
  return undefined;
}

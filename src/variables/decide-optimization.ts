/**
 * Decides optimizations. A run holds its variables from its start to its end, which no other run and no deletion gets
 * past. Everybody may write them meanwhile: the run finds out by their versions, and never overwrites what it has not seen.
 */

import { err, ok, type Result } from '../kernel/result.js';
import type { Command } from './command.js';
import type { ReplyTo } from './commands.js';
import type { DecideContext, Decision } from './decision.js';
import type { VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { byPrincipal, type Updated, writeValue } from './next-version.js';
import {
  isBetter,
  type Optimization,
  type OptimizationEnd,
  type OptimizationTrial,
  type OptimizedVariable,
} from './optimization.js';
import type {
  ApplyTrial,
  EndOptimization,
  OptimizationCommand,
  RecordTrial,
  StartOptimization,
} from './optimization-commands.js';
import { copyMetadata } from './plain-data.js';
import {
  callerOf,
  checkAccess,
  checkBatch,
  checkMetadataKeys,
  notFound,
  notGranted,
  type Refusal,
  refuse,
} from './refusals.js';
import { Draft, type StateView } from './state.js';
import { builtInTypes } from './types/registry.js';
import type { Metadata } from './value.js';
import type { Variable } from './variable.js';

/** Who has written what a run writes. */
const SOURCE = 'optimizer';

export function decideOptimization(
  state: StateView,
  command: OptimizationCommand,
  context: DecideContext,
): Result<Decision<ReplyTo<OptimizationCommand>>, Refusal> {
  switch (command.type) {
    case 'optimization.start':
      return decideStart(state, command, context);
    case 'optimization.apply':
      return decideApply(state, command, context);
    case 'optimization.record':
      return decideRecord(state, command, context);
    case 'optimization.end':
      return decideEnd(state, command, context);
  }
}

/** What refuses to do something to a variable that is held; `undefined` when nobody holds it. */
export function heldByAnother(state: StateView, { id, name }: Variable): Refusal | undefined {
  const holder = state.optimizationOf(id);
  if (holder === undefined || holder.end !== undefined) return undefined;
  const refusal = refuse('already_optimizing', `variable ${name} is already being optimized by ${holder.id}`, {
    variable: name,
    optimizationId: holder.id,
  });
  return refusal.ok ? undefined : refusal.error;
}

function decideStart(
  state: StateView,
  command: StartOptimization,
  context: DecideContext,
): Result<Decision<ReplyTo<StartOptimization>>, Refusal> {
  const { optimizationId, optimizer, direction, maxIterations, leaseMs, source } = command;
  const tooMany = checkBatch('variables', command.variables.length, context.limits);
  if (tooMany !== undefined) return err(tooMany);
  const config = copyMetadata(command.config, 'config');
  if (!config.ok) return config;
  if (state.optimization(optimizationId) !== undefined)
    return refuse(
      'invalid_argument',
      `optimizationId: expected an id of its own, got ${optimizationId}, which is used`,
      {
        field: 'optimizationId',
      },
    );
  const variables: OptimizedVariable[] = [];
  const taken = new Set<string>();
  for (const reference of command.variables) {
    const held = variableToHold(state, reference, command, context);
    if (!held.ok) return held;
    const { id, name, type, version, value } = held.value;
    if (taken.has(id))
      return refuse('invalid_argument', `variables: expected each once, got ${name} twice`, { field: 'variables' });
    taken.add(id);
    variables.push({ id, name, type, before: { version, value }, version });
  }
  const optimization: Optimization = {
    id: optimizationId,
    optimizer,
    config: config.value,
    direction,
    maxIterations,
    leaseMs,
    variables,
    source,
    ...byPrincipal(command),
    startedAtMs: context.nowMs,
    lastUpdateAtMs: context.nowMs,
    iteration: 0,
  };
  const started: VariableEvent = { type: 'optimization.started', optimization, ...byPrincipal(command) };
  return ok({ events: [started], reply: { revision: context.nextRevision, optimization } });
}

/** Access, existence, read-only, held by another run: in this order. */
function variableToHold(
  state: StateView,
  reference: string,
  command: Command<string>,
  context: DecideContext,
): Result<Variable, Refusal> {
  const cell = state.resolve(reference);
  const caller = callerOf(command, context);
  if (cell === undefined) return caller.byRuleOnly ? err(notGranted(caller.id)) : notFound(reference);
  const { record } = cell;
  const denied = checkAccess(record, 'optimize', caller);
  if (denied !== undefined) return err(denied);
  if (record.readOnly || record.computed) {
    const why = record.readOnly ? 'read-only' : 'computed';
    return refuse('read_only', `${record.name} is ${why}`, { variable: record.name, computed: record.computed });
  }
  const held = heldByAnother(state, record);
  return held === undefined ? ok(record) : err(held);
}

/** The owner and whoever has started a run may carry it on to its end, others need the right to optimize what it holds. */
function checkDriver(
  state: StateView,
  run: Optimization,
  command: Command<string>,
  context: DecideContext,
): Refusal | undefined {
  if (command.principal === undefined || command.principal === run.principal) return undefined;
  const caller = callerOf(command, context);
  for (const { id } of run.variables) {
    const record = state.resolve(id)?.record;
    const denied = record === undefined ? notGranted(caller.id) : checkAccess(record, 'optimize', caller);
    if (denied !== undefined) return denied;
  }
  return undefined;
}

/** Sets every variable, or none where others have written one of them meanwhile. */
function decideApply(
  state: StateView,
  command: ApplyTrial,
  context: DecideContext,
): Result<Decision<ReplyTo<ApplyTrial>>, Refusal> {
  const found = runningRun(state, command.optimizationId);
  if (!found.ok) return found;
  const run = found.value;
  const conflict = run.variables.find((variable) => versionOf(state, variable) !== variable.version);
  if (conflict !== undefined)
    return refuse('optimistic_lock_failure', `${conflict.name} has been written by others during ${run.id}`, {
      variable: conflict.name,
      expected: conflict.version,
      actual: versionOf(state, conflict),
    });
  const metadata = Object.freeze({ source: SOURCE, optimizer_id: run.id });
  const written = writeAll(state, run, command.values, metadata, context, command);
  if (!written.ok) return written;
  const optimization = { ...run, ...written.value.run, lastUpdateAtMs: context.nowMs };
  return ok({
    events: [...written.value.events, { type: 'optimization.applied', optimization }],
    reply: { revision: context.nextRevision, optimization },
  });
}

function decideRecord(
  state: StateView,
  command: RecordTrial,
  context: DecideContext,
): Result<Decision<ReplyTo<RecordTrial>>, Refusal> {
  const found = runningRun(state, command.optimizationId);
  if (!found.ok) return found;
  const run = found.value;
  const denied = checkDriver(state, run, command, context);
  if (denied !== undefined) return err(denied);
  const { values, metrics, score, error = '', startedAtMs } = command;
  if (values.length !== run.variables.length)
    return refuse('invalid_argument', `values: expected ${run.variables.length}, got ${values.length}`, {
      field: 'values',
    });
  const trial: OptimizationTrial = Object.freeze({
    optimizationId: run.id,
    iteration: run.iteration + 1,
    values: Object.freeze([...values]),
    metrics: Object.freeze({ ...metrics }),
    score,
    error,
    startedAtMs,
    endedAtMs: context.nowMs,
  });
  const isBest = score !== null && (run.best?.score == null || isBetter(score, run.best.score, run.direction));
  const optimization: Optimization = {
    ...run,
    iteration: trial.iteration,
    lastUpdateAtMs: context.nowMs,
    ...(isBest ? { best: trial } : {}),
  };
  return ok({
    events: [{ type: 'optimization.progressed', optimization, trial }],
    reply: { revision: context.nextRevision, optimization, trial },
  });
}

function decideEnd(
  state: StateView,
  command: EndOptimization,
  context: DecideContext,
): Result<Decision<ReplyTo<EndOptimization>>, Refusal> {
  const run = state.optimization(command.optimizationId);
  if (run === undefined) return noLongerRunning(state, command.optimizationId);
  const denied = checkDriver(state, run, command, context);
  if (denied !== undefined) return err(denied);
  if (run.end !== undefined) return ok({ events: [], reply: { revision: context.revision, optimization: run } });
  const { events, ...left } = leave(state, run, command, context);
  const end: OptimizationEnd = { reason: command.reason, atMs: context.nowMs, ...left };
  const optimization: Optimization = { ...run, lastUpdateAtMs: context.nowMs, end };
  return ok({
    events: [...events, { type: 'optimization.ended', optimization, ...byPrincipal(command) }],
    reply: { revision: context.nextRevision, optimization },
  });
}

interface Left extends Pick<OptimizationEnd, 'error' | 'committed' | 'conflicts'> {
  readonly events: readonly VariableEvent[];
}

/** A run always ends: what cannot be written is said, and refuses nothing. */
function leave(state: StateView, run: Optimization, command: EndOptimization, context: DecideContext): Left {
  const { reason, error = '', leaving } = command;
  const nothing = { events: [], error, committed: [], conflicts: [] };
  if (leaving === 'as_is') return nothing;
  const conflicts = run.variables
    .filter((variable) => versionOf(state, variable) !== variable.version)
    .map(({ name }) => name);
  const { best } = run;
  if (leaving === 'before' || best === undefined || conflicts.length > 0)
    return {
      ...writeBack(state, run, command, context, error),
      committed: [],
      conflicts: best === undefined && reason !== 'conflict' ? [] : conflicts,
    };
  const { iteration, metrics } = best;
  const metadata = Object.freeze({ source: SOURCE, optimizer_id: run.id, iteration, metrics, reason });
  const written = writeAll(state, run, best.values, metadata, context, command);
  if (written.ok) {
    const committed = written.value.run.variables.map(({ name, version }) => [name, version] as const);
    return { ...nothing, events: written.value.events, committed };
  }
  return { ...nothing, ...writeBack(state, run, command, context, written.error.message) };
}

/**
 * The values of before, where a trial has set others and nobody has written since: whatever became of the right to set them.
 *
 * @param error what went wrong before; else what cannot be set back is said.
 */
function writeBack(
  state: StateView,
  run: Optimization,
  author: Command<string>,
  context: DecideContext,
  error: string,
): Pick<Left, 'events' | 'error'> {
  const events: VariableEvent[] = [];
  let said = error;
  const metadata = Object.freeze({ source: SOURCE, optimizer_id: run.id, restored: true });
  for (const variable of run.variables) {
    if (variable.version === variable.before.version || versionOf(state, variable) !== variable.version) continue;
    const written = put(state, variable, variable.before.value, metadata, context, author);
    if (written.ok) events.push(written.value);
    else said ||= written.error.message;
  }
  return { events, error: said };
}

/** All of them or none; with the versions that the run has written then. */
function writeAll(
  state: StateView,
  run: Optimization,
  values: readonly unknown[],
  metadata: Metadata,
  context: DecideContext,
  author: Command<string>,
): Result<{ readonly events: readonly Updated[]; readonly run: Pick<Optimization, 'variables'> }, Refusal> {
  const draft = new Draft(state);
  const events: Updated[] = [];
  const variables: OptimizedVariable[] = [];
  for (const [index, variable] of run.variables.entries()) {
    const written = write(draft, variable, values[index], metadata, context, author);
    if (!written.ok) return written;
    evolve(draft, written.value);
    events.push(written.value);
    variables.push({ ...variable, version: written.value.variable.version });
  }
  return ok({ events, run: { variables } });
}

/** The right to optimize is the right to write what the run has found, as long as there is nothing against it. */
function write(
  state: StateView,
  variable: OptimizedVariable,
  value: unknown,
  metadata: Metadata,
  context: DecideContext,
  author: Command<string>,
): Result<Updated, Refusal> {
  const record = state.resolve(variable.id)?.record;
  const denied = record === undefined ? undefined : checkAccess(record, 'optimize', callerOf(author, context));
  return denied === undefined ? put(state, variable, value, metadata, context, author) : err(denied);
}

function put(
  state: StateView,
  { id, name }: OptimizedVariable,
  value: unknown,
  metadata: Metadata,
  context: DecideContext,
  { principal, byRuleOnly }: Command<string>,
): Result<Updated, Refusal> {
  const cell = state.resolve(id);
  if (cell === undefined) return notFound(name);
  const { record } = cell;
  if (record.readOnly || record.computed) return refuse('read_only', `${name} is read-only`, { variable: name });
  const tooMany = checkMetadataKeys(metadata, context.limits, record.metadata);
  if (tooMany !== undefined) return err(tooMany);
  // What is recorded has the form in which it travels: a float is one, also when it is whole.
  const kind = (context.types ?? builtInTypes).kindOf(record.type);
  return writeValue(cell, value, kind, { source: SOURCE, principal, byRuleOnly }, metadata, context);
}

const versionOf = (state: StateView, { id }: OptimizedVariable): number | undefined =>
  state.resolve(id)?.record.version;

function runningRun(state: StateView, id: string): Result<Optimization, Refusal> {
  const run = state.optimization(id);
  return run !== undefined && run.end === undefined ? ok(run) : noLongerRunning(state, id);
}

/** Says which run holds its variables now, if one does: whoever still believes to hold them has been overtaken. */
function noLongerRunning(state: StateView, id: string): Result<never, Refusal> {
  const run = state.optimization(id);
  for (const variable of run?.variables ?? []) {
    const holder = state.optimizationOf(variable.id);
    if (holder !== undefined && holder.end === undefined)
      return refuse(
        'optimistic_lock_failure',
        `${variable.name} is being optimized by ${holder.id}, no longer by ${id}`,
        {
          variable: variable.name,
          expected: id,
          actual: holder.id,
        },
      );
  }
  return refuse('not_optimizing', `the optimization ${id} is not running${run?.end ? `: ${run.end.reason}` : ''}`, {
    optimizationId: id,
    ...(run?.end === undefined ? {} : { reason: run.end.reason }),
  });
}

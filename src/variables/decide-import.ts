/** Decides imports: everything of a document or nothing, on a draft, so that a dry run and a real one say the same. */

import { CoilyardError, describeValue } from '../kernel/errors.js';
import { variableId } from '../kernel/ids.js';
import { err, ok, type Result } from '../kernel/result.js';
import type { ImportVariables, ReplyTo } from './commands.js';
import { newDependency } from './decide-dependencies.js';
import { roomFor } from './decide-register.js';
import type { DecideContext, Decision } from './decision.js';
import type { Setting, VariableEvent } from './events.js';
import { evolve } from './evolve.js';
import { checkName } from './names.js';
import { byPrincipal, writableCell, writeValue } from './next-version.js';
import { isPlainObject, isSame, mergeMetadata } from './plain-data.js';
import { callerOf, checkAccess, checkMetadataKeys, checkSize, notFound, type Refusal, refuse } from './refusals.js';
import { type Cell, Draft, type StateView } from './state.js';
import type { DependencyEntry, ImportDetail, MergeStrategy, VariableEntry } from './transfer-document.js';
import { builtInTypes } from './types/registry.js';
import { type Metadata, noMetadata } from './value.js';
import type { Variable } from './variable.js';

type Outcome = Result<{ readonly action: ImportDetail['action']; readonly events: readonly VariableEvent[] }, Refusal>;

export function decideImport(
  state: StateView,
  command: ImportVariables,
  context: DecideContext,
): Result<Decision<ReplyTo<ImportVariables>>, Refusal> {
  const { document, dryRun } = command;
  const draft = new Draft(state);
  const events: VariableEvent[] = [];
  const details: ImportDetail[] = [];
  let first: Refusal | undefined;
  const settle = (name: string, path: string, outcome: Outcome, isDetail: boolean): void => {
    if (outcome.ok) {
      for (const event of outcome.value.events) {
        evolve(draft, event);
        events.push(event);
      }
      if (isDetail) details.push({ name, action: outcome.value.action });
      return;
    }
    const { code, message } = outcome.error;
    first ??= at(path, outcome.error);
    details.push({ name, action: 'refused', error: { code, message, path } });
  };
  for (const [index, entry] of document.variables.entries())
    settle(entry.name, `variables[${index}]`, importOne(draft, entry, command, context), true);
  for (const [index, entry] of document.dependencies.entries())
    settle(entry.from, `dependencies[${index}]`, connect(draft, entry, command, context), false);
  if (first !== undefined && dryRun !== true) return err(first);
  const count = (...actions: readonly ImportDetail['action'][]): number =>
    details.filter(({ action }) => actions.includes(action)).length;
  const errors = count('refused');
  const summary = {
    imported: errors > 0 ? 0 : count('registered', 'replaced', 'merged'),
    skipped: count('kept'),
    errors,
    details,
  };
  if (dryRun === true || events.length === 0) return ok({ events: [], reply: { revision: context.revision, summary } });
  return ok({ events, reply: { revision: context.nextRevision, summary } });
}

function importOne(draft: Draft, entry: VariableEntry, command: ImportVariables, context: DecideContext): Outcome {
  const present = draft.resolve(entry.name);
  if (present === undefined) return registerEntry(draft, entry, command, context);
  if (command.mergeStrategy === 'keep') return ok({ action: 'kept', events: [] });
  return overwrite(draft, present, entry, command, context);
}

/** A new variable under a new id, with the version and the history that it had. */
function registerEntry(draft: Draft, entry: VariableEntry, command: ImportVariables, context: DecideContext): Outcome {
  const name = checkName(entry.name, context.limits.maxNameLength);
  if (!name.ok) return name;
  const full = roomFor(draft, context);
  if (full !== undefined) return err(full);
  const types = context.types ?? builtInTypes;
  const typed = types.parse(entry.type, entry.constraints);
  if (!typed.ok) return typed;
  const { type, constraints, check } = typed.value;
  const checked = check(entry.value, types.kindOf(type));
  if (!checked.ok) return checked;
  const tooLarge =
    checkSize(checked.value, context.limits) ??
    checkSize(entry.metadata, context.limits, 'metadata') ??
    checkMetadataKeys(entry.metadata, context.limits);
  if (tooLarge !== undefined) return err(tooLarge);
  const variable: Variable = {
    id: variableId(`var_${entry.name}_${draft.registrations + 1}`),
    name: entry.name,
    type,
    value: checked.value,
    version: entry.version,
    revision: context.nextRevision,
    constraints,
    metadata: entry.metadata,
    description: entry.description,
    readOnly: entry.readOnly,
    computed: false,
    accessRules: entry.accessRules,
    source: entry.source,
    createdAtMs: entry.createdAtMs,
    updatedAtMs: entry.updatedAtMs,
    updateMetadata: entry.updateMetadata,
  };
  const earlier = earlierVersions(variable, entry, context);
  if (!earlier.ok) return earlier;
  const event: VariableEvent = {
    type: 'variable.registered',
    variable,
    ...(earlier.value.length === 0 ? {} : { earlier: earlier.value }),
    ...byPrincipal(command),
  };
  return ok({ action: 'registered', events: [event] });
}

/** An earlier value has to be of the type; constraints may have been others then, and a rollback looks at them. */
function earlierVersions(
  variable: Variable,
  { history }: VariableEntry,
  context: DecideContext,
): Result<readonly Variable[], Refusal> {
  const types = context.types ?? builtInTypes;
  const check = types.castOf(variable.type);
  const versions: Variable[] = [];
  for (const [index, { version, value, updatedAtMs, source, metadata }] of history.entries()) {
    const checked = check(value, types.kindOf(variable.type));
    if (!checked.ok) return err(at(`history[${index}]`, checked.error));
    const tooLarge = checkSize(checked.value, context.limits);
    if (tooLarge !== undefined) return err(at(`history[${index}]`, tooLarge));
    versions.push({ ...variable, version, value: checked.value, updatedAtMs, source, updateMetadata: metadata });
  }
  return ok(versions);
}

/** The settings and the value of the document become those of the variable, as far as they differ. */
function overwrite(
  draft: Draft,
  cell: Cell,
  entry: VariableEntry,
  command: ImportVariables,
  context: DecideContext,
): Outcome {
  const { record } = cell;
  const action = command.mergeStrategy === 'merge' ? 'merged' : 'replaced';
  if (record.type !== entry.type)
    return refuse(
      'validation_failed',
      `${record.name} is of the type ${record.type}, not ${describeValue(entry.type)}`,
      {
        variable: record.name,
        expected: record.type,
        actual: entry.type,
      },
    );
  // A computed variable goes on computing; the document's value is what another session's function made.
  if (record.computed) return ok({ action: 'kept', events: [] });
  const writable = writableCell(draft, { variable: record.id }, command, context);
  if (!writable.ok) return writable;
  const configured = configuredBy(record, entry, command, context);
  if (!configured.ok) return configured;
  const events: VariableEvent[] = [];
  let target = cell;
  if (configured.value !== undefined) {
    const scratch = new Draft(draft);
    evolve(scratch, configured.value);
    events.push(configured.value);
    target = scratch.resolve(record.id) ?? cell;
  }
  const types = context.types ?? builtInTypes;
  const value = mergedValue(record.value, entry.value, command.mergeStrategy);
  const written = writeValue(target, value, types.kindOf(record.type), command, noMetadata, context);
  if (!written.ok) return written;
  if (!isSame(written.value.variable.value, record.value)) events.push(written.value);
  return ok({ action, events });
}

function configuredBy(
  record: Variable,
  entry: VariableEntry,
  command: ImportVariables,
  context: DecideContext,
): Result<VariableEvent | undefined, Refusal> {
  const isMerge = command.mergeStrategy === 'merge';
  const constraints = isMerge ? { ...record.constraints, ...entry.constraints } : entry.constraints;
  const typed = (context.types ?? builtInTypes).parse(record.type, constraints);
  if (!typed.ok) return typed;
  const metadata: Metadata = isMerge ? mergeMetadata(record.metadata, entry.metadata) : entry.metadata;
  const tooLarge =
    checkSize(metadata, context.limits, 'metadata') ??
    checkMetadataKeys(entry.metadata, context.limits, isMerge ? record.metadata : undefined);
  if (tooLarge !== undefined) return err(tooLarge);
  const { description, readOnly, accessRules } = entry;
  const wanted: Pick<Variable, Setting> = {
    constraints: typed.value.constraints,
    metadata,
    description,
    readOnly,
    accessRules: isMerge && accessRules.length === 0 ? record.accessRules : accessRules,
  };
  const settings = settingNames.filter((setting) => !isSame(record[setting], wanted[setting]));
  if (settings.length === 0) return ok(undefined);
  const isOwner = callerOf(command, context).id === (context.sessionId ?? '');
  if (settings.includes('accessRules') && !isOwner)
    return refuse('permission_denied', `only the owning session may change the rules of ${record.name}`, {
      variable: record.name,
      permission: 'rules',
    });
  return ok({
    type: 'variable.configured',
    variable: { ...record, ...wanted, revision: context.nextRevision },
    settings,
    source: command.source,
    atMs: context.nowMs,
    ...(settings.includes('accessRules') ? { previousRules: record.accessRules } : {}),
    ...byPrincipal(command),
  });
}

const settingNames: readonly Setting[] = ['constraints', 'readOnly', 'accessRules', 'description', 'metadata'];

/** Maps are joined, level by level, when that is wanted; of anything else the document's wins. */
function mergedValue(present: unknown, imported: unknown, strategy: MergeStrategy): unknown {
  if (strategy !== 'merge' || !isPlainObject(present) || !isPlainObject(imported)) return imported;
  const merged = new Map<string, unknown>(Object.entries(present));
  for (const [key, value] of Object.entries(imported))
    merged.set(key, merged.has(key) ? mergedValue(merged.get(key), value, strategy) : value);
  return Object.fromEntries(merged);
}

function connect(draft: Draft, entry: DependencyEntry, command: ImportVariables, context: DecideContext): Outcome {
  const from = draft.resolve(entry.from)?.record;
  if (from === undefined) return notFound(entry.from);
  const to = draft.resolve(entry.to)?.record;
  if (to === undefined) return notFound(entry.to);
  const nothing: Outcome = ok({ action: 'kept', events: [] });
  const present = draft.graph.find(from.id, to.id);
  if (from.computed || (present !== undefined && command.mergeStrategy === 'keep')) return nothing;
  if (present?.type === entry.type && isSame(present.metadata, entry.metadata)) return nothing;
  const caller = callerOf(command, context);
  const denied = checkAccess(from, 'write', caller) ?? checkAccess(to, 'read', caller);
  if (denied !== undefined) return err(denied);
  const { type, metadata } = entry;
  const edge = newDependency(draft, from, to, { variable: entry.to, type, metadata });
  if (!edge.ok) return edge;
  return ok({
    action: 'registered',
    events: [
      {
        type: 'dependency.added',
        dependency: edge.value,
        source: command.source,
        atMs: context.nowMs,
        ...byPrincipal(command),
      },
    ],
  });
}

/** The same refusal, saying which place of the document it is about. */
function at(path: string, error: CoilyardError): CoilyardError {
  const inner = typeof error.details.path === 'string' ? `${path}.${error.details.path}` : path;
  return new CoilyardError(error.code, `${path}: ${error.message}`, {
    details: { ...error.details, path: inner },
    retryable: error.retryable,
  });
}

/** What every write of a value has to pass, and the record that it makes. */

import { err, ok, type Result } from '../kernel/result.js';
import type { Write } from './commands.js';
import type { DecideContext } from './decision.js';
import type { VariableEvent } from './events.js';
import { mergeMetadata } from './plain-data.js';
import {
  callerOf,
  checkAccess,
  checkMetadataKeys,
  checkSize,
  inVariable,
  notFound,
  notGranted,
  type Refusal,
  refuse,
} from './refusals.js';
import { type Cell, checkOf, type StateView } from './state.js';
import { type Metadata, noMetadata, type ValueKind } from './value.js';
import type { Variable } from './variable.js';

export type Updated = Extract<VariableEvent, { type: 'variable.updated' }>;

/** Who writes, and what is said of it. */
export interface Author {
  readonly source: string;
  /** The calling session; absent: the owner. */
  readonly principal?: string | undefined;
  readonly byRuleOnly?: boolean | undefined;
}

/** Access, existence, read-only, expected version: in this order. */
export function writableCell(
  state: StateView,
  write: { readonly variable: string; readonly expectedVersion?: number | undefined },
  author: Author,
  context: DecideContext,
): Result<Cell, Refusal> {
  const cell = state.resolve(write.variable);
  const isGuest = author.byRuleOnly === true;
  if (cell === undefined) return isGuest ? err(notGranted(callerOf(author, context).id)) : notFound(write.variable);
  const { record } = cell;
  if (isGuest || record.accessRules.length > 0) {
    const denied = checkAccess(record, 'write', callerOf(author, context));
    if (denied !== undefined) return err(denied);
  }
  if (record.readOnly) return refuse('read_only', `${record.name} is read-only`, { variable: record.name });
  if (record.computed)
    return refuse('read_only', `${record.name} is computed`, { variable: record.name, computed: true });
  const { expectedVersion } = write;
  if (expectedVersion !== undefined && expectedVersion !== record.version)
    return refuse(
      'optimistic_lock_failure',
      `${record.name}: expected version ${expectedVersion}, it is at version ${record.version}`,
      { variable: record.name, expected: expectedVersion, actual: record.version },
    );
  return ok(cell);
}

/** Existence, access, read-only, expected version, cast, constraints, size: in this order. */
export function decideWrite(
  state: StateView,
  write: Write,
  author: Author,
  metadata: Metadata,
  context: DecideContext,
): Result<Updated, Refusal> {
  const cell = writableCell(state, write, author, context);
  if (!cell.ok) return cell;
  const written = writeValue(cell.value, write.value, write.kind, author, metadata, context);
  if (!written.ok || metadata === noMetadata) return written;
  const { record } = cell.value;
  const tooMany = checkMetadataKeys(metadata, context.limits, record.metadata);
  return tooMany === undefined ? written : err(inVariable(record.name, tooMany));
}

/** Cast, constraints, size. */
export function writeValue(
  cell: Cell,
  value: unknown,
  kind: ValueKind | undefined,
  author: Author,
  metadata: Metadata,
  context: DecideContext,
): Result<Updated, Refusal> {
  const { record } = cell;
  const checked = checkOf(cell, context.types)(value, kind);
  if (!checked.ok) return err(inVariable(record.name, checked.error));
  const merged = metadata === noMetadata ? record.metadata : mergeMetadata(record.metadata, metadata);
  const tooLarge =
    checkSize(checked.value, context.limits) ??
    (metadata === noMetadata ? undefined : checkSize(merged, context.limits, 'metadata'));
  if (tooLarge !== undefined) return err(inVariable(record.name, tooLarge));
  const variable = nextVersion(record, checked.value, author.source, merged, metadata, context);
  const { principal } = author;
  return ok(
    principal === undefined
      ? { type: 'variable.updated', variable, oldValue: record.value }
      : { type: 'variable.updated', variable, oldValue: record.value, principal },
  );
}

/** Written out field by field: this is the hottest allocation of the house. */
function nextVersion(
  record: Variable,
  value: unknown,
  source: string,
  metadata: Metadata,
  updateMetadata: Metadata,
  context: DecideContext,
): Variable {
  return {
    id: record.id,
    name: record.name,
    type: record.type,
    value,
    version: record.version + 1,
    revision: context.nextRevision,
    constraints: record.constraints,
    metadata,
    description: record.description,
    readOnly: record.readOnly,
    computed: record.computed,
    accessRules: record.accessRules,
    source,
    createdAtMs: record.createdAtMs,
    updatedAtMs: context.nowMs,
    updateMetadata,
  };
}

/** The principal of an event: said only when it is not the owner. */
export const byPrincipal = ({ principal }: Author): { readonly principal?: string } =>
  principal === undefined ? {} : { principal };

/** What observers hear: one update per variable and commit, made once and shared by all of them. */

import { type AccessRule, type Caller, grants, noRules, permits } from '../variables/access.js';
import type { VariableEvent } from '../variables/events.js';
import { type Metadata, noMetadata } from '../variables/value.js';
import type { Variable } from '../variables/variable.js';
import type { Commit, Position, ResetReason } from './store.js';

export interface VariableUpdate {
  /** `configured` (settings have changed, the value has not) is heard only by who asks for it. */
  readonly type: 'initial' | 'registered' | 'updated' | 'deleted' | 'reset' | 'configured';
  /** Empty for a reset, which is about all variables. */
  readonly name: string;
  readonly variableId: string;
  /** The variable's type, empty for a reset; it says how the value travels. */
  readonly variableType: string;
  readonly value: unknown;
  /** The value before, `undefined` when there was none. */
  readonly oldValue: unknown;
  readonly version: number;
  readonly revision: number;
  /** What the write said about itself. */
  readonly metadata: Metadata;
  readonly source: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** How many earlier updates of this variable were folded into this one. */
  readonly skipped: number;
  /** Only with `reset`. */
  readonly reason?: ResetReason;
}

/** Updates in order, and the place in history that the reader has reached with them. */
export interface WatchBatch {
  readonly position: Position;
  readonly updates: readonly VariableUpdate[];
}

/** What an event tells observers, frozen because all of them share it; `undefined` when it is none of their business. */
export function updateOf(event: VariableEvent, revision: number): VariableUpdate | undefined {
  switch (event.type) {
    case 'variable.registered':
      return fromRecord('registered', event.variable, undefined, revision);
    case 'variable.updated':
      return fromRecord('updated', event.variable, event.oldValue, revision);
    case 'variable.deleted':
      return Object.freeze({
        type: 'deleted',
        name: event.name,
        variableId: event.variableId,
        variableType: event.variableType,
        value: undefined,
        oldValue: event.oldValue,
        version: event.version,
        revision,
        metadata: noMetadata,
        source: event.source,
        timestamp: event.atMs,
        skipped: 0,
      });
    case 'variable.configured':
      return fromRecord('configured', event.variable, event.variable.value, revision);
    case 'dependency.added':
    case 'dependency.removed':
    case 'optimization.started':
    case 'optimization.applied':
    case 'optimization.progressed':
    case 'optimization.ended':
    case 'request.completed':
      return undefined;
  }
}

/** The rules that say who may hear of an event. */
export function rulesOf(event: VariableEvent): readonly AccessRule[] {
  switch (event.type) {
    case 'variable.registered':
    case 'variable.updated':
    case 'variable.configured':
      return event.variable.accessRules;
    case 'variable.deleted':
      return event.accessRules ?? noRules;
    default:
      return noRules;
  }
}

/** What somebody hears of new settings who may no longer observe the variable: that they are new. */
const withoutValue = (update: VariableUpdate): VariableUpdate => ({
  ...update,
  value: undefined,
  oldValue: undefined,
  metadata: noMetadata,
});

/** Who hears. */
export interface Hearer {
  readonly caller: Caller;
  /** Whether it asks to hear of new settings. */
  readonly hearsSettings: boolean;
}

/** What one hears of an event: by the rules of access, and of new settings only when asked for. */
export function heardOf(
  event: VariableEvent,
  update: VariableUpdate,
  { caller, hearsSettings }: Hearer,
): VariableUpdate | undefined {
  const isAllowed = permits(rulesOf(event), 'observe', caller);
  if (update.type !== 'configured') return isAllowed ? update : undefined;
  if (!hearsSettings || !knows(event, caller)) return undefined;
  return isAllowed ? update : withoutValue(update);
}

/** Whether the caller is told that there is the variable: a guest that may see it, or might until now. */
function knows(event: VariableEvent, { id, byRuleOnly }: Caller): boolean {
  if (!byRuleOnly) return true;
  const shows = (rules: readonly AccessRule[]): boolean => grants(rules, 'read', id) || grants(rules, 'observe', id);
  return shows(rulesOf(event)) || (event.type === 'variable.configured' && shows(event.previousRules ?? noRules));
}

/** The updates of a tail of commits, up to a revision. */
export function updatesOf(commits: readonly Commit[], upTo: number, hearer: Hearer): VariableUpdate[] {
  const updates: VariableUpdate[] = [];
  for (const { position, events } of commits) {
    if (position.revision > upTo) break;
    for (const event of events) {
      const update = updateOf(event, position.revision);
      const heard = update === undefined ? undefined : heardOf(event, update, hearer);
      if (heard !== undefined) updates.push(heard);
    }
  }
  return updates;
}

/** The present value of a variable, for a reader that starts or starts over. */
export const initialUpdate = (record: Variable): VariableUpdate =>
  fromRecord('initial', record, undefined, record.revision);

/** The end of a variable whose session is gone: it was no commit, so the revision is the last one. */
export const goneUpdate = (record: Variable, revision: number, timestamp: number): VariableUpdate => ({
  ...fromRecord('deleted', record, record.value, revision),
  value: undefined,
  metadata: noMetadata,
  timestamp,
});

export const resetUpdate = (reason: ResetReason, revision: number, timestamp: number): VariableUpdate => ({
  type: 'reset',
  name: '',
  variableId: '',
  variableType: '',
  value: undefined,
  oldValue: undefined,
  version: 0,
  revision,
  metadata: noMetadata,
  source: '',
  timestamp,
  skipped: 0,
  reason,
});

function fromRecord(
  type: Exclude<VariableUpdate['type'], 'reset'>,
  record: Variable,
  oldValue: unknown,
  revision: number,
): VariableUpdate {
  return Object.freeze({
    type,
    name: record.name,
    variableId: record.id,
    variableType: record.type,
    value: record.value,
    oldValue,
    version: record.version,
    revision,
    metadata: record.updateMetadata,
    source: record.source,
    timestamp: record.updatedAtMs,
    skipped: 0,
  });
}

/** What the audit trail says of a commit and of a refusal. */

import type { ErrorCode } from '../kernel/errors.js';
import type { VariableCommand } from '../variables/commands.js';
import type { VariableEvent } from '../variables/events.js';
import { nameInId } from '../variables/state.js';
import type { Metadata } from '../variables/value.js';
import { REDACTED, type Redactor } from './redaction.js';
import type { Commit } from './store.js';

export type AuditAction =
  | 'registered'
  | 'updated'
  | 'configured'
  | 'deleted'
  | 'dependency_added'
  | 'dependency_removed'
  | 'optimization_started'
  | 'optimization_ended'
  | 'refused';

export interface AuditEntry {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly action: AuditAction;
  /** The name, or for a refusal what the caller called it; empty when a command was about none or many. */
  readonly variable: string;
  readonly source: string;
  /** The calling session; `null`: the owner itself. */
  readonly principal: string | null;
  /** `undefined` when there was none, and `[redacted]` for a secret. */
  readonly oldValue: unknown;
  readonly newValue: unknown;
  /** The session's revision that it made; `null` for a refusal, which makes none. */
  readonly revision: number | null;
  /** Why it was refused, and what was asked. */
  readonly code: ErrorCode | null;
  readonly command: VariableCommand['type'] | null;
}

/** A command that was refused, as it is kept until somebody looks. */
export interface Refused {
  readonly type: 'refused';
  readonly atMs: number;
  readonly command: VariableCommand['type'];
  readonly variable: string;
  readonly source: string;
  readonly principal: string | undefined;
  readonly code: ErrorCode;
}

export const refusalEntry = ({ atMs, command, variable, source, principal, code }: Refused): AuditEntry => ({
  atMs,
  action: 'refused',
  variable,
  source,
  principal: principal ?? null,
  oldValue: undefined,
  newValue: undefined,
  revision: null,
  code,
  command,
});

/** The entries of a commit, in the order of its events. */
export function entriesOf({ events, atMs, position }: Commit, isSecret: Redactor): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (const event of events) {
    const act = actOf(event, isSecret);
    if (act === undefined || event.type === 'request.completed') continue;
    const { action, variable, source, oldValue, newValue } = act;
    const principal = event.principal ?? null;
    const { revision } = position;
    entries.push({
      atMs,
      action,
      variable,
      source,
      principal,
      oldValue,
      newValue,
      revision,
      code: null,
      command: null,
    });
  }
  return entries;
}

type Act = Pick<AuditEntry, 'action' | 'variable' | 'source'> & Partial<Pick<AuditEntry, 'oldValue' | 'newValue'>>;

/** `undefined`: it is no act of its own. */
function actOf(event: VariableEvent, isSecret: Redactor): Act | undefined {
  const shown = (name: string, metadata: Metadata | undefined, value: unknown): unknown =>
    value !== undefined && isSecret(name, metadata) ? REDACTED : value;
  switch (event.type) {
    case 'variable.registered': {
      const { name, source, value, metadata } = event.variable;
      return { action: 'registered', variable: name, source, newValue: shown(name, metadata, value) };
    }
    case 'variable.updated': {
      const { name, source, value, metadata } = event.variable;
      const oldValue = shown(name, metadata, event.oldValue);
      return { action: 'updated', variable: name, source, oldValue, newValue: shown(name, metadata, value) };
    }
    case 'variable.configured':
      return { action: 'configured', variable: event.variable.name, source: event.source };
    case 'variable.deleted': {
      const { name, source, oldValue, metadata } = event;
      return { action: 'deleted', variable: name, source, oldValue: shown(name, metadata, oldValue) };
    }
    case 'dependency.added':
    case 'dependency.removed': {
      const { from, to } = event.dependency;
      const other = nameInId(to) ?? to;
      const ends = { variable: nameInId(from) ?? from, source: event.source };
      return event.type === 'dependency.added'
        ? { action: 'dependency_added', ...ends, newValue: other }
        : { action: 'dependency_removed', ...ends, oldValue: other };
    }
    case 'optimization.started':
    case 'optimization.ended': {
      const { id, variables, source } = event.optimization;
      const action = event.type === 'optimization.started' ? 'optimization_started' : 'optimization_ended';
      return { action, variable: only(variables)?.name ?? '', source, newValue: id };
    }
    // A trial is no act of its own; what it writes is.
    case 'optimization.applied':
    case 'optimization.progressed':
    case 'request.completed':
      return undefined;
  }
}

/** What a command is about, in the words of the caller, who may have said anything: what is malformed is refused too. */
export function subjectOf(command: VariableCommand): string {
  try {
    return subjectIn(command);
  } catch {
    return ''; // The name could not even be read; the refusal says so.
  }
}

function subjectIn(command: VariableCommand): string {
  switch (command.type) {
    case 'variables.register':
      return text(only(command.specs)?.name);
    case 'variables.update':
      return text(only(command.writes)?.variable);
    case 'variables.import':
      return '';
    case 'dependency.add':
    case 'dependency.remove':
      return text(command.from);
    case 'optimization.start':
      return text(only(command.variables));
    case 'optimization.apply':
    case 'optimization.record':
    case 'optimization.end':
      return '';
    default:
      return text(command.variable);
  }
}

const only = <Item>(items: readonly Item[]): Item | undefined =>
  Array.isArray(items) && items.length === 1 ? items[0] : undefined;

const MAX_SUBJECT = 128;
const text = (name: unknown): string => (typeof name === 'string' ? name.slice(0, MAX_SUBJECT) : '');

/**
 * Who did what to a session's variables, and what was refused: the last so many entries. What is kept are the commits
 * themselves; entries are made of them when somebody looks.
 */

import type { ErrorCode } from '../kernel/errors.js';
import { matchesGlob } from '../variables/names.js';
import type { VariableCommand } from '../variables/commands.js';
import type { VariableEvent } from '../variables/events.js';
import { nameInId } from '../variables/state.js';
import type { Metadata } from '../variables/value.js';
import { weightOfEvents } from '../variables/weight.js';
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

export interface AuditOptions {
  /** Entries kept per session, about: a batch is kept as a whole. Default 1000; 0 keeps none. */
  readonly entries?: number;
  /** Globs over names whose values nobody gets to see here and in telemetry, besides those with `metadata.secret`. */
  readonly redact?: readonly string[];
}

export const DEFAULT_AUDIT_ENTRIES = 1000;
/** About how many bytes of values the entries hold on to; where they hold more, fewer are kept. */
export const MAX_AUDIT_BYTES = 64 * 1024 * 1024;
export const REDACTED = '[redacted]';

/** Whether the values of a variable are secret. */
export type Redactor = (name: string, metadata: Metadata | undefined) => boolean;

const isMarkedSecret: Redactor = (_name, metadata) => metadata?.secret === true;

export function redactorOf(options: AuditOptions = {}): Redactor {
  const { redact = [] } = options;
  if (redact.length === 0) return isMarkedSecret;
  return (name, metadata) => metadata?.secret === true || redact.some((pattern) => matchesGlob(pattern, name));
}

interface Refused {
  readonly type: 'refused';
  readonly atMs: number;
  readonly command: VariableCommand['type'];
  readonly variable: string;
  readonly source: string;
  readonly principal: string | undefined;
  readonly code: ErrorCode;
}

type Kept = Commit | Refused;

/** Two generations: when the young one has as many entries, or half the bytes, it takes the place of the old one. */
export class AuditTrail {
  readonly #limit: number;
  #old: readonly Kept[] = [];
  #young: Kept[] = [];
  /** Entries in the young generation. */
  #size = 0;
  #bytes = 0;

  constructor(limit: number = DEFAULT_AUDIT_ENTRIES) {
    this.#limit = limit;
  }

  committed(commit: Commit): void {
    this.#add(commit, commit.events.length, this.#limit === 0 ? 0 : weightOfEvents(commit.events));
  }

  refused(command: VariableCommand, code: ErrorCode, atMs: number): void {
    const { type, source, principal } = command;
    this.#add({ type: 'refused', atMs, command: type, variable: subjectOf(command), source, principal, code }, 1, 0);
  }

  /** Newest first. */
  entries(limit: number, isSecret: Redactor): AuditEntry[] {
    const entries: AuditEntry[] = [];
    for (const kept of [...this.#old, ...this.#young].reverse()) {
      if (entries.length >= limit) break;
      if (isRefused(kept)) entries.push(refusalEntry(kept));
      else for (const event of [...kept.events].reverse()) push(entries, entryOf(event, kept, isSecret));
    }
    return entries.slice(0, limit);
  }

  #add(kept: Kept, size: number, bytes: number): void {
    if (this.#limit === 0) return;
    if (this.#size >= this.#limit || this.#bytes + bytes > MAX_AUDIT_BYTES / 2) {
      this.#old = this.#young;
      this.#young = [];
      this.#size = 0;
      this.#bytes = 0;
    }
    this.#young.push(kept);
    this.#size += size;
    this.#bytes += bytes;
  }
}

const isRefused = (kept: Kept): kept is Refused => 'type' in kept;

function push(entries: AuditEntry[], entry: AuditEntry | undefined): void {
  if (entry !== undefined) entries.push(entry);
}

const refusalEntry = ({ atMs, command, variable, source, principal, code }: Refused): AuditEntry => ({
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

function entryOf(event: VariableEvent, commit: Commit, isSecret: Redactor): AuditEntry | undefined {
  if (event.type === 'request.completed') return undefined;
  // A trial is no act of its own; what it writes is.
  if (event.type === 'optimization.applied' || event.type === 'optimization.progressed') return undefined;
  const shared = {
    atMs: commit.atMs,
    revision: commit.position.revision,
    principal: event.principal ?? null,
    code: null,
    command: null,
  };
  switch (event.type) {
    case 'variable.registered':
    case 'variable.updated':
    case 'variable.configured': {
      const { name, value, metadata, source } = event.variable;
      const shown = (what: unknown): unknown => (what !== undefined && isSecret(name, metadata) ? REDACTED : what);
      if (event.type === 'variable.configured')
        return {
          ...shared,
          action: 'configured',
          variable: name,
          source: event.source,
          oldValue: undefined,
          newValue: undefined,
        };
      const isUpdate = event.type === 'variable.updated';
      return {
        ...shared,
        action: isUpdate ? 'updated' : 'registered',
        variable: name,
        source,
        oldValue: isUpdate ? shown(event.oldValue) : undefined,
        newValue: shown(value),
      };
    }
    case 'variable.deleted': {
      const { name, source, oldValue, metadata } = event;
      const shown = isSecret(name, metadata) ? REDACTED : oldValue;
      return { ...shared, action: 'deleted', variable: name, source, oldValue: shown, newValue: undefined };
    }
    case 'dependency.added':
    case 'dependency.removed': {
      const { from, to } = event.dependency;
      const isNew = event.type === 'dependency.added';
      const other = nameInId(to) ?? to;
      return {
        ...shared,
        action: isNew ? 'dependency_added' : 'dependency_removed',
        variable: nameInId(from) ?? from,
        source: event.source,
        oldValue: isNew ? undefined : other,
        newValue: isNew ? other : undefined,
      };
    }
    case 'optimization.started':
    case 'optimization.ended': {
      const { id, variables, source } = event.optimization;
      return {
        ...shared,
        action: event.type === 'optimization.started' ? 'optimization_started' : 'optimization_ended',
        variable: only(variables)?.name ?? '',
        source,
        oldValue: undefined,
        newValue: id,
      };
    }
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

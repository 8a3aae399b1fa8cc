/**
 * Who did what to a session's variables, and what was refused: the last so many entries. What is kept are the commits
 * themselves; entries are made of them when somebody looks.
 */

import type { ErrorCode } from '../kernel/errors.js';
import type { VariableCommand } from '../variables/commands.js';
import { weightOfEvents } from '../variables/weight.js';
import { type AuditEntry, entriesOf, type Refused, refusalEntry, subjectOf } from './audit-entries.js';
import type { Redactor } from './redaction.js';
import type { Commit } from './store.js';

export interface AuditOptions {
  /** Entries kept per session, about: a batch is kept as a whole. Default 1000; 0 keeps none. */
  readonly entries?: number;
  /** Globs over names whose values nobody gets to see here and in telemetry, besides those with `metadata.secret`. */
  readonly redact?: readonly string[];
}

export const DEFAULT_AUDIT_ENTRIES = 1000;
/** About how many bytes of values the entries hold on to; where they hold more, fewer are kept. */
export const MAX_AUDIT_BYTES = 64 * 1024 * 1024;

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
      else for (const entry of entriesOf(kept, isSecret).reverse()) entries.push(entry);
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

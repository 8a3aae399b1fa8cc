/** What the other rooms may ask of sessions: the gateway, agents and optimizers know these two and nothing behind them. */

import type { SessionId } from '../kernel/ids.js';
import type { Permission } from '../variables/access.js';
import type { ReplyTo, VariableCommand } from '../variables/commands.js';
import type { DependencyType } from '../variables/graph.js';
import type { ImportSummary, MergeStrategy } from '../variables/transfer-document.js';
import type { ExportOptions, TransferFormat } from '../variables/transfer-encode.js';
import type { Metadata, ValueKind } from '../variables/value.js';
import type { HistoryEntry, Variable } from '../variables/variable.js';
import type { EndedTrial, OptimizationEntry, OptimizationHistoryOptions } from './optimization-history.js';
import type { OptimizationStatus } from './optimization-status.js';
import type { SessionStats, VariableStats } from './stats.js';
import type { ResumePoint } from './store.js';
import type { WatchBatch } from './update.js';

export type {
  EndedTrial,
  NamedValue,
  OptimizationEntry,
  OptimizationHistoryOptions,
} from './optimization-history.js';
export type { OptimizationStatus } from './optimization-status.js';

export interface SessionInfo {
  readonly id: SessionId;
  readonly revision: number;
  readonly variableCount: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly owner: string | null;
  readonly createdAtMs: number;
  /** `null`: it does not expire. Reads and writes put it off. */
  readonly expiresAtMs: number | null;
  readonly ttlMs: number | null;
}

export interface ExecuteOptions {
  /** Milliseconds from now. Default 5000. The caller is answered `deadline_exceeded` then, executed or not. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One dependency, told from one of its ends: `name` and `variableId` are the other's. */
export interface DependencyInfo {
  readonly name: string;
  readonly variableId: string;
  readonly type: DependencyType;
  readonly metadata: Metadata;
  /** The end that depends and the end that is depended upon, by name: of use when they are transitive. */
  readonly from: string;
  readonly to: string;
}

export interface ImportOptions extends ExecuteOptions {
  /** Default `json`. */
  readonly format?: TransferFormat | undefined;
  /** Default `replace`. */
  readonly mergeStrategy?: MergeStrategy | undefined;
  readonly dryRun?: boolean | undefined;
  readonly source?: string | undefined;
}

export interface ImportResult extends ImportSummary {
  readonly revision: number;
}

export interface Selection {
  /** Names or ids; empty together with an empty `pattern`: every variable. Unknown ones are `variable_not_found`. */
  readonly variables?: readonly string[] | undefined;
  /** A glob over names, also for variables that are registered later. */
  readonly pattern?: string | undefined;
}

export interface WatchOptions extends Selection {
  readonly includeInitial?: boolean | undefined;
  /** Resume behind this position; a `reset` comes first when that is not possible. */
  readonly after?: ResumePoint | undefined;
  /** Fold what a slow reader missed into the newest value of each variable. Default true; else it gets a `reset`. */
  readonly coalesce?: boolean | undefined;
  /** Also hear of new settings, as updates of the type `configured`. Default false. */
  readonly includeSettings?: boolean | undefined;
}

/** Why a watch ended by itself. */
export type WatchEnd = 'session_stopped' | 'session_expired' | 'variable_deleted' | 'runtime_stopped';

/** A reader's place in the stream of changes. It costs bounded memory however slow the reader is. */
export interface Watcher {
  /** What has happened since the last take, `undefined` when nothing has. Always something right after the start. */
  take(): WatchBatch | undefined;
  /** Calls `wake` when there is something to take or the watch has ended; at most one is held, and it is called once. */
  onReady(wake: () => void): void;
  /** Set once the watch ended by itself and everything was taken. */
  readonly ended: WatchEnd | undefined;
  /** Idempotent. */
  close(): void;
}

export interface SessionHandle {
  readonly id: SessionId;
  info(): SessionInfo;
  /** Puts one command through the session's mailbox. Rejects with a `CoilyardError`. */
  execute<C extends VariableCommand>(command: C, options?: ExecuteOptions): Promise<ReplyTo<C>>;
  /** The session's revision: what was committed last. */
  readonly revision: number;
  /**
   * The committed record by name or id, `undefined` when there is none. Does not queue. Throws `session_…` errors, and
   * `permission_denied` when the caller may not read it.
   */
  lookUp(reference: string): Variable | undefined;
  /** Committed records that the caller may read, in order of registration. */
  records(): Iterable<Variable>;
  /** Newest first; throws `variable_not_found` and `permission_denied`. */
  historyOf(reference: string, limit: number, offset: number): readonly HistoryEntry[];
  /** The run that optimizes a variable, or the last one that did; throws `variable_not_found` and `permission_denied`. */
  optimizationStatus(reference: string): OptimizationStatus | undefined;
  /** A run by its id, as long as it is kept; throws `permission_denied` when the caller may read none of its variables. */
  optimizationRun(id: string): OptimizationStatus | undefined;
  /** Trials of a run behind an iteration, oldest first, at most so many; with the values that the caller may read. */
  runTrials(id: string, afterIteration: number, limit: number): readonly EndedTrial[];
  /** What was tried for a variable, oldest first; throws as `historyOf` does. */
  trialsOf(reference: string, options: OptimizationHistoryOptions): readonly OptimizationEntry[];
  /** A value as the variable would keep it. Throws what would refuse to write it; whether the caller may is not asked. */
  checkValue(reference: string, value: unknown, kind?: ValueKind): unknown;
  /** What users of this process get for a stored value of a type; throws what the type's own code throws. */
  presentValue(type: string, stored: unknown): unknown;
  openWatch(options: WatchOptions): Watcher;
  /**
   * The same session, asked by another one: rules are matched with that one's id. With `onlyByRule` by a guest, who may do
   * what rules grant it and is told `permission_denied` of everything else, be it there or not.
   */
  as(principal: string, options?: { readonly onlyByRule?: boolean }): SessionHandle;
  /** Whether the caller, if it is a guest, is granted anything at all. Throws `session_…` errors. */
  hasRights(): boolean;
  /** Whether the caller, or another session, has a right; throws `variable_not_found`. */
  checkAccess(reference: string, permission: Permission, principal?: string): boolean;
  dependencies(reference: string, options?: { readonly transitive?: boolean }): readonly DependencyInfo[];
  dependents(reference: string, options?: { readonly transitive?: boolean }): readonly DependencyInfo[];
  stats(): SessionStats;
  stats(reference: string): VariableStats;
  export(options?: ExportOptions): Promise<Uint8Array>;
  /** Everything or nothing. */
  import(bytes: Uint8Array, options?: ImportOptions): Promise<ImportResult>;
  /** Puts off expiry. */
  touch(): void;
  stop(options?: { readonly keep?: boolean }): Promise<void>;
}

export interface StartSessionOptions {
  /** Made up when absent. */
  readonly id?: string | undefined;
  /** Idle life in milliseconds; absent: it does not expire. */
  readonly ttlMs?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The principal that owns it. */
  readonly owner?: string | undefined;
}

export interface SessionsPort {
  /** Rejects with `session_exists` when a session of that id lives or is stored. */
  start(options?: StartSessionOptions): Promise<SessionHandle>;
  /** A living session, or one that the store still has. Rejects with `session_not_found` or `session_expired`. */
  find(id: string): Promise<SessionHandle>;
  /**
   * Living sessions by id, behind `after`, at most `limit`; fewer: there are no more.
   *
   * @param accepts says which to list; without it all are listed. It is called while they are looked through.
   */
  page(after: string, limit: number, accepts?: (id: SessionId) => boolean): Promise<readonly SessionInfo[]>;
}

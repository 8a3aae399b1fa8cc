/**
 * The port to where a session's commits are kept. Every adapter passes the contract suite of `coilyard/testing`.
 * A commit is one revision; a position names a place in one particular history.
 */

import type { SessionId } from '../kernel/ids.js';
import type { VariableEvent } from '../variables/events.js';
import type { StateSnapshot } from '../variables/state.js';

/** Revision 0 with the empty tag is the place before the first commit. */
export interface Position {
  readonly revision: number;
  /** Drawn at random for each commit: after a failover that lost its tail, a revision can exist twice. */
  readonly tag: string;
}

/** Where a reader wants to go on. Without a tag the revision is taken to be of the present history. */
export interface ResumePoint {
  readonly revision: number;
  readonly tag?: string | undefined;
}

export const ORIGIN: Position = Object.freeze({ revision: 0, tag: '' });

export interface Commit {
  readonly position: Position;
  readonly events: readonly VariableEvent[];
  readonly atMs: number;
}

export interface CommitRequest {
  /** Who writes. Together with `seq` it makes the retry of a commit whose answer was lost harmless. */
  readonly writer: string;
  /** 1, 2, 3, … for each writer. */
  readonly seq: number;
  /** Where the writer believes the history ends. */
  readonly expected: Position;
  readonly tag: string;
  readonly events: readonly VariableEvent[];
  readonly atMs: number;
  /** A lease number; a store that has seen a higher one answers `fenced`. */
  readonly fence?: number;
}

export type CommitOutcome =
  | { readonly type: 'committed'; readonly position: Position }
  /** This writer's commit of this `seq` is in the history already; nothing was applied. */
  | { readonly type: 'duplicate'; readonly position: Position }
  /** The history ends elsewhere; nothing was applied. */
  | { readonly type: 'conflict'; readonly current: Position }
  | { readonly type: 'fenced' };

/**
 * Why a snapshot came instead of the commits that followed: nothing was asked for (`initial`), they are no longer kept
 * (`compacted`), the history is shorter than the position (`regressed`) or another one (`diverged`). `overflow` is said
 * of a reader that fell behind.
 */
export type ResetReason = 'initial' | 'compacted' | 'regressed' | 'diverged' | 'overflow';

export type Resumed =
  | { readonly type: 'tail'; readonly commits: readonly Commit[] }
  | {
      readonly type: 'snapshot';
      readonly reason: ResetReason;
      readonly position: Position;
      readonly state: StateSnapshot;
    }
  /** There is no such session. */
  | { readonly type: 'missing' };

/** What is kept of a session besides its variables. */
export interface SessionRecord {
  readonly id: SessionId;
  readonly createdAtMs: number;
  /** `null`: it does not expire. */
  readonly ttlMs: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly owner: string | null;
}

export interface StoredSession {
  readonly record: SessionRecord;
  readonly position: Position;
}

export type MaybePromise<T> = T | Promise<T>;

/**
 * Answers at once or later: the session takes either. An adapter that cannot answer throws or rejects with
 * `store_unavailable`.
 */
export interface SessionStore {
  readonly kind: string;
  /**
   * Whether no other runtime has it open at the same time, and it outlives this one: then a session that does not live
   * here is used by nobody, and the time to live of those that were kept runs from the start of this runtime. Default
   * false.
   */
  readonly isExclusive?: boolean;
  /** False when the session exists already; nothing has changed then. */
  create(record: SessionRecord): MaybePromise<boolean>;
  find(id: SessionId): MaybePromise<StoredSession | undefined>;
  commit(id: SessionId, request: CommitRequest): MaybePromise<CommitOutcome>;
  /** The commits behind `after`, or a snapshot with its reason: one atomic read. Without `after` always a snapshot. */
  resume(id: SessionId, after?: ResumePoint): MaybePromise<Resumed>;
  /** Commits as they happen, also those of other nodes. May lose some: `resume` repairs. */
  subscribe(id: SessionId, listener: (commit: Commit) => void): () => void;
  /** Ids in order, behind `after`, at most `limit`. */
  list(after: string, limit: number): MaybePromise<readonly SessionId[]>;
  /** Forgets a session. False when there was none. */
  delete(id: SessionId): MaybePromise<boolean>;
  close(): MaybePromise<void>;
}

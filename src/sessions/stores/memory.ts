/**
 * The embedded default: commits kept in this process. It survives the crash of a session's actor, as the owner of an ETS
 * table does, and nothing more.
 */

import { checkObject, reading } from '../../kernel/arguments.js';
import { invalidArgument } from '../../kernel/errors.js';
import type { SessionId } from '../../kernel/ids.js';
import { isolate } from '../../kernel/isolate.js';
import { smallestAfter } from '../../kernel/smallest.js';
import { evolve } from '../../variables/evolve.js';
import { VariablesState } from '../../variables/state.js';
import { weightOfEvents } from '../../variables/weight.js';
import {
  type Commit,
  type CommitOutcome,
  type CommitRequest,
  ORIGIN,
  type Position,
  type ResetReason,
  type Resumed,
  type ResumePoint,
  type SessionRecord,
  type SessionStore,
  type StoredSession,
} from '../store.js';

export interface MemoryStoreOptions {
  /** Commits kept per session for readers that resume; older ones are folded into a snapshot. Default 1024. */
  readonly keptCommits?: number;
  /**
   * About how many bytes of values these commits hold on to, of each session; fewer commits are kept where they hold more. The
   * newest is always kept. Default 64 MiB.
   */
  readonly keptBytes?: number;
}

/** What of a session's history is kept for readers that resume. At most twice as much: folding takes half at a time. */
type Kept = Required<MemoryStoreOptions>;

const defaults: Kept = Object.freeze({ keptCommits: 1024, keptBytes: 64 * 1024 * 1024 });

/** How many writers a session remembers for the retry of a commit whose answer was lost. */
const REMEMBERED_WRITERS = 16;

/** Throws `invalid_argument`. */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  const kept = reading('options', () => {
    checkObject('options', options);
    const { keptCommits = defaults.keptCommits, keptBytes = defaults.keptBytes } = options;
    return { keptCommits, keptBytes };
  });
  for (const [name, count] of Object.entries(kept))
    if (!Number.isSafeInteger(count) || count < 1) throw invalidArgument(name, 'a whole number, 1 or more', count);
  return new MemoryStore(kept);
}

/** One session's history: a folded beginning and the commits since. */
class History {
  readonly record: SessionRecord;
  /** Absent while nobody listens. */
  listeners: Set<(commit: Commit) => void> | undefined;
  position: Position = ORIGIN;
  #base: VariablesState | undefined;
  #basePosition: Position = ORIGIN;
  #log: Commit[] = [];
  /** Of each commit in the log, and of all together. */
  #weights: number[] = [];
  #bytes = 0;
  #fence = 0;
  readonly #writers = new Map<string, { readonly seq: number; readonly position: Position }>();

  constructor(record: SessionRecord) {
    this.record = record;
  }

  commit(request: CommitRequest, kept: Kept): CommitOutcome {
    const last = this.#writers.get(request.writer);
    if (last !== undefined && request.seq <= last.seq) return { type: 'duplicate', position: last.position };
    const { expected, fence } = request;
    if (fence !== undefined && fence < this.#fence) return { type: 'fenced' };
    if (expected.revision !== this.position.revision || expected.tag !== this.position.tag)
      return { type: 'conflict', current: this.position };
    const position = { revision: expected.revision + 1, tag: request.tag };
    const commit = { position, events: request.events, atMs: request.atMs };
    this.#log.push(commit);
    this.position = position;
    if (fence !== undefined) this.#fence = fence;
    this.#remember(request.writer, request.seq, position);
    const weight = weightOfEvents(request.events);
    this.#weights.push(weight);
    this.#bytes += weight;
    // Folding half at a time keeps the cost per commit constant.
    if (this.#log.length >= kept.keptCommits * 2) this.#fold(kept.keptCommits);
    else if (this.#bytes > kept.keptBytes * 2) this.#fold(this.#countBeyond(kept.keptBytes));
    if (this.listeners !== undefined)
      for (const listener of this.listeners) isolate(() => listener(commit), `a listener to ${this.record.id}`);
    return { type: 'committed', position };
  }

  resume(after: ResumePoint | undefined): Resumed {
    if (after === undefined) return this.#snapshot('initial');
    const { revision, tag } = after;
    if (revision > this.position.revision) return this.#snapshot('regressed');
    const base = this.#basePosition;
    if (revision < base.revision) return this.#snapshot('compacted');
    const at = revision === base.revision ? base : this.#log[revision - base.revision - 1]?.position;
    if (tag !== undefined && at?.tag !== tag) return this.#snapshot('diverged');
    return { type: 'tail', commits: this.#log.slice(revision - base.revision) };
  }

  #snapshot(reason: ResetReason): Resumed {
    const state = this.#base === undefined ? new VariablesState() : VariablesState.restore(this.#base.snapshot());
    for (const commit of this.#log) for (const event of commit.events) evolve(state, event);
    return { type: 'snapshot', reason, position: this.position, state: state.snapshot() };
  }

  /** How many of the oldest commits hold on to what is more than that; never the newest. */
  #countBeyond(keptBytes: number): number {
    let bytes = this.#bytes;
    let count = 0;
    for (const weight of this.#weights.slice(0, -1)) {
      if (bytes <= keptBytes) break;
      bytes -= weight;
      count += 1;
    }
    return count;
  }

  #fold(count: number): void {
    this.#base ??= new VariablesState();
    const folded = this.#log.slice(0, count);
    for (const commit of folded) {
      for (const event of commit.events) evolve(this.#base, event);
      this.#basePosition = commit.position;
    }
    this.#log = this.#log.slice(count);
    for (const weight of this.#weights.slice(0, count)) this.#bytes -= weight;
    this.#weights = this.#weights.slice(count);
  }

  #remember(writer: string, seq: number, position: Position): void {
    this.#writers.set(writer, { seq, position });
    if (this.#writers.size <= REMEMBERED_WRITERS) return;
    let stalest = writer;
    let revision = position.revision;
    for (const [name, last] of this.#writers)
      if (last.position.revision < revision) {
        stalest = name;
        revision = last.position.revision;
      }
    this.#writers.delete(stalest);
  }
}

class MemoryStore implements SessionStore {
  readonly kind = 'memory';
  readonly #kept: Kept;
  readonly #histories = new Map<SessionId, History>();

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  create(record: SessionRecord): boolean {
    if (this.#histories.has(record.id)) return false;
    this.#histories.set(record.id, new History(record));
    return true;
  }

  find(id: SessionId): StoredSession | undefined {
    const history = this.#histories.get(id);
    return history === undefined ? undefined : { record: history.record, position: history.position };
  }

  commit(id: SessionId, request: CommitRequest): CommitOutcome {
    const history = this.#histories.get(id);
    if (history === undefined) return { type: 'conflict', current: ORIGIN };
    return history.commit(request, this.#kept);
  }

  resume(id: SessionId, after?: ResumePoint): Resumed {
    return this.#histories.get(id)?.resume(after) ?? { type: 'missing' };
  }

  subscribe(id: SessionId, listener: (commit: Commit) => void): () => void {
    const history = this.#histories.get(id);
    if (history === undefined) return () => undefined;
    const own = (commit: Commit): void => listener(commit);
    history.listeners ??= new Set();
    history.listeners.add(own);
    return () => void history.listeners?.delete(own);
  }

  list(after: string, limit: number): readonly SessionId[] {
    return smallestAfter(this.#histories.keys(), after, limit);
  }

  delete(id: SessionId): boolean {
    return this.#histories.delete(id);
  }

  close(): void {
    this.#histories.clear();
  }
}

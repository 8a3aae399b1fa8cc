/** Reading a session: committed values at once, without waiting for anything. */

import { invalidArgument } from '../kernel/errors.js';
import { noMetadata } from '../variables/value.js';
import { HISTORY_LIMIT, type HistoryEntry, type Variable } from '../variables/variable.js';
import { DEFAULT_AUDIT_ENTRIES } from './audit.js';
import type { AuditEntry } from './audit-entries.js';
import { checkOptions, checkText } from './arguments.js';
import type { SessionActor } from './live-session.js';
import { SessionCore } from './session-core.js';
import type { OptimizationEntry, OptimizationHistoryOptions } from './optimization-history.js';
import type { OptimizationStatus } from './optimization-status.js';
import type { ListOptions } from './session-options.js';
import { isListed, SessionPin } from './session-pin.js';
import { READS_PER_SAMPLE } from './stats.js';

/** {@link READS_PER_SAMPLE} is a power of two. */
const SAMPLE_MASK = READS_PER_SAMPLE - 1;

export abstract class SessionReads extends SessionCore {
  /** Whether users get something else than what is stored, for some type. */
  readonly #presents = this.types.presents;

  /** The session as an xstate actor; its snapshots hold `revision` and a read-only view of the variables. */
  get actor(): SessionActor {
    this.refuseGuest();
    return this.live.actor;
  }

  /**
   * The committed value by name or id. Without a default a missing variable throws `variable_not_found`; one that the
   * caller may not read throws `permission_denied`, default or not.
   */
  get(reference: string): unknown;
  get<Default>(reference: string, missing: Default): unknown;
  get(reference: string, ...missing: readonly unknown[]): unknown {
    this.expiry.touch();
    const cell = this.live.state.resolve(reference);
    if (cell === undefined) {
      if (missing.length > 0 && !this.isGuest) return missing[0];
      throw this.notFound(reference);
    }
    const { record } = cell;
    if (!this.isOpen(record)) this.requireRight(record, 'read');
    const reads = cell.reads + 1;
    cell.reads = reads;
    if ((reads & SAMPLE_MASK) === 1) this.#timeRead(reference);
    return this.#presents ? this.presentValue(record.type, record.value) : record.value;
  }

  /** The whole record, frozen. */
  variable(reference: string): Variable {
    const record = this.lookUp(reference);
    if (record === undefined) throw this.notFound(reference);
    return this.presentRecord(record);
  }

  /** Records that the caller may read, in order of registration. */
  list(options: ListOptions = {}): Variable[] {
    checkOptions(options);
    checkText('pattern', options.pattern);
    const { limit = Number.POSITIVE_INFINITY, offset = 0, includeMetadata = true } = options;
    const listed: Variable[] = [];
    let skip = offset;
    for (const record of this.records()) {
      if (!isListed(record, options) || skip-- > 0) continue;
      if (listed.length >= limit) break;
      listed.push(this.presentRecord(includeMetadata ? record : { ...record, metadata: noMetadata }));
    }
    return listed;
  }

  /** The last versions, newest first; 100 are kept. */
  history(
    reference: string,
    options: { readonly limit?: number; readonly offset?: number } = {},
  ): readonly HistoryEntry[] {
    checkOptions(options);
    const { limit = HISTORY_LIMIT, offset = 0 } = options;
    const entries = this.historyOf(reference, limit, offset);
    if (!this.#presents) return entries;
    const { type } = this.live.state.deleted(reference) ?? this.requireVariable(reference);
    return entries.map((entry) => ({ ...entry, value: this.presentValue(type, entry.value) }));
  }

  /** The run that optimizes the variable, or the last one that did; `undefined`: none ever has. */
  optimization(reference: string): OptimizationStatus | undefined {
    const status = this.optimizationStatus(reference);
    if (status === undefined || !this.#presents) return status;
    const present = ([name, value]: readonly [string, unknown]) => [name, this.#presentOf(name, value)] as const;
    return { ...status, bestValues: new Map(Array.from(status.bestValues, present)) };
  }

  /** What was tried for the variable, oldest first; `limit` keeps the newest. */
  optimizationHistory(reference: string, options: OptimizationHistoryOptions = {}): readonly OptimizationEntry[] {
    const entries = this.trialsOf(reference, options);
    if (!this.#presents) return entries;
    return entries.map((entry) => ({ ...entry, value: this.#presentOf(reference, entry.value) }));
  }

  /** What was done and what was refused, newest first. Values of secrets are not shown. */
  audit(options: { readonly limit?: number } = {}): readonly AuditEntry[] {
    checkOptions(options);
    this.refuseGuest();
    const { limit = DEFAULT_AUDIT_ENTRIES } = options;
    if (!Number.isSafeInteger(limit) || limit < 0) throw invalidArgument('limit', 'a whole number, 0 or more', limit);
    return this.live.books.auditEntries(limit);
  }

  /**
   * The variables as they are now, whatever is written later: for a run that needs one consistent picture. Costs what
   * changes meanwhile. Give it back with `release()` or `using`.
   */
  pin(): SessionPin {
    this.expiry.touch();
    return new SessionPin(this.live.pin(), {
      present: (record) => {
        this.requireRight(record, 'read');
        return this.presentRecord(record);
      },
      mayRead: (record) => this.mayRead(record),
      notFound: (reference) => this.notFound(reference),
      knowsWhatIsMissing: !this.isGuest,
    });
  }

  presentValue(type: string, stored: unknown): unknown {
    if (stored === undefined) return undefined;
    const presented = this.types.present(type, stored);
    if (!presented.ok) throw presented.error;
    return presented.value;
  }

  protected presentRecord(record: Variable): Variable {
    if (!this.#presents) return Object.freeze(record);
    const value = this.presentValue(record.type, record.value);
    return Object.freeze(value === record.value ? record : { ...record, value });
  }

  #presentOf(reference: string, stored: unknown): unknown {
    const { state } = this.live;
    const type = (state.resolve(reference)?.record ?? state.deleted(reference))?.type;
    return type === undefined ? stored : this.presentValue(type, stored);
  }

  /** Reads once more, with the clock in hand. */
  #timeRead(reference: string): void {
    const { clock } = this.services;
    const startedAtMs = clock.monotonicMs();
    const id = this.live.state.resolve(reference)?.record.id;
    if (id !== undefined) this.live.books.stats.read(id, clock.monotonicMs() - startedAtMs);
  }
}

/** A reader that takes updates when it can: the gateway's streams and `session.watch`. */

import type { Caller } from '../variables/access.js';
import type { WatchEnd, Watcher } from './handle.js';
import type { Sink } from './observers.js';
import { Outbox } from './outbox.js';
import type { Position, ResetReason } from './store.js';
import { resetUpdate, type VariableUpdate, type WatchBatch } from './update.js';

/** What a watcher that has to start over needs: the present state and where in history that is. */
export interface Present {
  readonly position: Position;
  readonly initial: readonly VariableUpdate[];
}

export interface QueuedWatcherOptions {
  readonly coalesce: boolean;
  /** Absent: the owner. */
  readonly caller?: Caller | undefined;
  readonly hearsSettings?: boolean | undefined;
  readonly position: Position;
  /** What the reader gets first. */
  readonly first: readonly VariableUpdate[];
  /** Held back until {@link QueuedWatcher.resume}: the tail of an asynchronous store comes before what is new. */
  readonly awaitsTail: boolean;
  /** The watch ends once all of these are deleted. */
  readonly endsWith: ReadonlySet<string> | undefined;
  /** False once the reader may not even know of the session. */
  readonly mayKnow: () => boolean;
  /** Whether {@link present} can be called. */
  readonly isReadable: () => boolean;
  readonly present: () => Present;
  readonly nowMs: () => number;
  readonly onClose: () => void;
}

export class QueuedWatcher implements Watcher, Sink {
  readonly #options: QueuedWatcherOptions;
  readonly #outbox: Outbox;
  readonly #living: Set<string> | undefined;
  #since: number;
  #position: Position;
  #first: readonly VariableUpdate[] | undefined;
  #reset: ResetReason | undefined;
  #held: boolean;
  #ending: WatchEnd | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: QueuedWatcherOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.coalesce);
    this.#living = options.endsWith === undefined ? undefined : new Set(options.endsWith);
    this.#since = options.position.revision;
    this.#position = options.position;
    this.#first = options.first;
    this.#held = options.awaitsTail;
  }

  get caller(): Caller | undefined {
    return this.#options.caller;
  }

  get hearsSettings(): boolean {
    return this.#options.hearsSettings === true;
  }

  get since(): number {
    return this.#since;
  }

  get ended(): WatchEnd | undefined {
    return this.#hasNothing() ? this.#ending : undefined;
  }

  offer(update: VariableUpdate): void {
    if (this.#closed || this.#ending !== undefined) return;
    if (update.type === 'deleted') this.#living?.delete(update.variableId);
    if (this.#reset !== undefined) return;
    if (!this.#outbox.offer(update)) this.#reset = 'overflow';
  }

  delivered(position: Position): void {
    if (position.revision > this.#position.revision) this.#position = position;
    if (this.#living?.size === 0) this.end('variable_deleted');
    else this.wakeReader();
  }

  /** Delivers the tail that came before everything that was offered meanwhile. */
  resume(tail: readonly VariableUpdate[]): void {
    if (!this.#held) return;
    this.#first = tail;
    this.#held = false;
    this.wakeReader();
  }

  /** The reader has to start over: the next take says why and brings the present values. */
  startOver({ reason = 'overflow' }: Pick<VariableUpdate, 'reason'>): void {
    if (this.#ending !== undefined) return;
    if (!this.#options.mayKnow()) {
      this.end('session_stopped');
      return;
    }
    this.#reset = reason;
    this.#held = false;
    this.#outbox.clear();
    this.wakeReader();
  }

  /** No more updates will come; what waits can still be taken. */
  end(reason: WatchEnd): void {
    this.#ending ??= reason;
    this.#held = false;
    this.wakeReader();
  }

  take(): WatchBatch | undefined {
    if (this.#hasNothing()) return undefined;
    if (this.#reset !== undefined) return this.#takeReset(this.#reset);
    const first = this.#first;
    this.#first = undefined;
    const updates = this.#outbox.takeAll();
    return { position: this.#position, updates: first === undefined ? updates : [...first, ...updates] };
  }

  onReady(wake: () => void): void {
    this.#wake = wake;
    this.wakeReader();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake = undefined;
    this.#outbox.clear();
    this.#options.onClose();
  }

  #takeReset(reason: ResetReason): WatchBatch {
    const { isReadable, present, nowMs } = this.#options;
    // A session that has ended has no present: then the reset alone says that something was missed.
    const { position, initial } = isReadable() ? present() : { position: this.#position, initial: [] };
    this.#reset = undefined;
    this.#first = undefined;
    this.#outbox.clear();
    this.#since = position.revision;
    this.#position = position;
    return { position, updates: [resetUpdate(reason, position.revision, nowMs()), ...initial] };
  }

  #hasNothing(): boolean {
    if (this.#held || this.#closed) return true;
    // A session that is being restarted cannot be read: its reader is woken when it can.
    if (this.#reset !== undefined) return this.#ending === undefined && !this.#options.isReadable();
    return this.#first === undefined && this.#outbox.length === 0;
  }

  /** Wakes the reader if there is something for it. */
  wakeReader(): void {
    const wake = this.#wake;
    if (wake === undefined || (this.#hasNothing() && this.#ending === undefined)) return;
    this.#wake = undefined;
    wake();
  }
}

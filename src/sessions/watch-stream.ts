/** A watch as an async iterator: takes from a watcher when the consumer asks, filters, and paces each variable. */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError } from '../kernel/errors.js';
import { Ring } from '../kernel/ring.js';
import { checkFunction, checkOptions, checkSpan, refusedSignal } from './arguments.js';
import type { WatchEnd, Watcher, WatchOptions } from './handle.js';
import { Outbox } from './outbox.js';
import { Pacing } from './pacing.js';
import type { ResumePoint } from './store.js';
import type { VariableUpdate } from './update.js';

export interface WatchStreamOptions {
  /** Yields the present values first. Default false. */
  readonly includeInitial?: boolean | undefined;
  /** Only updates that pass. Initial values and resets always do. */
  readonly filter?: ((update: VariableUpdate) => boolean) | undefined;
  /** At most one update per variable in this time; the last one is always delivered. */
  readonly throttleMs?: number | undefined;
  /** Only once a variable has been quiet for this long. */
  readonly debounceMs?: number | undefined;
  /** Resumes behind this position. */
  readonly after?: ResumePoint | undefined;
  /** Resumes behind this revision of the present history. */
  readonly afterRevision?: number | undefined;
  /** Default true: a reader that falls behind gets the newest value of each variable. */
  readonly coalesce?: boolean | undefined;
  /** A glob over names, besides the names. */
  readonly pattern?: string | undefined;
  /** Ends the iteration by rejecting with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** The updates of a watch; for one consumer, which may leave at any time. */
export interface Watch extends AsyncIterableIterator<VariableUpdate> {
  /**
   * Why it ended by itself; `undefined` while it goes on, and when its consumer, its signal or an error of its filter has
   * ended it. Set once everything was read.
   */
  readonly endReason: WatchEnd | undefined;
}

/** What the stream does besides: {@link WatchStreamInternals.present} makes of stored values what users get. */
export interface WatchStreamInternals {
  readonly present?: ((update: VariableUpdate) => VariableUpdate) | undefined;
}

/**
 * The watch is opened at once, so that nothing is missed between this call and the first `next`. Throws
 * `invalid_argument` and what `open` throws.
 */
export function watchStream(
  open: (options: WatchOptions) => Watcher,
  variables: readonly string[],
  options: WatchStreamOptions & WatchStreamInternals,
  clock: Clock,
): Watch {
  check(options);
  const { includeInitial, afterRevision, coalesce, pattern } = options;
  const after = options.after ?? (afterRevision === undefined ? undefined : { revision: afterRevision });
  return new WatchStream(open({ variables, pattern, includeInitial, after, coalesce }), options, clock);
}

function check(options: WatchStreamOptions): void {
  checkOptions(options);
  checkSpan('throttleMs', options.throttleMs);
  checkSpan('debounceMs', options.debounceMs);
  if (options.filter !== undefined) checkFunction('filter', options.filter);
  const refusal = refusedSignal(options.signal);
  if (refusal !== undefined) throw refusal;
}

type Pending = {
  readonly resolve: (result: IteratorResult<VariableUpdate>) => void;
  readonly reject: (error: unknown) => void;
};

class WatchStream implements Watch {
  readonly #watcher: Watcher;
  readonly #filter: ((update: VariableUpdate) => boolean) | undefined;
  readonly #present: ((update: VariableUpdate) => VariableUpdate) | undefined;
  readonly #pacing: Pacing;
  /** Taken and not consumed. It folds what a paced consumer does not ask for: pacing takes updates as they come. */
  readonly #ready = new Outbox(true);
  readonly #pending = new Ring<Pending>();
  readonly #signal: AbortSignal | undefined;
  #failure: { readonly error: unknown } | undefined;
  #end: WatchEnd | undefined;
  #done = false;

  constructor(watcher: Watcher, options: WatchStreamOptions & WatchStreamInternals, clock: Clock) {
    this.#watcher = watcher;
    this.#filter = options.filter;
    this.#present = options.present;
    this.#pacing = new Pacing(clock, options, (update) => {
      this.#ready.offer(update);
      this.#serve();
    });
    this.#signal = options.signal;
    if (this.#signal?.aborted) this.#onAbort();
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#watcher.onReady(this.#pull);
  }

  get endReason(): WatchEnd | undefined {
    return this.#done && this.#ready.length === 0 ? this.#end : undefined;
  }

  next(): Promise<IteratorResult<VariableUpdate>> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorResult<VariableUpdate>> {
    this.#finish();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Takes only while the consumer waits: what it does not ask for stays in the watcher's bounded outbox. */
  readonly #pull = (): void => {
    // Ended: what pacing has held back is being delivered.
    if (this.#done || this.#end !== undefined) return;
    if (this.#pending.length > this.#ready.length || this.#pacing.isActive) {
      const batch = this.#watcher.take();
      for (const update of batch?.updates ?? []) this.#accept(update);
      if (this.#done) return;
      if (this.#watcher.ended !== undefined) this.#endFor(this.#watcher.ended);
      else this.#watcher.onReady(this.#pull);
    }
    this.#settlePending();
  };

  #accept(stored: VariableUpdate): void {
    if (this.#failure !== undefined) return;
    if (stored.type === 'reset') {
      // The present values follow: what was taken before says nothing any more, and must not come after them.
      this.#pacing.clear();
      this.#ready.clear();
    }
    let update = stored;
    try {
      if (this.#present !== undefined) update = this.#present(stored);
      if (update.type === 'initial' || update.type === 'reset') {
        this.#ready.offer(update);
        return;
      }
      if (this.#filter !== undefined && !this.#filter(update)) return;
    } catch (error) {
      this.#failure = { error };
      this.#finish();
      return;
    }
    this.#pacing.offer(update);
  }

  /** What somebody ended on purpose is over; that nobody used the session is no such end, and its reader is told. */
  #endFor(reason: WatchEnd): void {
    this.#end = reason;
    this.#pacing.flush();
    if (reason === 'session_expired')
      this.#failure = { error: new CoilyardError(reason, 'the session has expired', { details: { reason } }) };
    this.#done = true;
  }

  #serve(): void {
    this.#settlePending();
    if (this.#pending.length > 0 && !this.#done) this.#pull();
  }

  #settlePending(): void {
    while (this.#pending.length > 0) {
      const update = this.#ready.take();
      if (update !== undefined) this.#pending.shift()?.resolve({ done: false, value: update });
      else if (this.#failure !== undefined) {
        const { error } = this.#failure;
        this.#failure = undefined;
        this.#pending.shift()?.reject(error);
      } else if (this.#done) this.#pending.shift()?.resolve({ done: true, value: undefined });
      else return;
    }
    if (this.#done) this.#release();
  }

  #finish(): void {
    this.#done = true;
    this.#release();
    this.#settlePending();
  }

  #release(): void {
    this.#pacing.clear();
    this.#watcher.close();
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    if (this.#done) return;
    this.#ready.clear();
    this.#failure = {
      error: new CoilyardError('cancelled', 'the watch was cancelled', { cause: this.#signal?.reason }),
    };
    this.#finish();
  };
}

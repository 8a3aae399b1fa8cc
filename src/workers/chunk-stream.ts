/** The caller's end of a streaming call: chunks as an async iterator, with a bounded window towards the worker. */

import { CoilyardError } from '../kernel/errors.js';
import { err, type Result } from '../kernel/result.js';
import type { Caller, Outcome } from './ledger.js';
import type { ChunkIterator } from './python-port.js';
import { deferred, type Deferred } from '../kernel/deferred.js';

/** The way back to the worker. */
export interface StreamControl {
  /** Allows that many more chunks. */
  credit(chunks: number): void;
  /** Stops the call; nothing of it is wanted any more. */
  cancel(): void;
}

type Step = IteratorResult<unknown, unknown>;

export class ChunkStream implements ChunkIterator, Caller {
  readonly #start: (caller: Caller) => StreamControl;
  readonly #window: number;
  readonly #chunks: unknown[] = [];
  readonly #readers: Deferred<Step>[] = [];
  #control: StreamControl | undefined;
  #state: 'idle' | 'open' | 'ended' | 'finished' = 'idle';
  #outcome: Outcome | undefined;
  /** Chunks handed on since the last credit. */
  #consumed = 0;

  /**
   * @param window chunks that the worker may send ahead; it was given that much credit at the start.
   * @param start makes the call, at the first `next()`.
   */
  constructor(window: number, start: (caller: Caller) => StreamControl) {
    this.#window = window;
    this.#start = start;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    if (this.#state === 'idle') this.#open();
    if (this.#chunks.length > 0) {
      const value = this.#chunks.shift();
      this.#consume();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state === 'finished') return Promise.resolve({ done: true, value: undefined });
    if (this.#outcome !== undefined) return this.#finish(this.#outcome);
    const reader = deferred<Step>();
    this.#readers.push(reader);
    return reader.promise;
  }

  /** Leaving the loop: whatever runs is cancelled. */
  async return(value?: unknown): Promise<Step> {
    const wasOpen = this.#state === 'open';
    this.#state = 'finished';
    this.#chunks.length = 0;
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
    if (wasOpen) this.#control?.cancel();
    return { done: true, value };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  chunk(value: unknown): void {
    if (this.#state !== 'open') return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      this.#consume();
      reader.resolve({ done: false, value });
    } else if (this.#chunks.length < this.#window) {
      this.#chunks.push(value);
    } else {
      // Memory stays bounded whatever the worker does.
      this.settled(err(new CoilyardError('internal', 'the worker sent more chunks than it was allowed')));
      this.#control?.cancel();
    }
  }

  settled(outcome: Outcome): void {
    if (this.#state !== 'open' && this.#state !== 'idle') return;
    this.#state = 'ended';
    this.#outcome = outcome;
    // What its own caller cancelled is not read to the end.
    if (!outcome.ok && outcome.error.code === 'cancelled') this.#chunks.length = 0;
    const [first, ...others] = this.#readers.splice(0);
    if (first === undefined) return;
    this.#finish(outcome).then(first.resolve, first.reject);
    for (const reader of others) reader.resolve({ done: true, value: undefined });
  }

  #open(): void {
    this.#state = 'open';
    this.#control = this.#start(this);
  }

  /** Credit goes back in halves of the window: neither a frame for each chunk, nor a pause for each window. */
  #consume(): void {
    this.#consumed += 1;
    if (this.#state !== 'open' || this.#consumed < Math.ceil(this.#window / 2)) return;
    this.#control?.credit(this.#consumed);
    this.#consumed = 0;
  }

  #finish(outcome: Result<unknown, CoilyardError>): Promise<Step> {
    this.#state = 'finished';
    return outcome.ok ? Promise.resolve({ done: true, value: outcome.value }) : Promise.reject(outcome.error);
  }
}

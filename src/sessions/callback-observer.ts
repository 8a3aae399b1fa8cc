/** An observer that is a function. It is called once per update; one that throws or rejects is removed after one report. */

import { isThenable } from '../kernel/isolate.js';
import type { Caller } from '../variables/access.js';
import type { Sink } from './observers.js';
import type { VariableUpdate } from './update.js';

export type Observer = (update: VariableUpdate) => unknown;

export class CallbackObserver implements Sink {
  readonly caller: Caller | undefined;
  #since: number;
  readonly #call: Observer;
  readonly #onFailure: (error: unknown) => void;
  #active = true;

  /** @param onFailure is called once, after which the observer hears nothing more. */
  constructor(since: number, call: Observer, onFailure: (error: unknown) => void, caller?: Caller) {
    this.#since = since;
    this.caller = caller;
    this.#call = call;
    this.#onFailure = onFailure;
  }

  get since(): number {
    return this.#since;
  }

  startOver(reset: VariableUpdate): void {
    this.#since = reset.revision;
    this.offer(reset);
  }

  offer(update: VariableUpdate): void {
    if (!this.#active) return;
    try {
      const result = this.#call(update);
      if (isThenable(result)) result.then(undefined, (error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  delivered(): void {}

  /** Also a deletion: there is nothing else that could come afterwards. */
  gone(last: VariableUpdate): void {
    this.offer(last);
    this.close();
  }

  /** Nothing is delivered any more, not even of the commit that is being delivered. */
  close(): void {
    this.#active = false;
  }

  #fail(error: unknown): void {
    if (!this.#active) return;
    this.#active = false;
    this.#onFailure(error);
  }
}

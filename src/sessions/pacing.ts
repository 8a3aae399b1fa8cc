/**
 * Throttle and debounce, per variable. Throttled: the first update passes at once, later ones wait for the end of the
 * span and only the last is delivered. Debounced: an update is delivered once its variable has been quiet.
 */

import type { Clock, Timer } from '../kernel/clock.js';
import { merge } from './outbox.js';
import type { VariableUpdate } from './update.js';

export interface PacingOptions {
  readonly throttleMs?: number | undefined;
  readonly debounceMs?: number | undefined;
}

interface Waiting {
  update: VariableUpdate | undefined;
  timer: Timer;
}

export class Pacing {
  readonly #clock: Clock;
  readonly #throttleMs: number;
  readonly #debounceMs: number;
  readonly #deliver: (update: VariableUpdate) => void;
  readonly #waiting = new Map<string, Waiting>();

  constructor(clock: Clock, options: PacingOptions, deliver: (update: VariableUpdate) => void) {
    this.#clock = clock;
    this.#throttleMs = options.throttleMs ?? 0;
    this.#debounceMs = options.debounceMs ?? 0;
    this.#deliver = deliver;
  }

  /** Whether updates have to be looked at as they come, also while nobody waits for one. */
  get isActive(): boolean {
    return this.#throttleMs > 0 || this.#debounceMs > 0;
  }

  offer(update: VariableUpdate): void {
    if (this.#debounceMs > 0) this.#debounce(update);
    else if (this.#throttleMs > 0) this.#throttle(update);
    else this.#deliver(update);
  }

  /** Delivers all that waits, in order of revision. */
  flush(): void {
    const updates: VariableUpdate[] = [];
    for (const { update, timer } of this.#waiting.values()) {
      timer.cancel();
      if (update !== undefined) updates.push(update);
    }
    this.#waiting.clear();
    for (const update of updates.sort((a, b) => a.revision - b.revision)) this.#deliver(update);
  }

  /** Forgets all that waits. */
  clear(): void {
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
  }

  #debounce(update: VariableUpdate): void {
    const id = update.variableId;
    const waiting = this.#waiting.get(id);
    waiting?.timer.cancel();
    const timer = this.#clock.setTimer(this.#debounceMs, () => {
      const last = this.#waiting.get(id)?.update;
      this.#waiting.delete(id);
      if (last !== undefined) this.#deliver(last);
    });
    this.#waiting.set(id, { update: merge(waiting?.update, update), timer });
  }

  #throttle(update: VariableUpdate): void {
    const id = update.variableId;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      waiting.update = merge(waiting.update, update);
      return;
    }
    this.#waiting.set(id, { update: undefined, timer: this.#span(id) });
    this.#deliver(update);
  }

  #span(id: string): Timer {
    return this.#clock.setTimer(this.#throttleMs, () => {
      const waiting = this.#waiting.get(id);
      const update = waiting?.update;
      if (waiting === undefined || update === undefined) {
        this.#waiting.delete(id);
        return;
      }
      waiting.update = undefined;
      waiting.timer = this.#span(id);
      this.#deliver(update);
    });
  }
}

/** A clock that moves only when a test says so. */

import type { Clock, Timer } from '../kernel/clock.js';
import { invalidArgument } from '../kernel/errors.js';

interface Pending {
  readonly dueAtMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  #elapsedMs = 0;
  #order = 0;
  readonly #startAtMs: number;
  readonly #pending = new Set<Pending>();

  /** @param startAtMs the wall clock at the start, epoch milliseconds. Default 2026-01-01T00:00:00Z. */
  constructor(startAtMs = Date.UTC(2026, 0, 1)) {
    this.#startAtMs = startAtMs;
  }

  nowMs(): number {
    return this.#startAtMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const pending = { dueAtMs: this.#elapsedMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Timers that are armed: 0 shows that nothing was left behind. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /**
   * Moves time forward and fires what falls due, in order of due time, letting promises settle before and after each
   * timer so that timers armed by a reaction fire too when they fall into the same span.
   */
  async advance(byMs: number): Promise<void> {
    if (!(typeof byMs === 'number' && byMs >= 0 && byMs < Number.POSITIVE_INFINITY))
      throw invalidArgument('byMs', 'a number of milliseconds, 0 or more', byMs);
    const targetMs = this.#elapsedMs + byMs;
    await settle();
    for (let next = this.#nextDue(targetMs); next !== undefined; next = this.#nextDue(targetMs)) {
      this.#pending.delete(next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueAtMs);
      next.fire();
      await settle();
    }
    this.#elapsedMs = targetMs;
  }

  #nextDue(targetMs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (pending.dueAtMs > targetMs) continue;
      if (
        first === undefined ||
        pending.dueAtMs < first.dueAtMs ||
        (pending.dueAtMs === first.dueAtMs && pending.order < first.order)
      )
        first = pending;
    }
    return first;
  }
}

/** Lets every promise reaction that is due run, however long the chain: the loop turns once with microtasks drained. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

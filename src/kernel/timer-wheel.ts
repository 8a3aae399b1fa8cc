/**
 * One clock timer for any number of deadlines. Scheduling and cancelling are O(1); a deadline fires at most one
 * `granularityMs` late and never early.
 */

import type { Clock, Timer } from './clock.js';

export interface WheelEntry {
  /** Idempotent; does nothing after the entry fired. */
  cancel(): void;
}

export interface TimerWheelOptions {
  readonly clock: Clock;
  /** Width of a slot in milliseconds. Default 25. */
  readonly granularityMs?: number;
  /** Whether a scheduled entry keeps the Node process alive. Default false. */
  readonly keepAlive?: boolean;
  /** Receives what an entry's callback threw; the other entries still fire. */
  readonly onError: (error: unknown) => void;
}

type Slot = Set<() => void>;

export class TimerWheel {
  readonly #clock: Clock;
  readonly #granularityMs: number;
  readonly #keepAlive: boolean;
  readonly #onError: (error: unknown) => void;
  readonly #slots = new Map<number, Slot>();
  /** Slot numbers in use, a binary min-heap; as many as there are distinct slots, not entries. */
  readonly #order: number[] = [];
  #timer: Timer | undefined;
  #timerSlot = Number.POSITIVE_INFINITY;
  /** The slots of the present turn that have not fired yet. */
  #due: Slot[] = [];

  constructor(options: TimerWheelOptions) {
    this.#clock = options.clock;
    this.#granularityMs = options.granularityMs ?? 25;
    this.#keepAlive = options.keepAlive ?? false;
    this.#onError = options.onError;
  }

  /** Runs `fire` once when the clock's monotonic time has reached `dueAtMs`. */
  schedule(dueAtMs: number, fire: () => void): WheelEntry {
    const number = Math.ceil(dueAtMs / this.#granularityMs);
    const entry = (): void => fire();
    const present = this.#slots.get(number);
    if (present !== undefined) {
      present.add(entry);
      return { cancel: () => void present.delete(entry) };
    }
    const slot: Slot = new Set([entry]);
    this.#slots.set(number, slot);
    push(this.#order, number);
    if (number < this.#timerSlot) this.#arm();
    return { cancel: () => void slot.delete(entry) };
  }

  /** Forgets every entry and disarms the timer. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerSlot = Number.POSITIVE_INFINITY;
    this.#slots.clear();
    this.#order.length = 0;
    for (const slot of this.#due) slot.clear();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerSlot = Number.POSITIVE_INFINITY;
    const next = this.#firstOccupied();
    if (next === undefined) return;
    this.#timerSlot = next;
    const delayMs = next * this.#granularityMs - this.#clock.monotonicMs();
    this.#timer = this.#clock.setTimer(delayMs, () => this.#turn(), { keepAlive: this.#keepAlive });
  }

  /** Drops slots at the front whose entries were all cancelled. */
  #firstOccupied(): number | undefined {
    for (let first = this.#order[0]; first !== undefined; first = this.#order[0]) {
      if ((this.#slots.get(first)?.size ?? 0) > 0) return first;
      this.#slots.delete(first);
      pop(this.#order);
    }
    return undefined;
  }

  #turn(): void {
    this.#due = this.#takeDue(this.#clock.monotonicMs());
    // A callback may schedule, also for this very moment: the slot it opens waits for a turn of its own, armed below.
    this.#timerSlot = Number.NEGATIVE_INFINITY;
    for (const slot of this.#due) this.#fire(slot);
    this.#due = [];
    this.#arm();
  }

  #takeDue(nowMs: number): Slot[] {
    const due: Slot[] = [];
    for (let first = this.#order[0]; first !== undefined; first = this.#order[0]) {
      if (first * this.#granularityMs > nowMs) break;
      pop(this.#order);
      const slot = this.#slots.get(first);
      this.#slots.delete(first);
      if (slot !== undefined) due.push(slot);
    }
    return due;
  }

  #fire(slot: Slot): void {
    for (const entry of slot) {
      try {
        entry();
      } catch (error) {
        this.#onError(error);
      }
    }
    slot.clear();
  }
}

function push(heap: number[], value: number): void {
  let at = heap.length;
  heap.push(value);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? value;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    let smallest = heap[child];
    if (smallest === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && right < smallest) {
      child += 1;
      smallest = right;
    }
    if (smallest >= last) break;
    heap[at] = smallest;
    at = child;
  }
  heap[at] = last;
}

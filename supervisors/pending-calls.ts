/**
 * Calls that wait for an answer: each is settled exactly once, by the answer, by its deadline, or by the death of whoever
 * was asked. Calls with the same timeout share one timer, and a call that is answered in the same turn of the event loop
 * costs no timer at all.
 */

import type { Clock, Timer } from '../src/kernel/clock.js';

export class PendingCalls {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param timeoutMs may be `Infinity`. @param expired makes the error of a call that was not answered in time. */
  open<T>(timeoutMs: number, expired: () => unknown): PendingCall<T> {
    let lane = this.#lanes.get(timeoutMs);
    if (lane === undefined) {
      lane = new Lane(timeoutMs, this.#clock, () => this.#lanes.delete(timeoutMs));
      this.#lanes.set(timeoutMs, lane);
    }
    const call = new PendingCall<T>(lane, lane.deadlineAtMs(), expired);
    lane.add(call);
    return call;
  }

  /** Settles all that wait. */
  failAll(error: () => unknown): void {
    for (const lane of this.#lanes.values()) lane.failAll(error);
  }
}

export class PendingCall<T> implements Waiting {
  before: Waiting | undefined;
  after: Waiting | undefined;
  readonly promise: Promise<T>;
  readonly deadlineAtMs: number;
  readonly expired: () => unknown;
  readonly #lane: Lane;
  #settled = false;
  #resolve: (value: T) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(lane: Lane, deadlineAtMs: number, expired: () => unknown) {
    this.#lane = lane;
    this.deadlineAtMs = deadlineAtMs;
    this.expired = expired;
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Answers the call; a late or second answer is dropped. */
  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#lane.remove(this);
    return true;
  }
}

/** What a lane needs to know of its calls, whatever they are answered with: one link of a list. */
interface Waiting {
  before: Waiting | undefined;
  after: Waiting | undefined;
  readonly deadlineAtMs: number;
  readonly expired: () => unknown;
  reject(error: unknown): void;
}

/**
 * The calls with one timeout, which is also the order of their deadlines. A list and not a `Set`: a set that lives long
 * leaves tables behind that keep answered calls from being collected.
 */
class Lane {
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #retire: () => void;
  #oldest: Waiting | undefined;
  #newest: Waiting | undefined;
  #timer: Timer | undefined;
  #watched = false;

  constructor(timeoutMs: number, clock: Clock, retire: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#retire = retire;
  }

  deadlineAtMs(): number {
    return this.#timeoutMs === Infinity ? Infinity : this.#clock.monotonicMs() + this.#timeoutMs;
  }

  add(call: Waiting): void {
    call.before = this.#newest;
    if (this.#newest === undefined) this.#oldest = call;
    else this.#newest.after = call;
    this.#newest = call;
    if (this.#watched || this.#timeoutMs === Infinity) return;
    this.#watched = true;
    setImmediate(this.#watch);
  }

  remove(call: Waiting): void {
    const { before, after } = call;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    call.before = undefined;
    call.after = undefined;
    if (this.#oldest !== undefined || this.#timer === undefined) return;
    this.#timer.cancel();
    this.#watch();
  }

  failAll(error: () => unknown): void {
    while (this.#oldest !== undefined) this.#oldest.reject(error());
  }

  /** Fails what is overdue and arms the timer for the next deadline; an empty lane retires. */
  readonly #watch = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let call = this.#oldest; call !== undefined; call = this.#oldest) {
      if (call.deadlineAtMs > nowMs) {
        this.#timer = this.#clock.setTimer(call.deadlineAtMs - nowMs, this.#watch);
        return;
      }
      call.reject(call.expired());
    }
    this.#watched = false;
    this.#retire();
  };
}

/**
 * The share of the event loop that the optimizers of a runtime have between them: one slice of each of its turns. Work that
 * takes longer goes on in later turns, and several works take turns. So nobody waits for longer than a slice and the piece
 * that ends it, whatever is worked out and for however many runs.
 */

import type { Clock } from '../kernel/clock.js';
import { deferred } from '../kernel/deferred.js';
import { Ring } from '../kernel/ring.js';
import { type Answer, type AnyWork, isWork, type Work } from './algorithms/work.js';

const SLICE_MS = 1;

/** Does a piece, and says whether it was the last one. Never throws. */
type Job = () => boolean;

export class LoopShare {
  readonly #clock: Clock;
  readonly #waiting = new Ring<Job>();
  /** When the slice of this turn of the loop is over; `undefined` before it has begun. */
  #untilMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves with what the answer is in the end. It is begun at once while there is time, else in a later turn of the loop;
   * once the signal has aborted nothing is begun or gone on with any more, which rejects with its reason.
   */
  run<T>(begin: () => Answer<T>, signal?: AbortSignal): Promise<T> {
    const { promise, resolve, reject } = deferred<T>();
    const pieces = asLongAsWanted(begin, signal);
    this.#waiting.push(() => {
      try {
        const { done, value } = pieces.next();
        if (done === true) resolve(value);
        return done === true;
      } catch (error) {
        reject(error);
        return true;
      }
    });
    if (!this.#isOver()) this.#spend();
    return promise;
  }

  #isOver(): boolean {
    return this.#untilMs !== undefined && this.#clock.monotonicMs() >= this.#untilMs;
  }

  #spend(): void {
    if (this.#untilMs === undefined) {
      this.#untilMs = this.#clock.monotonicMs() + SLICE_MS;
      setImmediate(this.#onNextTurn);
    }
    do {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      while (!job())
        if (this.#isOver()) {
          this.#waiting.push(job);
          return;
        }
    } while (!this.#isOver());
  }

  readonly #onNextTurn = (): void => {
    this.#untilMs = undefined;
    if (this.#waiting.length > 0) this.#spend();
  };
}

/** Goes through an answer. One that is not wanted any more is returned from, so that it can clean up, and left at that. */
function* asLongAsWanted<T>(begin: () => Answer<T>, signal: AbortSignal | undefined): Work<T | Promise<T>> {
  signal?.throwIfAborted();
  const answer = begin();
  if (!isWork(answer)) return answer;
  const work: AnyWork<T | undefined> = answer;
  for (;;) {
    const step = answer.next();
    if (step.done === true) return step.value;
    yield;
    if (signal?.aborted !== true) continue;
    work.return(undefined);
    throw signal.reason;
  }
}

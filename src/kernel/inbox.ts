/**
 * The serial queue of one process: turns run one at a time, in order of arrival, never on the stack of whoever pushed.
 * A turn that returns a promise holds the next one back until it settles.
 */

import { isThenable } from './isolate.js';
import { Ring } from './ring.js';

/** One piece of work of a process. */
export type Turn = () => unknown;

/** After so many turns the event loop gets its turn, so that no pair of processes can starve timers and sockets. */
const TURNS_PER_LOOP = 1024;

const soon = Promise.resolve();

export class Inbox {
  /** Most inboxes never hold two turns at a time: only then is there a queue. */
  #first: Turn | undefined;
  #rest: Ring<Turn> | undefined;
  /** Ahead of all others; the last one first. */
  #urgent: Turn[] | undefined;
  #ranSinceYield = 0;
  #state: 'held' | 'idle' | 'busy' | 'closed' = 'held';
  readonly #onCrash: (error: unknown) => void;

  /** The inbox is held until {@link open}. @param onCrash receives what a turn throws or rejects with. */
  constructor(onCrash: (error: unknown) => void) {
    this.#onCrash = onCrash;
  }

  /** Queues a turn; after {@link close} it is dropped. */
  push(turn: Turn): void {
    if (this.#state === 'closed') return;
    if (this.#first === undefined && (this.#rest === undefined || this.#rest.length === 0)) this.#first = turn;
    else {
      this.#rest ??= new Ring();
      this.#rest.push(turn);
    }
    if (this.#state === 'idle') this.#schedule();
  }

  /** Queues a turn ahead of all that wait. */
  pushFirst(turn: Turn): void {
    if (this.#state === 'closed') return;
    this.#urgent ??= [];
    this.#urgent.push(turn);
    if (this.#state === 'idle') this.#schedule();
  }

  /** Lets turns run from now on, those that were pushed before included. */
  open(): void {
    if (this.#state === 'held') this.#schedule();
  }

  /** Drops all that waits; nothing runs any more. The running turn goes on. */
  close(): void {
    this.#state = 'closed';
    this.#first = undefined;
    this.#rest = undefined;
    this.#urgent = undefined;
  }

  #schedule(): void {
    this.#state = 'busy';
    if (this.#ranSinceYield < TURNS_PER_LOOP) {
      soon.then(() => this.#drain());
      return;
    }
    this.#ranSinceYield = 0;
    setImmediate(() => this.#drain());
  }

  #drain(): void {
    while (this.#state === 'busy') {
      if (this.#ranSinceYield >= TURNS_PER_LOOP) {
        this.#schedule();
        return;
      }
      const turn = this.#next();
      if (turn === undefined) {
        this.#state = 'idle';
        return;
      }
      this.#ranSinceYield += 1;
      if (this.#run(turn)) return;
    }
  }

  #next(): Turn | undefined {
    const urgent = this.#urgent?.pop();
    if (urgent !== undefined) return urgent;
    const first = this.#first ?? this.#rest?.shift();
    this.#first = undefined;
    return first;
  }

  /** @returns whether the turn is asynchronous: draining goes on when it settles. */
  #run(turn: Turn): boolean {
    try {
      const result = turn();
      if (!isThenable(result)) return false;
      result.then(
        () => this.#drain(),
        (error: unknown) => {
          this.#onCrash(error);
          this.#drain();
        },
      );
      return true;
    } catch (error) {
      this.#onCrash(error);
      return false;
    }
  }
}

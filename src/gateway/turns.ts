/**
 * Streams that have something to send take turns, so that many of them keep nobody waiting: a few send at once, the rest in
 * later turns of the loop, between which commands are carried out and replies leave.
 */

import { nextTick } from 'node:process';
import { Ring } from '../kernel/ring.js';

/** Streams that send in one turn of the loop: about half a millisecond. */
const PER_TURN = 32;

export class Turns {
  readonly #waiting = new Ring<() => void>();
  #isRunning = false;

  /** @param send sends what a stream has; never throws. The first ones go once no microtask is left. */
  add(send: () => void): void {
    this.#waiting.push(send);
    if (this.#isRunning) return;
    this.#isRunning = true;
    nextTick(this.#run);
  }

  readonly #run = (): void => {
    for (let sent = 0; sent < PER_TURN; sent += 1) {
      const send = this.#waiting.shift();
      if (send === undefined) {
        this.#isRunning = false;
        return;
      }
      send();
    }
    setImmediate(this.#run);
  };
}

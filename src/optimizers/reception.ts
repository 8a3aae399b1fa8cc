/**
 * Clients that ask for something to try: each is answered in its time, waits while there is nothing, and has one thing
 * looked for on its behalf, however often it asks.
 */

import type { Clock } from '../kernel/clock.js';
import { LATE, type Patience, waitFor } from './patience.js';
import { WaitingRoom } from './waiting-room.js';

export interface Visit<T> {
  readonly clientId: string;
  /** Looks for it; `undefined`: there is nothing now. */
  readonly look: () => Promise<T | undefined>;
  /** Whether there will never be anything. */
  readonly isOver: () => boolean;
  readonly patience: Patience;
}

export class Reception<T> {
  readonly #clock: Clock;
  readonly #room: WaitingRoom;
  /** What is being looked for, by client. */
  readonly #looking = new Map<string, Promise<T | undefined>>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#room = new WaitingRoom(clock);
  }

  /** Clients that wait for an answer. */
  get size(): number {
    return this.#size;
  }

  /** What was found; {@link LATE} when the client has to ask again, `undefined` when there is nothing any more. */
  async receive({
    clientId,
    look,
    isOver,
    patience: { timeoutMs, signal },
  }: Visit<T>): Promise<T | typeof LATE | undefined> {
    const untilMs = this.#clock.monotonicMs() + timeoutMs;
    const left = (): Patience => ({ timeoutMs: untilMs - this.#clock.monotonicMs(), signal });
    this.#size += 1;
    try {
      for (;;) {
        const { calls } = this.#room;
        const found = await this.#find(clientId, look, left());
        if (found !== undefined || isOver()) return found;
        if (!(left().timeoutMs > 0 && (await this.#room.wait(left(), calls)))) return LATE;
      }
    } finally {
      this.#size -= 1;
    }
  }

  /** There may be something now: all that wait look again. */
  callAll(): void {
    this.#room.callAll();
  }

  /** Looking goes on when the client has no patience any more: it will ask again. */
  #find(clientId: string, look: Visit<T>['look'], patience: Patience): Promise<T | typeof LATE | undefined> {
    const looking = this.#looking.get(clientId) ?? look();
    if (!this.#looking.has(clientId)) {
      const forget = (): void => void this.#looking.delete(clientId);
      this.#looking.set(clientId, looking);
      looking.then(forget, forget);
    }
    return waitFor(this.#clock, patience, (answer, fail) => {
      looking.then(answer, fail);
      return () => {};
    });
  }
}

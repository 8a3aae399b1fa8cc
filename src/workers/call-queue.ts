/**
 * Calls that wait for a worker. Those that are tried again come before all others; then the sessions take turns, and
 * within a session the first comes first. Calls without a session are one session in this.
 */

import type { Call } from './ledger.js';

export class CallQueue {
  readonly #again = new Set<Call>();
  /** By session, the one whose turn it is first. */
  readonly #lanes = new Map<string | null, Set<Call>>();
  #waiting = 0;

  get size(): number {
    return this.#again.size + this.#waiting;
  }

  push(call: Call): void {
    const { sessionId } = call.request;
    const lane = this.#lanes.get(sessionId) ?? new Set<Call>();
    this.#lanes.set(sessionId, lane.add(call));
    this.#waiting += 1;
  }

  /** For a call that had its turn before. */
  pushAgain(call: Call): void {
    this.#again.add(call);
  }

  delete(call: Call): void {
    if (this.#again.delete(call)) return;
    const { sessionId } = call.request;
    const lane = this.#lanes.get(sessionId);
    if (lane?.delete(call) !== true) return;
    this.#waiting -= 1;
    if (lane.size === 0) this.#lanes.delete(sessionId);
  }

  /** The call is served: it leaves, and its session goes to the end of the line. */
  serve(call: Call): void {
    const { sessionId } = call.request;
    const lane = this.#again.has(call) ? undefined : this.#lanes.get(sessionId);
    this.delete(call);
    if (lane === undefined || lane.size === 0) return;
    this.#lanes.delete(sessionId);
    this.#lanes.set(sessionId, lane);
  }

  /** In the order of serving. Calls may be added and deleted meanwhile. */
  *[Symbol.iterator](): Generator<Call, void, void> {
    yield* this.#again;
    // As the lanes stand now: one that is served moves to the end, where a walk over the map would meet it again.
    let lanes = Array.from(this.#lanes.values(), (lane) => lane[Symbol.iterator]());
    while (lanes.length > 0) {
      const left: typeof lanes = [];
      for (const lane of lanes) {
        const { value, done } = lane.next();
        if (done === true) continue;
        yield value;
        left.push(lane);
      }
      lanes = left;
    }
  }
}

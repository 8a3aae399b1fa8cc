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
    if (lane === undefined || lane.size === 0 || this.#lanes.size === 1) return;
    this.#lanes.delete(sessionId);
    this.#lanes.set(sessionId, lane);
  }

  /** In the order of serving. Calls may be added, deleted and served meanwhile. */
  *[Symbol.iterator](): Generator<Call, void, void> {
    yield* this.#again;
    const seen = new Set<Call>();
    // A session that is served moves to the end of the map, where this walk meets it again: its turn has come round.
    for (const lane of this.#lanes.values()) {
      const [first] = lane;
      if (first === undefined || seen.has(first)) continue;
      seen.add(first);
      yield first;
    }
    // Behind calls that could not be served others may wait that can.
    for (const lane of [...this.#lanes.values()]) for (const call of lane) if (!seen.has(call)) yield call;
  }
}

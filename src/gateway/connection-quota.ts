/** How many connections each principal calls over, and how many it may. A connection shows who it is with its calls. */

import type { Socket } from 'node:net';
import { CoilyardError } from '../kernel/errors.js';

export class ConnectionQuota {
  readonly #most: number;
  /** The principals that have called over a connection, by its other end. */
  readonly #callers = new Map<string, Set<string>>();
  readonly #connections = new Map<string, number>();

  /** @param most connections of one principal at the same time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is anything to count. */
  get limits(): boolean {
    return this.#most !== Infinity;
  }

  /** From now until it closes, calls over it count for whoever makes them. */
  opened(connection: Socket): void {
    if (!this.limits) return;
    const peer = `${connection.remoteAddress}:${connection.remotePort}`;
    this.#callers.set(peer, new Set());
    connection.once('close', () => this.#closed(peer));
  }

  /** @throws CoilyardError `rate_limited` for the first call over one connection more than there may be. */
  admit(peer: string, principal: string): void {
    const callers = this.#callers.get(peer);
    if (callers === undefined || callers.has(principal)) return;
    const connections = this.#connections.get(principal) ?? 0;
    if (connections >= this.#most)
      throw new CoilyardError('rate_limited', `${principal} has ${connections} connections, which is all it may have`, {
        details: { principal, limit: this.#most },
      });
    callers.add(principal);
    this.#connections.set(principal, connections + 1);
  }

  #closed(peer: string): void {
    for (const principal of this.#callers.get(peer) ?? []) {
      const left = (this.#connections.get(principal) ?? 1) - 1;
      if (left === 0) this.#connections.delete(principal);
      else this.#connections.set(principal, left);
    }
    this.#callers.delete(peer);
  }
}

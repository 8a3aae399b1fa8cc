/** The answers to requests that carried an id, for whoever asks again. Bounded in number and in what they hold on to. */

import type { CommandReply } from './commands.js';
import { weightOfReply } from './weight.js';

/** How many answered requests a session remembers for retries. */
export const REMEMBERED_REQUESTS = 1000;

/** How many bytes of values the answers hold on to together; the newest is always remembered. */
export const REMEMBERED_BYTES = 64 * 1024 * 1024;

export class RememberedRequests {
  readonly #replies = new Map<string, CommandReply>();
  #bytes = 0;

  get(requestId: string): CommandReply | undefined {
    return this.#replies.get(requestId);
  }

  /** Oldest first. */
  entries(): Iterable<readonly [string, CommandReply]> {
    return this.#replies;
  }

  add(requestId: string, reply: CommandReply): void {
    this.#forget(requestId);
    this.#replies.set(requestId, reply);
    this.#bytes += weightOfReply(reply.body);
    if (this.#replies.size <= REMEMBERED_REQUESTS && this.#bytes <= REMEMBERED_BYTES) return;
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= REMEMBERED_REQUESTS && this.#bytes <= REMEMBERED_BYTES) return;
      if (oldest !== requestId) this.#forget(oldest);
    }
  }

  #forget(requestId: string): void {
    const reply = this.#replies.get(requestId);
    if (reply === undefined) return;
    this.#replies.delete(requestId);
    this.#bytes -= weightOfReply(reply.body);
  }
}

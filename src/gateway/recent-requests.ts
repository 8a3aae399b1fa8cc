/**
 * Requests outside of any session that were answered lately: the same id gets the same answer, and has its effect once.
 * Kept in this process, bounded in number and in bytes; requests inside a session are remembered by the session itself.
 */

import { CoilyardError, type ErrorCode } from '../kernel/errors.js';
import { optionalText } from '../wire/fields.js';
import type { UnaryCall } from './unary.js';

/** What tells one request from another. */
export interface RequestKey {
  /** Absent: it has no id, and is carried out each time. */
  readonly id: string | undefined;
  /** What it asks for: an id is good for one thing. */
  readonly about: string;
}

/** Another principal's request of the same id is another request. */
export function requestKey(requestId: string, { principal }: UnaryCall, about: string): RequestKey {
  const id = optionalText(requestId, 'request_id');
  return { id: id === undefined ? undefined : `${principal.name} ${id}`, about };
}

export interface RecentRequestsOptions<Answer> {
  readonly limit: number;
  /** About how many bytes an answer takes. Default: nothing that would count. */
  readonly weigh?: (answer: Answer) => number;
  /** Of all answers; the newest is always kept. Default 64 MiB. */
  readonly maxBytes?: number;
}

interface Recent<Answer> {
  readonly about: string;
  readonly answer: Promise<Answer>;
  bytes: number;
}

/** Ends of a call that are its caller's own. */
const ofItsCaller: readonly ErrorCode[] = Object.freeze(['cancelled', 'deadline_exceeded']);

export class RecentRequests<Answer> {
  readonly #recent = new Map<string, Recent<Answer>>();
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #weigh: (answer: Answer) => number;
  #bytes = 0;

  constructor({ limit, maxBytes = 64 * 1024 * 1024, weigh = () => 0 }: RecentRequestsOptions<Answer>) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
    this.#weigh = weigh;
  }

  /**
   * Without an id every request is carried out; one that failed may be tried again. Rejects with `invalid_argument` when the
   * id has been used for something else.
   */
  async once(key: RequestKey, carryOut: () => Promise<Answer>): Promise<Answer> {
    const { id, about } = key;
    if (id === undefined) return carryOut();
    const earlier = this.#recent.get(id);
    if (earlier === undefined) return this.#begin(id, about, carryOut);
    if (earlier.about !== about) throw usedOtherwise();
    try {
      return await earlier.answer;
    } catch (error) {
      // Whoever asked first has gone, or had less time: this one is still there.
      if (!(error instanceof CoilyardError && ofItsCaller.includes(error.code))) throw error;
      return this.once(key, carryOut);
    }
  }

  #begin(id: string, about: string, carryOut: () => Promise<Answer>): Promise<Answer> {
    const answer = carryOut();
    const recent: Recent<Answer> = { about, answer, bytes: 0 };
    this.#recent.set(id, recent);
    this.#dropOldest();
    answer.then(
      (given) => {
        if (this.#recent.get(id) !== recent) return;
        recent.bytes = this.#weigh(given);
        this.#bytes += recent.bytes;
        this.#dropOldest(id);
      },
      () => {
        if (this.#recent.get(id) === recent) this.#forget(id);
      },
    );
    return answer;
  }

  #forget(id: string): void {
    this.#bytes -= this.#recent.get(id)?.bytes ?? 0;
    this.#recent.delete(id);
  }

  /** @param newest is kept whatever it takes. */
  #dropOldest(newest?: string): void {
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= this.#limit && this.#bytes <= this.#maxBytes) return;
      if (oldest !== newest) this.#forget(oldest);
    }
  }
}

const usedOtherwise = (): CoilyardError =>
  new CoilyardError(
    'invalid_argument',
    'request_id: expected an id of its own for each request, got one that another request has used',
    { details: { field: 'request_id' } },
  );

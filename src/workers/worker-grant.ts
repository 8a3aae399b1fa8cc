/**
 * The sessions that a worker's token grants: those of which it was given a call in this life, and no other. What it does in
 * the background after a call still finds its session; of the sessions without a call in hand the latest are kept.
 */

import type { SessionId } from '../kernel/ids.js';
import { keepLatest } from '../kernel/keep-latest.js';
import type { SessionGrant } from './attachment.js';

/** Sessions without a call in hand that are remembered; the one left longest is forgotten first. */
const KEPT = 10_000;

export class WorkerGrant implements SessionGrant {
  readonly #kept: number;
  readonly #calls = new Map<number, SessionId>();
  /** How many calls of each session are in hand. */
  readonly #busy = new Map<string, number>();
  /** Without a call in hand, in the order in which they were left. */
  readonly #left = new Set<string>();
  readonly #closing = new Set<() => void>();
  #isClosed = false;

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many sessions are granted. */
  get size(): number {
    return this.#busy.size + this.#left.size;
  }

  has(sessionId: string): boolean {
    return this.#busy.has(sessionId) || this.#left.has(sessionId);
  }

  /** The worker was given a call of this session. */
  given(callId: number, sessionId: SessionId): void {
    if (this.#isClosed) return;
    this.#calls.set(callId, sessionId);
    this.#left.delete(sessionId);
    this.#busy.set(sessionId, (this.#busy.get(sessionId) ?? 0) + 1);
  }

  /** The worker has answered that call. */
  answered(callId: number): void {
    const sessionId = this.#calls.get(callId);
    if (sessionId === undefined) return;
    this.#calls.delete(callId);
    const calls = (this.#busy.get(sessionId) ?? 1) - 1;
    if (calls > 0) {
      this.#busy.set(sessionId, calls);
      return;
    }
    this.#busy.delete(sessionId);
    this.#left.add(sessionId);
    keepLatest(this.#left, this.#kept);
  }

  whenClosed(callback: () => void): () => void {
    if (this.#isClosed) callback();
    else this.#closing.add(callback);
    return () => void this.#closing.delete(callback);
  }

  /** The life is over. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#calls.clear();
    this.#busy.clear();
    this.#left.clear();
    const closing = [...this.#closing];
    this.#closing.clear();
    for (const callback of closing) callback();
  }
}

/**
 * Sessions with a time to live that do not live now but are kept in the store. Nobody reads or writes them there, so from
 * the moment they were left they have their time to live once more; whoever finds one in time makes it live again.
 */

import type { Clock } from '../kernel/clock.js';
import type { SessionId } from '../kernel/ids.js';
import { warnOf } from '../kernel/isolate.js';
import type { TimerWheel, WheelEntry } from '../kernel/timer-wheel.js';
import type { SessionRecord, SessionStore } from './store.js';

export interface KeptSessionsOptions {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly store: SessionStore;
  /** Removes one whose time is up. Called once for each, and not again unless it is kept again. Must not throw. */
  readonly onExpired: (record: SessionRecord) => void;
}

interface Kept {
  readonly record: SessionRecord;
  /** Monotonic. */
  readonly dueAtMs: number;
  readonly entry: WheelEntry;
}

/** Sessions looked at together when a store is surveyed. */
const PAGE = 500;
/** A survey that the store did not answer is tried again so much later. */
const SURVEY_RETRY_MS = 60_000;

export class KeptSessions {
  readonly #options: KeptSessionsOptions;
  readonly #kept = new Map<SessionId, Kept>();
  #retry: WheelEntry | undefined;
  #isClosed = false;

  constructor(options: KeptSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Its time to live begins now. One without is kept for ever, and is none of our business. */
  add(record: SessionRecord): void {
    const { id, ttlMs } = record;
    if (ttlMs === null || this.#isClosed) return;
    this.remove(id);
    const { clock, wheel } = this.#options;
    const dueAtMs = clock.monotonicMs() + ttlMs;
    this.#kept.set(id, { record, dueAtMs, entry: wheel.schedule(dueAtMs, () => this.#expire(id)) });
  }

  /** It lives again, or is gone. */
  remove(id: SessionId): void {
    this.#kept.get(id)?.entry.cancel();
    this.#kept.delete(id);
  }

  /** The wheel may be a little late: whoever asks for one whose time is up does not get it. */
  expireIfDue(id: SessionId): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined && this.#options.clock.monotonicMs() >= kept.dueAtMs) this.#expire(id);
  }

  /**
   * Takes up what the store has kept from before, unless `lives` says that it does not. Only for a store that nobody else
   * has open: others may be using it.
   */
  async survey(lives: (id: SessionId) => boolean): Promise<void> {
    const { store, clock, wheel } = this.#options;
    try {
      for (let after = ''; !this.#isClosed; ) {
        const ids = await store.list(after, PAGE);
        for (const id of ids) {
          if (lives(id) || this.#kept.has(id)) continue;
          const stored = await store.find(id);
          if (stored !== undefined && !lives(id)) this.add(stored.record);
        }
        const last = ids.at(-1);
        if (last === undefined || ids.length < PAGE) return;
        after = last;
      }
    } catch (error) {
      if (this.#isClosed) return;
      // Said once: whoever asks the store for something is told as well, and what it keeps can wait.
      if (this.#retry === undefined) warnOf(error, 'looking for sessions that the store has kept');
      this.#retry?.cancel();
      this.#retry = wheel.schedule(clock.monotonicMs() + SURVEY_RETRY_MS, () => void this.survey(lives));
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    for (const { entry } of this.#kept.values()) entry.cancel();
    this.#kept.clear();
  }

  #expire(id: SessionId): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.remove(id);
    this.#options.onExpired(kept.record);
  }
}

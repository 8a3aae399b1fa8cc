/** A memory store whose answers to commits the test decides. What it holds is always sound. */

import { CoilyardError } from '../../../src/kernel/errors.js';
import type { SessionId } from '../../../src/kernel/ids.js';
import type { CommitOutcome, CommitRequest, MaybePromise, SessionStore } from '../../../src/sessions/store.js';
import { memoryStore } from '../../../src/sessions/stores/memory.js';
import { settle } from '../../../src/testing/manual-clock.js';

export type Fate =
  /** Applies and answers at once. */
  | 'now'
  /** Applies and answers when the test lets it {@link ScriptedStore.land}. */
  | 'later'
  /** Applies at once, answers when the test lets it land. */
  | 'applied_answered_later'
  | 'throws_before'
  | 'throws_after'
  | 'rejects_before'
  | 'rejects_after'
  /** Does not apply, and rejects when the test lets it land. */
  | 'rejects_later'
  | 'conflict'
  | 'fenced'
  /** Applies and answers what is no outcome. */
  | 'garbage'
  /** Applies and answers, and hands back an event that cannot be evolved: the state breaks in the middle. */
  | 'breaks_state';

export class ScriptedStore implements SessionStore {
  readonly kind = 'scripted';
  readonly inner: SessionStore;
  /** What happens to the next commits, in order; afterwards {@link usual}. */
  readonly fates: Fate[] = [];
  usual: Fate = 'now';
  /** Every commit that was asked for. */
  readonly requests: CommitRequest[] = [];
  /** Makes the next reads fail. */
  failingReads = 0;
  readonly #held: (() => void)[] = [];

  constructor(inner: SessionStore = memoryStore()) {
    this.inner = inner;
  }

  /** Lets everything that is held land, and what follows from it happen. */
  async land(): Promise<void> {
    for (const release of this.#held.splice(0)) release();
    await settle();
  }

  get held(): number {
    return this.#held.length;
  }

  commit(id: SessionId, request: CommitRequest): MaybePromise<CommitOutcome> {
    this.requests.push(request);
    const apply = (): CommitOutcome => {
      // The memory store answers at once.
      const outcome = this.inner.commit(id, { ...request, events: [...request.events] }) as CommitOutcome;
      return outcome;
    };
    const fate = this.fates.shift() ?? this.usual;
    switch (fate) {
      case 'now':
        return apply();
      case 'later':
        return new Promise((resolve) => this.#held.push(() => resolve(apply())));
      case 'applied_answered_later': {
        const outcome = apply();
        return new Promise((resolve) => this.#held.push(() => resolve(outcome)));
      }
      case 'throws_before':
        throw new Error('the disk is gone');
      case 'throws_after':
        apply();
        throw new Error('the disk is gone');
      case 'rejects_before':
        return Promise.reject(new CoilyardError('store_unavailable', 'no connection', { execution: 'not_started' }));
      case 'rejects_after':
        apply();
        return Promise.reject(new Error('the connection was lost'));
      case 'rejects_later':
        return new Promise((_resolve, reject) => this.#held.push(() => reject(new Error('the connection was lost'))));
      case 'conflict':
        return { type: 'conflict', current: { revision: 99, tag: 'other' } };
      case 'fenced':
        return { type: 'fenced' };
      case 'garbage':
        apply();
        // What no adapter may answer.
        return undefined as unknown as CommitOutcome;
      case 'breaks_state': {
        const outcome = apply();
        // The session evolves the very events that it handed over.
        (request.events as unknown[]).push({ type: 'variable.deleted', variableId: 'var_none_0', name: 'none' });
        return outcome;
      }
    }
  }

  create(...args: Parameters<SessionStore['create']>) {
    return this.inner.create(...args);
  }
  find(...args: Parameters<SessionStore['find']>) {
    this.#read();
    return this.inner.find(...args);
  }
  resume(...args: Parameters<SessionStore['resume']>) {
    this.#read();
    return this.inner.resume(...args);
  }
  subscribe(...args: Parameters<SessionStore['subscribe']>) {
    return this.inner.subscribe(...args);
  }
  list(...args: Parameters<SessionStore['list']>) {
    return this.inner.list(...args);
  }
  delete(...args: Parameters<SessionStore['delete']>) {
    return this.inner.delete(...args);
  }
  close() {
    return this.inner.close();
  }

  #read(): void {
    if (this.failingReads === 0) return;
    this.failingReads -= 1;
    throw new Error('the disk cannot be read');
  }
}

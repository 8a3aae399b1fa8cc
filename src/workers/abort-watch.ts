/** Many listeners on one abort signal through one: Node warns of a leak from the eleventh on, though each is removed. */

interface Watched {
  readonly listeners: Set<() => void>;
  readonly onAbort: () => void;
}

export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();

  /** Calls `listener` when the signal aborts. @returns the function that takes it back; idempotent. */
  on(signal: AbortSignal, listener: () => void): () => void {
    const { listeners } = this.#watched.get(signal) ?? this.#watch(signal);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#forget(signal);
    };
  }

  #watch(signal: AbortSignal): Watched {
    const listeners = new Set<() => void>();
    const onAbort = (): void => {
      for (const listener of listeners) listener();
    };
    const watched: Watched = { listeners, onAbort };
    this.#watched.set(signal, watched);
    signal.addEventListener('abort', onAbort, { once: true });
    return watched;
  }

  #forget(signal: AbortSignal): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined || watched.listeners.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.onAbort);
  }
}

/** Lets so many starts through at the same time; the others wait their turn. */

export class StartGate {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** Rejects with the reason of the signal when that aborts first. @returns the function that makes room; idempotent. */
  enter(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        this.#waiting.delete(admit);
        signal.removeEventListener('abort', onAbort);
        this.#free -= 1;
        let isIn = true;
        resolve(() => {
          if (!isIn) return;
          isIn = false;
          this.#free += 1;
          const [next] = this.#waiting;
          next?.();
        });
      };
      const onAbort = (): void => {
        this.#waiting.delete(admit);
        reject(signal.reason);
      };
      if (signal.aborted) reject(signal.reason);
      else if (this.#free > 0) admit();
      else {
        this.#waiting.add(admit);
        signal.addEventListener('abort', onAbort, { once: true });
      }
    });
  }
}

/**
 * Time and randomness as arguments. Nothing else in the house reads a clock, arms a timer or draws a random number, so
 * every test can run on a manual clock.
 */

import { randomBytes, randomUUID } from 'node:crypto';

/** An armed timer. */
export interface Timer {
  /** Disarms the timer. Idempotent; does nothing after it fired. */
  cancel(): void;
}

export interface TimerOptions {
  /** Whether the pending timer keeps the process alive. Default true. */
  readonly keepAlive?: boolean;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch, UTC. May jump. For timestamps that people read. */
  nowMs(): number;
  /** Milliseconds from an arbitrary origin; never goes back. For durations, deadlines and windows. */
  monotonicMs(): number;
  /** Runs `fire` once, `delayMs` from now at the earliest, never on the caller's stack. Below 0 counts as 0. */
  setTimer(delayMs: number, fire: () => void, options?: TimerOptions): Timer;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Unguessable text for tokens and tags: `bytes` random bytes in base64url. */
  token(bytes: number): string;
  /** A version 4 UUID. */
  uuid(): string;
}

/** The longest delay that a Node timer takes; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire, options) {
    const dueAtMs = performance.now() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = setTimeout(onTimeout, Math.max(0, Math.min(leftMs, LONGEST_DELAY_MS)));
      if (options?.keepAlive === false) handle.unref();
    };
    // Node counts whole milliseconds: a timeout may come a fraction too early.
    const onTimeout = (): void => {
      const leftMs = dueAtMs - performance.now();
      if (leftMs > 0) arm(leftMs);
      else fire();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

export const systemRandom: Random = {
  next: () => Math.random(),
  token: (bytes) => randomBytes(bytes).toString('base64url'),
  uuid: () => randomUUID(),
};

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

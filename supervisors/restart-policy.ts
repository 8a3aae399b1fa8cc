/** Decides what happens to a child that exited. Pure: no clock, no timers, no logging. */

import { type ExitReason, isCleanExit } from '../src/kernel/exit-reason.js';

export type RestartType = 'permanent' | 'transient' | 'temporary';

export interface RestartBudget {
  /** Restarts allowed inside the window; one more gives up. Supervisor default 3 (Elixir's `max_restarts`). */
  readonly maxRestarts: number;
  /** Window length in ms, both ends inclusive. Supervisor default 5000. */
  readonly withinMs: number;
}

/** Waits between restarts. The first is immediate; the kth after that waits up to `min(capMs, baseMs * 2^(k-1))`. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
  /** A child that lived this long is healthy: the next restart is a first one again. Default `capMs`. */
  readonly healthyMs?: number;
  /** `full` draws the wait uniformly from 0 to its bound, so that many children do not come back at once. Default `full`. */
  readonly jitter?: 'full' | 'none';
}

/** One restart attempt. */
export interface RestartStamp {
  readonly atMs: number;
  /** The waits before all earlier attempts, added up. */
  readonly waitedMs: number;
}

/** A budget and what was spent of it. */
export interface SpentBudget extends RestartBudget {
  /** Earlier attempts, oldest first; more than the last `maxRestarts` are not needed. */
  readonly stamps: readonly RestartStamp[];
  /** The waits before all attempts so far, added up. */
  readonly waitedMs: number;
}

/** `permanent`: after any exit; `transient`: only after an abnormal one; `temporary`: never (S26). */
export function wantsRestart(restart: RestartType, reason: ExitReason): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isCleanExit(reason));
}

/**
 * Whether the budget has a unit left: with the attempt of this moment no more than `maxRestarts` fall into the window
 * (S33). Time that was spent waiting for restarts does not count: otherwise slow loops under backoff would never reach the
 * limit.
 */
export function allowsAttempt({ maxRestarts, withinMs, stamps, waitedMs }: SpentBudget, nowMs: number): boolean {
  if (maxRestarts === 0) return false;
  const decisive = stamps[stamps.length - maxRestarts];
  return decisive === undefined || decisive.atMs - decisive.waitedMs < nowMs - waitedMs - withinMs;
}

/**
 * The wait before a restart.
 *
 * @param failures restarts in a row before this one, without a healthy life between them.
 * @param draw uniform in [0, 1).
 */
export function backoffDelayMs(backoff: Backoff, failures: number, draw: number): number {
  if (failures === 0) return 0;
  const boundMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** (failures - 1));
  return backoff.jitter === 'none' ? boundMs : boundMs * draw;
}

/** Whether a life of this length resets the backoff. */
export const wasHealthy = (backoff: Backoff | undefined, livedMs: number): boolean =>
  backoff === undefined || livedMs >= (backoff.healthyMs ?? backoff.capMs);

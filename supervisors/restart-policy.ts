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

/** One restart attempt: when, and how long it waited for it. */
export interface RestartStamp {
  readonly atMs: number;
  readonly delayMs: number;
}

export interface SpentBudget extends RestartBudget {
  /** Earlier attempts, oldest first. */
  readonly stamps: readonly RestartStamp[];
}

export type RestartDecision =
  | { readonly type: 'remove' }
  | { readonly type: 'restart' }
  | { readonly type: 'give_up'; readonly restartsInWindow: number };

/** `permanent`: after any exit; `transient`: only after an abnormal one; `temporary`: never (S26). */
export function wantsRestart(restart: RestartType, reason: ExitReason): boolean {
  return restart === 'permanent' || (restart === 'transient' && !isCleanExit(reason));
}

/**
 * The attempts that still count at `nowMs`. Time that was spent waiting for a restart does not let an attempt expire:
 * otherwise slow loops under backoff would never reach the limit.
 */
export function restartsInWindow(
  stamps: readonly RestartStamp[],
  withinMs: number,
  nowMs: number,
): readonly RestartStamp[] {
  let waitedMs = 0;
  let first = stamps.length;
  for (let index = stamps.length - 1; index >= 0; index -= 1) {
    const stamp = stamps[index];
    if (stamp === undefined || stamp.atMs < nowMs - withinMs - waitedMs - stamp.delayMs) break;
    waitedMs += stamp.delayMs;
    first = index;
  }
  return stamps.slice(first);
}

/** Whether every budget allows one more attempt now; the current attempt is counted (S33 to S35). */
export function decideAttempt(budgets: readonly SpentBudget[], nowMs: number): RestartDecision {
  for (const budget of budgets) {
    const count = restartsInWindow(budget.stamps, budget.withinMs, nowMs).length + 1;
    if (count > budget.maxRestarts) return { type: 'give_up', restartsInWindow: count };
  }
  return { type: 'restart' };
}

/** What an exit leads to: removal, a restart, or the end of the supervisor. */
export function decideRestart(
  restart: RestartType,
  reason: ExitReason,
  budgets: readonly SpentBudget[],
  nowMs: number,
): RestartDecision {
  return wantsRestart(restart, reason) ? decideAttempt(budgets, nowMs) : { type: 'remove' };
}

/**
 * The wait before a restart.
 *
 * @param failures restarts in a row before this one, without a healthy life between them.
 * @param draw uniform in [0, 1).
 */
export function backoffDelayMs(backoff: Backoff | undefined, failures: number, draw: number): number {
  if (backoff === undefined || failures === 0) return 0;
  const boundMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** (failures - 1));
  return backoff.jitter === 'none' ? boundMs : boundMs * draw;
}

/** Whether a life of this length resets the backoff. */
export const wasHealthy = (backoff: Backoff | undefined, livedMs: number): boolean =>
  backoff === undefined || livedMs >= (backoff.healthyMs ?? backoff.capMs);

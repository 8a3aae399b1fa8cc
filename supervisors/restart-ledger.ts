/** Keeps the books of restarts: what each budget has spent, how long the next wait is, what each life ended with. */

import type { ExitReason } from '../src/kernel/exit-reason.js';
import type { Child } from './child.js';
import {
  backoffDelayMs,
  decideAttempt,
  type RestartBudget,
  type RestartStamp,
  restartsInWindow,
  type SpentBudget,
  wasHealthy,
} from './restart-policy.js';
import type { CheckedFlags } from './supervisor-flags.js';

export type Attempt =
  | { readonly type: 'restart'; readonly delayMs: number; readonly attempt: number }
  | { readonly type: 'give_up'; readonly restartsInWindow: number };

export class RestartLedger {
  readonly #flags: CheckedFlags;
  #stamps: readonly RestartStamp[] = [];

  constructor(flags: CheckedFlags) {
    this.#flags = flags;
  }

  /** Notes that a life ended. */
  ended(child: Child, reason: ExitReason): void {
    const { clock, historySize } = this.#flags;
    const livedMs = clock.monotonicMs() - child.startedAtMs;
    const { recovery } = child;
    recovery.lastReason = reason;
    if (historySize > 0) {
      const endedAtMs = clock.nowMs();
      const startedAtMs = endedAtMs - livedMs;
      recovery.lives.push({ startedAtMs, endedAtMs, reason, delayMs: recovery.delayMs, attempt: recovery.failures });
      if (recovery.lives.length > historySize) recovery.lives.shift();
    }
    if (wasHealthy(this.#backoff(child), livedMs)) recovery.failures = 0;
  }

  /** Spends one unit for a restart of the child, or says that there is none left (S33, S34). */
  spend(child: Child): Attempt {
    const { clock, random } = this.#flags;
    const nowMs = clock.monotonicMs();
    const { recovery } = child;
    const decision = decideAttempt(this.#budgets(child), nowMs);
    if (decision.type === 'give_up') return decision;
    const delayMs = backoffDelayMs(this.#backoff(child), recovery.failures, random.next());
    const stamp = { atMs: nowMs, delayMs };
    const own = ownBudget(child, this.#flags.budget);
    if (own !== undefined) recovery.stamps = [...restartsInWindow(recovery.stamps, own.withinMs, nowMs), stamp];
    if (child.spec.breaker === undefined)
      this.#stamps = [...restartsInWindow(this.#stamps, this.#flags.budget.withinMs, nowMs), stamp];
    recovery.delayMs = delayMs;
    recovery.failures += 1;
    return { type: 'restart', delayMs, attempt: recovery.failures };
  }

  #backoff(child: Child): CheckedFlags['backoff'] {
    return child.spec.backoff ?? this.#flags.backoff;
  }

  #budgets(child: Child): readonly SpentBudget[] {
    const budgets: SpentBudget[] = [];
    const own = ownBudget(child, this.#flags.budget);
    if (own !== undefined) budgets.push({ ...own, stamps: child.recovery.stamps });
    if (child.spec.breaker === undefined) budgets.push({ ...this.#flags.budget, stamps: this.#stamps });
    return budgets;
  }
}

/** A child under a breaker always has a budget of its own. */
function ownBudget({ spec }: Child, fallback: RestartBudget): RestartBudget | undefined {
  return spec.budget ?? (spec.breaker === undefined ? undefined : fallback);
}

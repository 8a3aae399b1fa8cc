/** Keeps the books of restarts: what each budget has spent, how long the next wait is, what each life ended with. */

import type { ExitReason } from '../src/kernel/exit-reason.js';
import { BudgetBook } from './budget-book.js';
import type { Child } from './child.js';
import { allowsAttempt, type Backoff, backoffDelayMs, wasHealthy } from './restart-policy.js';
import type { CheckedFlags } from './supervisor-flags.js';

export type Attempt =
  | { readonly type: 'restart'; readonly delayMs: number; readonly attempt: number }
  | { readonly type: 'give_up' };

export class RestartLedger {
  readonly #flags: CheckedFlags;
  readonly #shared: BudgetBook;

  constructor(flags: CheckedFlags) {
    this.#flags = flags;
    this.#shared = new BudgetBook(flags.budget);
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

  /** Spends one unit for a restart of the child, or says that there is none left (S34). */
  spend(child: Child): Attempt {
    const { clock, random } = this.#flags;
    const nowMs = clock.monotonicMs();
    const books = this.#books(child);
    if (!books.every((book) => allowsAttempt(book, nowMs))) return { type: 'give_up' };
    const { recovery } = child;
    const backoff = this.#backoff(child);
    const delayMs = backoff === undefined ? 0 : backoffDelayMs(backoff, recovery.failures, random.next());
    for (const book of books) book.spend(nowMs, delayMs);
    recovery.delayMs = delayMs;
    recovery.failures += 1;
    return { type: 'restart', delayMs, attempt: recovery.failures };
  }

  #backoff(child: Child): Backoff | undefined {
    return child.spec.recovery?.backoff ?? this.#flags.backoff;
  }

  /** Every budget that a restart of the child spends. A child under a breaker spends its own alone. */
  #books({ spec, recovery }: Child): readonly BudgetBook[] {
    const own = spec.recovery?.budget ?? (spec.recovery?.breaker === undefined ? undefined : this.#flags.budget);
    if (own === undefined) return [this.#shared];
    recovery.spent ??= new BudgetBook(own);
    return spec.recovery?.breaker === undefined ? [this.#shared, recovery.spent] : [recovery.spent];
  }
}

/** What was spent of one restart budget. */

import type { RestartBudget, RestartStamp, SpentBudget } from './restart-policy.js';

export class BudgetBook implements SpentBudget {
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly stamps: RestartStamp[] = [];
  waitedMs = 0;

  constructor({ maxRestarts, withinMs }: RestartBudget) {
    this.maxRestarts = maxRestarts;
    this.withinMs = withinMs;
  }

  spend(atMs: number, delayMs: number): void {
    this.stamps.push({ atMs, waitedMs: this.waitedMs });
    this.waitedMs += delayMs;
    // Trimmed now and then, so that an attempt costs the same whatever the size of the budget.
    if (this.stamps.length > 2 * this.maxRestarts) this.stamps.splice(0, this.stamps.length - this.maxRestarts);
  }
}

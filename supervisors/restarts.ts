/** When a child is tried again: at once, after a wait, after its breaker has cooled down, or never. */

import type { Turn } from '../src/kernel/inbox.js';
import { closedBreaker, openBreaker } from './breaker.js';
import type { Child } from './child.js';
import type { Happening } from './events.js';
import type { RestartLedger } from './restart-ledger.js';
import type { CheckedFlags } from './supervisor-flags.js';

/** What the restarts of a supervisor need from it. */
export interface RestartHost {
  readonly flags: CheckedFlags;
  readonly ledger: RestartLedger;
  /** Queues a turn in the supervisor's mailbox. */
  post(turn: Turn): void;
  /** Restarts the child now, and whoever the strategy says with it. */
  revive(child: Child): Promise<void>;
  /** The budget is spent. */
  giveUp(child: Child): void;
  tell(child: Child, happening: Happening): void;
}

export class Restarts {
  readonly #host: RestartHost;

  constructor(host: RestartHost) {
    this.#host = host;
  }

  /** Spends one unit and restarts the child, or gives up. To be called in a turn of the supervisor. */
  attempt(child: Child): Promise<void> | undefined {
    if (child.breaker?.type === 'half_open') return this.#breakCircuit(child);
    const attempt = this.#host.ledger.spend(child);
    if (attempt.type === 'give_up') {
      if (child.spec.recovery?.breaker !== undefined) return this.#breakCircuit(child);
      this.#host.giveUp(child);
      return undefined;
    }
    if (attempt.delayMs === 0) return this.#host.revive(child);
    const { delayMs, attempt: nth } = attempt;
    this.#host.tell(child, { type: 'child.restart_scheduled', delayMs, attempt: nth });
    this.#later(child, delayMs, () => this.#host.revive(child));
    return undefined;
  }

  /** The next attempt is one more message in the mailbox, behind those that wait there (S38). */
  attemptAgain(child: Child): void {
    const retry = child.restarting();
    this.#host.post(() => (retry.cancelled ? undefined : this.attempt(child)));
  }

  /** The child has a process again: under a half-open breaker it is a probe, and has to live for a while. */
  revived(child: Child): void {
    const breaker = child.spec.recovery?.breaker;
    if (breaker === undefined || child.breaker?.type !== 'half_open') return;
    const { recovery } = child;
    recovery.probe = this.#host.flags.clock.setTimer(breaker.healthyMs, () => {
      recovery.breaker = closedBreaker;
      recovery.spent = undefined;
      recovery.failures = 0;
      this.#host.tell(child, { type: 'child.breaker', state: 'closed' });
    });
  }

  #breakCircuit(child: Child): undefined {
    const breaker = child.spec.recovery?.breaker;
    if (breaker === undefined) return;
    const { recovery } = child;
    const { state, forMs, openings } = openBreaker(breaker, recovery.breaker, this.#host.flags.clock.monotonicMs());
    recovery.breaker = state;
    this.#host.tell(child, { type: 'child.breaker', state: 'open' });
    this.#later(child, forMs, () => {
      recovery.breaker = { type: 'half_open', openings };
      this.#host.tell(child, { type: 'child.breaker', state: 'half_open' });
      return this.#host.revive(child);
    });
  }

  /** The wait is a timer and the restart a message: requests interleave, and whoever stops the child cancels both (S55). */
  #later(child: Child, delayMs: number, restart: () => Promise<void>): void {
    const { clock } = this.#host.flags;
    const retry = child.restarting();
    retry.timer = clock.setTimer(delayMs, () => this.#host.post(() => (retry.cancelled ? undefined : restart())));
  }
}

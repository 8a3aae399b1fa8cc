/** One child as its supervisor keeps it: the spec, the process, and how its restarts went. */

import type { Timer } from '../src/kernel/clock.js';
import type { ExitReason } from '../src/kernel/exit-reason.js';
import type { Process } from '../src/kernel/process.js';
import { type BreakerState, closedBreaker } from './breaker.js';
import type { BudgetBook } from './budget-book.js';
import type { CheckedSpec } from './child-spec.js';

/** One life of a child, for the history. Instants in epoch milliseconds. */
export interface Life {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly reason: ExitReason;
  /** The wait before this life began, and which restart in a row it was; 0 for a first start. */
  readonly delayMs: number;
  readonly attempt: number;
}

/** A pending restart: cancelled when somebody else decides about the child meanwhile (S55). */
export interface Retry {
  cancelled: boolean;
  timer: Timer | undefined;
}

/** What only a child needs that has failed, or whose lives are recorded. */
export interface Recovery {
  /** Restarts in a row without a healthy life between them. */
  failures: number;
  /** The wait before the current or next life. */
  delayMs: number;
  /** The child's own budget, if it has one. */
  spent: BudgetBook | undefined;
  lastReason: ExitReason | undefined;
  breaker: BreakerState;
  /** Armed while the breaker is half open: the probe's healthy time. */
  probe: Timer | undefined;
  lives: Life[];
}

export class Child {
  readonly spec: CheckedSpec;
  /** The last process that ran for it; see {@link running}. */
  process: Process | undefined;
  state: 'running' | 'restarting' | 'down' = 'down';
  /** Times it was started again after an exit. */
  restarts = 0;
  /** Monotonic, whole milliseconds; 0 before the first start. */
  startedAtMs = 0;
  retry: Retry | undefined;
  #recovery: Recovery | undefined;

  constructor(spec: CheckedSpec) {
    this.spec = spec;
  }

  /** The process that the supervisor believes to run. It may be dead already, its exit still on the way. */
  get running(): Process | undefined {
    return this.state === 'running' ? this.process : undefined;
  }

  get recovery(): Recovery {
    this.#recovery ??= {
      failures: 0,
      delayMs: 0,
      spent: undefined,
      lastReason: undefined,
      breaker: closedBreaker,
      probe: undefined,
      lives: [],
    };
    return this.#recovery;
  }

  get lives(): readonly Life[] {
    return this.#recovery?.lives ?? [];
  }

  get breaker(): BreakerState | undefined {
    return this.spec.recovery?.breaker === undefined ? undefined : (this.#recovery?.breaker ?? closedBreaker);
  }

  started(process: Process, nowMs: number): void {
    this.#cancelRetry();
    this.process = process;
    this.state = 'running';
    this.startedAtMs = Math.round(nowMs);
  }

  /** The child is not to come back by itself: stopped, finished, or ignored. */
  down(): void {
    this.cancelTimers();
    this.state = 'down';
  }

  /** @returns the token that says whether this restart is still wanted when its turn comes. */
  restarting(): Retry {
    this.#cancelRetry();
    this.state = 'restarting';
    this.retry = { cancelled: false, timer: undefined };
    return this.retry;
  }

  cancelTimers(): void {
    this.#cancelRetry();
    this.#recovery?.probe?.cancel();
  }

  #cancelRetry(): void {
    if (this.retry === undefined) return;
    this.retry.cancelled = true;
    this.retry.timer?.cancel();
    this.retry = undefined;
  }
}

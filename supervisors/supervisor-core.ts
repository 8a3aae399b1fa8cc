/**
 * What static and dynamic supervisors have in common: starting children, obeying the restart policy, stopping, and
 * answering requests one at a time. While it starts or stops a child a supervisor does nothing else (S50).
 */

import { checkExitReason, type ExitReason, exitReason } from '../src/kernel/exit-reason.js';
import { isolate } from '../src/kernel/isolate.js';
import { IGNORE, type Ignore, type Process } from '../src/kernel/process.js';
import { ProcessCore } from '../src/kernel/process-core.js';
import { timeoutIn } from './call-timeout.js';
import type { Child } from './child.js';
import type { Happening, SupervisorEvent } from './events.js';
import { endsAs } from './ends-as.js';
import { PendingCalls } from './pending-calls.js';
import { deadProcess, diedBeforeReply } from './refusals.js';
import { RestartLedger } from './restart-ledger.js';
import { wantsRestart } from './restart-policy.js';
import { Restarts } from './restarts.js';
import { startChild, startedProcess } from './start-child.js';
import {
  ChildStopper,
  isNestedSupervisor,
  NESTED_MARGIN_MS,
  type NestedSupervisor,
  type StopReport,
} from './stop-children.js';
import type { CheckedFlags } from './supervisor-flags.js';
import type { HasTree, TreeNode } from './tree.js';

export interface StopOptions {
  /** Gives up waiting after so long, with `deadline_exceeded`; the stop goes on (S83). Default: waits for ever. */
  readonly timeoutMs?: number;
  /** Whatever has not ended after so long is killed, however long it was allowed. Default: no limit, as in OTP. */
  readonly deadlineMs?: number;
}

const soon = Promise.resolve();

export abstract class SupervisorCore extends ProcessCore implements NestedSupervisor, HasTree {
  protected readonly flags: CheckedFlags;
  protected readonly restarts: Restarts;
  readonly #calls: PendingCalls;
  readonly #ledger: RestartLedger;
  #childrenDeadlineAtMs = Infinity;
  #report: StopReport | undefined;

  constructor(flags: CheckedFlags) {
    super({ ...flags.process, trapExit: true });
    this.flags = flags;
    this.#calls = new PendingCalls(flags.clock);
    this.#ledger = new RestartLedger(flags);
    this.restarts = new Restarts({
      flags,
      ledger: this.#ledger,
      post: (turn) => this.post(turn),
      revive: (child) => this.revive(child),
      giveUp: (child) => this.#giveUp(child),
      tell: (child, happening) => this.tell(child, happening),
    });
  }

  get label(): string {
    return this.flags.label ?? this.id;
  }

  get stopReport(): StopReport | undefined {
    return this.#report;
  }

  abstract tree(): TreeNode;

  /**
   * Stops the children in order, then ends with `reason` (default `normal`). Waits its turn in the mailbox.
   *
   * @throws `noproc` when the supervisor is dead; its exit reason when that is not of the type that was asked for (S83).
   */
  async stop(reason: ExitReason = exitReason.normal, options: StopOptions = {}): Promise<StopReport> {
    checkExitReason(reason);
    const timeoutMs = timeoutIn(options, 'timeoutMs', Infinity);
    const deadlineMs = timeoutIn(options, 'deadlineMs', Infinity);
    if (!this.alive) throw deadProcess(this);
    this.post(() => this.end(reason));
    if (deadlineMs === Infinity) await endsAs(this, reason, timeoutMs, this.flags.clock);
    else await this.#endWithin(deadlineMs);
    // Without a report the supervisor was killed, and its children with it.
    return (
      this.#report ?? {
        reason: exitReason.killed,
        killed: [{ path: this.label, reason: exitReason.killed }],
        failed: [],
      }
    );
  }

  limitStop(deadlineAtMs: number): void {
    this.#childrenDeadlineAtMs = Math.min(this.#childrenDeadlineAtMs, deadlineAtMs);
  }

  killBelow(): void {
    for (const process of this.offspring) {
      if (isNestedSupervisor(process)) process.killBelow();
      process.exit(exitReason.killed);
    }
  }

  /** All children, in start order. */
  protected abstract get children(): Iterable<Child>;
  protected abstract childOf(process: Process): Child | undefined;
  /** Restarts the child, and whoever the strategy says with it. */
  protected abstract revive(child: Child): Promise<void>;
  /** The child ended and is not to be restarted. */
  protected abstract retire(child: Child): void;
  protected abstract stopAll(stopper: ChildStopper): Promise<void>;
  /** The child got a process. */
  protected abstract adopted(child: Child, process: Process, previous: Process | undefined): void;

  /** Runs a request in its turn. It fails when the supervisor ends before. */
  protected request<T>(operation: () => T | Promise<T>): Promise<T> {
    if (!this.alive) return Promise.reject(deadProcess(this));
    const call = this.#calls.open<T>(Infinity, () => undefined);
    const fail = (error: unknown): void => call.reject(error);
    this.post(() => {
      try {
        const result = operation();
        if (result instanceof Promise) return result.then((value) => call.resolve(value), fail);
        call.resolve(result);
      } catch (error) {
        fail(error);
      }
      return undefined;
    });
    return call.promise;
  }

  /** @throws what the start function threw, or what is wrong with what it returned (S19). */
  protected launch(child: Child, again: boolean): Promise<Process | Ignore> {
    try {
      const pending = startChild(child.spec, this, this.flags.clock, () => this.#killStrays());
      return Promise.resolve(pending).then((value) => this.#launched(child, startedProcess(child.spec, value), again));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #launched(child: Child, process: Process | Ignore, again: boolean): Process | Ignore {
    if (process === IGNORE) {
      child.down();
      return IGNORE;
    }
    const previous = child.process;
    child.started(process, this.flags.clock.monotonicMs());
    if (again) child.restarts += 1;
    this.adopted(child, process, previous);
    this.restarts.revived(child);
    if (this.flags.onEvent !== undefined)
      this.tell(child, { type: again ? 'child.restarted' : 'child.started', process: process.id });
    return process;
  }

  /** The restart failed: it is one more message in the mailbox, behind those that wait (S38). */
  protected restartFailed(child: Child, error: unknown): void {
    child.recovery.lastReason = exitReason.error(error);
    this.tell(child, { type: 'child.restart_failed', error });
    this.restarts.attemptAgain(child);
  }

  protected stopper(): ChildStopper {
    return new ChildStopper(this, this.flags.clock, this.#childrenDeadlineAtMs, (child, happening) =>
      this.tell(child, happening),
    );
  }

  protected tell(child: Child, happening: Happening): void {
    const { onEvent } = this.flags;
    if (onEvent === undefined) return;
    const event: SupervisorEvent = { ...happening, supervisor: this.label, childId: child.spec.id };
    soon.then(() =>
      isolate(
        () => onEvent(event),
        () => `an event listener of ${this.label}`,
      ),
    );
  }

  protected override onExit(from: Process | undefined, reason: ExitReason): unknown {
    const child = from === undefined ? undefined : this.childOf(from);
    // A stranger, or a process that the child no longer is (S44).
    if (child === undefined || child.running !== from) return undefined;
    child.down();
    this.#ledger.ended(child, reason);
    this.tell(child, { type: 'child.exited', reason });
    return wantsRestart(child.spec.restart, reason) ? this.restarts.attempt(child) : this.retire(child);
  }

  protected override async onTerminate(reason: ExitReason): Promise<void> {
    const stopper = this.stopper();
    await this.stopAll(stopper);
    this.#report = { reason, killed: stopper.killed, failed: stopper.failed };
  }

  protected override onDeath(reason: ExitReason): void {
    for (const child of this.children) child.cancelTimers();
    this.#calls.failAll(() => diedBeforeReply(this, reason));
  }

  #giveUp(child: Child): void {
    const { lastReason = exitReason.normal, lives } = child.recovery;
    this.tell(child, { type: 'child.gave_up', reason: lastReason });
    const cause = { reason: 'max_intensity', childId: child.spec.id, lastReason, history: [...lives] };
    const { escalation } = this.flags;
    child.down();
    if (escalation === 'plain') this.end(exitReason.shutdown);
    else this.end(escalation === 'detailed' ? exitReason.shutdownWith(cause) : exitReason.custom(cause));
  }

  /** Children get a little less time than the supervisor, so that the report is complete. */
  async #endWithin(deadlineMs: number): Promise<void> {
    const { clock } = this.flags;
    const marginMs = Math.min(NESTED_MARGIN_MS, deadlineMs / 4);
    this.limitStop(clock.monotonicMs() + deadlineMs - marginMs);
    const timer = clock.setTimer(deadlineMs, () => {
      this.killBelow();
      this.exit(exitReason.killed);
    });
    await this.exited;
    timer.cancel();
  }

  /** What a start function that took too long has linked so far. */
  #killStrays(): void {
    for (const process of this.offspring) if (this.childOf(process) === undefined) process.exit(exitReason.killed);
  }
}

/** Stopping children: ask, wait, kill, and say what had to be killed (S46 to S49). */

import type { Clock, Timer } from '../src/kernel/clock.js';
import { type ExitReason, exitReason } from '../src/kernel/exit-reason.js';
import type { Process } from '../src/kernel/process.js';
import type { Child } from './child.js';
import type { Happening } from './events.js';
import { labelOf } from './refusals.js';

/** A child that did not end as it was asked to. */
export interface UncleanStop {
  /** Labels from the stopped supervisor down to the child, joined by `/`. */
  readonly path: string;
  readonly reason: ExitReason;
}

/** What a stop leaves behind: nothing runs any more, and this is what went wrong. */
export interface StopReport {
  readonly reason: ExitReason;
  /** Did not end in time and were killed. */
  readonly killed: readonly UncleanStop[];
  /** Ended with another reason than they were asked to, for instance because `terminate` failed. */
  readonly failed: readonly UncleanStop[];
}

/** A child that stops children of its own. */
export interface NestedSupervisor extends Process {
  /** What its stop left behind, once it has ended. */
  readonly stopReport: StopReport | undefined;
  /** Whatever still runs below it at that monotonic instant is killed. */
  limitStop(deadlineAtMs: number): void;
  /** Kills all that runs below it, now. */
  killBelow(): void;
}

export const isNestedSupervisor = (process: Process | undefined): process is NestedSupervisor =>
  process !== undefined && 'limitStop' in process;

/** A supervisor below must be through this much earlier than whoever waits for it, so that its report still arrives. */
export const NESTED_MARGIN_MS = 20;

/** After so many children those asked first may begin to end, so that not all of them are on their way at a time. */
const WAVE = 1024;

export class ChildStopper {
  readonly killed: UncleanStop[] = [];
  readonly failed: UncleanStop[] = [];
  /** Those that did not end in time. */
  readonly #late = new Set<Process>();
  readonly #timers: Timer[] = [];
  readonly #supervisor: Process;
  readonly #clock: Clock;
  readonly #deadlineAtMs: number;
  readonly #tell: (child: Child, happening: Happening) => void;

  /** @param deadlineAtMs monotonic; no child gets more time than that. `Infinity` for OTP's rules alone. */
  constructor(
    supervisor: Process,
    clock: Clock,
    deadlineAtMs: number,
    tell: (child: Child, happening: Happening) => void,
  ) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    this.#deadlineAtMs = deadlineAtMs;
    this.#tell = tell;
  }

  /** Stops one after the other, in the order given, each with its own time. */
  async inTurn(children: Iterable<Child>): Promise<void> {
    for (const child of children) await this.one(child);
  }

  async one(child: Child): Promise<void> {
    const process = child.running;
    child.down();
    if (process === undefined) return;
    this.#ask(child, process);
    const graceMs = this.#graceMs(child);
    if (process.alive && graceMs !== Infinity) {
      const timer = this.#clock.setTimer(graceMs, () => this.#kill(child, process));
      await process.exited;
      timer.cancel();
    }
    this.#judge(child, process, await process.exited);
  }

  /** Asks all at once, then waits: one timer for each distinct time, whatever the number of children. */
  async together(children: Iterable<Child>): Promise<void> {
    const byTime = new Map<number, Child[]>();
    let asked = 0;
    let left = 1;
    let allEnded = (): void => {};
    const ended = new Promise<void>((resolve) => {
      allEnded = resolve;
    });
    const oneLess = (): void => {
      left -= 1;
      if (left === 0) allEnded();
    };
    for (const child of children) {
      const process = child.running;
      child.down();
      if (process === undefined) continue;
      const wasAlive = process.alive;
      this.#ask(child, process);
      // Most children do not trap and are gone by now, with the very reason they were sent.
      if (wasAlive && !process.alive) continue;
      left += 1;
      this.#limitTime(child, byTime);
      whenEnded(process, (reason) => {
        this.#judge(child, process, reason);
        oneLess();
      });
      asked += 1;
      if (asked % WAVE === 0) await undefined;
    }
    oneLess();
    await ended;
    for (const timer of this.#timers) timer.cancel();
  }

  /** Puts the child among those that are killed at the same time as it; the first of them arms the timer. */
  #limitTime(child: Child, byTime: Map<number, Child[]>): void {
    const graceMs = this.#graceMs(child);
    if (graceMs === Infinity) return;
    const others = byTime.get(graceMs);
    if (others !== undefined) {
      others.push(child);
      return;
    }
    const group = [child];
    byTime.set(graceMs, group);
    const kill = (): void => {
      for (const late of group) if (late.process?.alive === true) this.#kill(late, late.process);
    };
    this.#timers.push(this.#clock.setTimer(graceMs, kill));
  }

  /** The end is awaited, not the link: a child that unlinked itself cannot hang the stop. */
  #ask(child: Child, process: Process): void {
    if (isNestedSupervisor(process) && this.#deadlineAtMs !== Infinity)
      process.limitStop(this.#deadlineAtMs - NESTED_MARGIN_MS);
    process.exit(child.spec.shutdown === 'brutal_kill' ? exitReason.killed : exitReason.shutdown, this.#supervisor);
  }

  #graceMs({ spec: { shutdown } }: Child): number {
    const graceMs = typeof shutdown === 'number' ? shutdown : Infinity;
    if (this.#deadlineAtMs === Infinity) return graceMs;
    return Math.max(0, Math.min(graceMs, this.#deadlineAtMs - this.#clock.monotonicMs()));
  }

  #kill(child: Child, process: Process): void {
    this.#late.add(process);
    this.killed.push({ path: labelOf(child.spec.id ?? process.id), reason: exitReason.killed });
    this.#tell(child, { type: 'child.stop_timeout' });
    if (this.#deadlineAtMs !== Infinity && isNestedSupervisor(process)) process.killBelow();
    process.exit(exitReason.killed, this.#supervisor);
  }

  #judge(child: Child, process: Process, reason: ExitReason): void {
    if (isNestedSupervisor(process)) this.#adopt(labelOf(child.spec.id ?? process.id), process.stopReport);
    if (this.#late.has(process) || endedAsAsked(child, reason)) return;
    this.failed.push({ path: labelOf(child.spec.id ?? process.id), reason });
    this.#tell(child, { type: 'child.stop_failed', reason });
  }

  #adopt(label: string, report: StopReport | undefined): void {
    const below = ({ path, reason }: UncleanStop): UncleanStop => ({ path: `${label}/${path}`, reason });
    this.killed.push(...(report?.killed ?? []).map(below));
    this.failed.push(...(report?.failed ?? []).map(below));
  }
}

/** Calls `listener` with the reason, also for a process that was dead already. */
function whenEnded(process: Process, listener: (reason: ExitReason) => void): void {
  if (process.alive) process.monitor(listener);
  else void process.exited.then(listener);
}

/** `shutdown` is what was asked; a child that is not permanent may also be through with its work (S47). */
function endedAsAsked({ spec: { shutdown, restart } }: Child, reason: ExitReason): boolean {
  if (shutdown === 'brutal_kill') return reason.type === 'killed';
  if (reason.type === 'shutdown') return true;
  return reason.type === 'normal' && restart !== 'permanent';
}

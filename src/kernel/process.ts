/**
 * The process: what a supervisor supervises. Exit signals, links and monitors keep the rules S1 to S11 of OTP
 * (docs/semantics-supervision.md lists the differences that an event loop forces).
 */

import type { Clock } from './clock.js';
import type { ExitReason } from './exit-reason.js';

export interface Process {
  /** Unique within this Node process; for people and logs. */
  readonly id: string;
  readonly alive: boolean;
  /** Resolves, never rejects, with the reason once the process has ended and its `terminate` has run. */
  readonly exited: Promise<ExitReason>;
  /**
   * Sends an exit signal (S2, S3). A process that does not trap ends at once with that reason, unless it is `normal`; one
   * that traps is told. `{ type: 'killed' }` cannot be trapped and runs no `terminate`.
   *
   * @param from who sends; the parent's signal is obeyed even by a process that traps (S81). Default: nobody in particular.
   */
  exit(reason: ExitReason, from?: Process): void;
  /**
   * Calls `listener` exactly once when the process has ended, with `noproc` if it is dead already (S7).
   *
   * @returns a function that takes the monitor back; after it no call comes, even if the process has ended by then.
   */
  monitor(listener: (reason: ExitReason) => void): () => void;
  /**
   * Ties two lives together (S5, S6): at most one link per pair. If `other` is dead, this process is told `noproc` when it
   * traps, else the call throws `noproc`.
   */
  link(other: Process): void;
  /** After it returns, no exit of `other` arrives through the link any more (S10). */
  unlink(other: Process): void;
}

/** What `init` and start functions return when the process need not run; no failure (S22, S66). */
export const IGNORE = 'ignore' as const;
export type Ignore = typeof IGNORE;

/** Where processes are registered by name. The registries of `coilyard/supervisors` are such; any object may be. */
export interface NameRegistry {
  /** Throws when a living process has the key. */
  register(key: unknown, process: Process): void;
  /** Removes the key if it is this process's. */
  unregister(key: unknown, process: Process): void;
  whereis(key: unknown): Process | undefined;
}

/** A name that a process takes before `init` runs and gives back before anyone hears of its end (S65, S69, S70). */
export interface ProcessName {
  readonly registry: NameRegistry;
  readonly key: unknown;
}

/** What every way to make a process takes. */
export interface ProcessOptions {
  /** Linked before `init` runs; its exit signals are obeyed even when exits are trapped. */
  readonly parent?: Process;
  readonly name?: ProcessName;
  /** Whether exit signals become messages. Default false. */
  readonly trapExit?: boolean;
  /** An `init` that takes longer is killed, and the start fails with `timeout` (S68). Default: no limit. */
  readonly initTimeoutMs?: number;
  /** For `initTimeoutMs`. Default: the system's. */
  readonly clock?: Clock;
}

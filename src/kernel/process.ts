/**
 * The process: what a supervisor supervises. Exit signals, links and monitors keep the rules S1 to S11 of OTP
 * (docs/semantics.md lists the differences that an event loop forces).
 */

import type { ExitReason } from './exit-reason.js';

export interface Process {
  /** Unique within this Node process; for people and logs. */
  readonly id: string;
  readonly alive: boolean;
  /** Resolves, never rejects, with the reason once the process has ended and its `terminate` has run. */
  readonly exited: Promise<ExitReason>;
  /** Asks the process to end (an exit signal, S2, S3). `{ type: 'killed' }` cannot be trapped. */
  exit(reason: ExitReason): void;
  /** Calls `listener` exactly once when the process has ended, with `noproc` if it is dead already (S7). */
  monitor(listener: (reason: ExitReason) => void): () => void;
  /** Ties two lives together (S5, S6). */
  link(other: Process): void;
  unlink(other: Process): void;
}

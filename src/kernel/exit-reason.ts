/** Why a process ended. Whatever happened becomes one of these before any policy looks at it (OTP.md S1 to S4). */

import { describeThrown } from './errors.js';

export type ExitReason =
  | { readonly type: 'normal' }
  | { readonly type: 'shutdown'; readonly detail?: unknown }
  /** Ended by the untrappable kill. */
  | { readonly type: 'killed' }
  /** The process did not exist, or was already dead. */
  | { readonly type: 'noproc' }
  | { readonly type: 'error'; readonly error: unknown }
  /** An operating system process ended: by a signal (`SIGKILL`) or with an exit code. */
  | { readonly type: 'signal'; readonly signal: string | null; readonly code: number | null }
  | { readonly type: 'timeout' }
  | { readonly type: 'custom'; readonly reason: unknown };

export const exitReason = {
  normal: { type: 'normal' },
  shutdown: { type: 'shutdown' },
  killed: { type: 'killed' },
  noproc: { type: 'noproc' },
  timeout: { type: 'timeout' },
  shutdownWith: (detail: unknown): ExitReason => ({ type: 'shutdown', detail }),
  error: (error: unknown): ExitReason => ({ type: 'error', error }),
  signal: (signal: string | null, code: number | null): ExitReason => ({ type: 'signal', signal, code }),
  custom: (reason: unknown): ExitReason => ({ type: 'custom', reason }),
} as const;

/** Clean reasons cause no restart of a transient child and no crash report: `normal` and `shutdown` (S1). */
export const isCleanExit = (reason: ExitReason): boolean => reason.type === 'normal' || reason.type === 'shutdown';

/** One line for people. */
export function describeExit(reason: ExitReason): string {
  switch (reason.type) {
    case 'error':
      return `error: ${describeThrown(reason.error)}`;
    case 'signal':
      return reason.signal === null ? `exit code ${reason.code}` : `signal ${reason.signal}`;
    case 'custom':
      return `custom: ${describeThrown(reason.reason)}`;
    default:
      return reason.type;
  }
}

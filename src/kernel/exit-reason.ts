/** Why a process ended. Whatever happened becomes one of these before any policy looks at it (OTP.md S1 to S4). */

import { describeThrown, describeValue, invalidArgument } from './errors.js';

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
export const isCleanExit = (reason: ExitReason): boolean =>
  isExitReason(reason) && (reason.type === 'normal' || reason.type === 'shutdown');

const types: Readonly<Record<ExitReason['type'], true>> = Object.freeze({
  normal: true,
  shutdown: true,
  killed: true,
  noproc: true,
  error: true,
  signal: true,
  timeout: true,
  custom: true,
});

export function isExitReason(value: unknown): value is ExitReason {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return 'type' in value && typeof value.type === 'string' && Object.hasOwn(types, value.type);
  } catch {
    return false; // It does not want to be looked at.
  }
}

/** @throws `invalid_argument` for what is no exit reason. */
export function checkExitReason(reason: unknown): void {
  if (!isExitReason(reason))
    throw invalidArgument('reason', `an exit reason: ${Object.keys(types).join(', ')}`, reason);
}

/** One line for people. */
export function describeExit(reason: ExitReason): string {
  try {
    return isExitReason(reason) ? describe(reason) : `no exit reason: ${describeValue(reason)}`;
  } catch (error) {
    return `an exit reason that cannot be read: ${describeThrown(error)}`;
  }
}

function describe(reason: ExitReason): string {
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

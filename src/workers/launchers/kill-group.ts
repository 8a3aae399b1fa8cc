/** Signals for a process and everything it started. */

import type { ChildProcess } from 'node:child_process';

type Deadly = 'SIGTERM' | 'SIGABRT' | 'SIGKILL';

/** Signals a child that leads a group; Windows has no groups. */
export function killChild(child: ChildProcess, pid: number, signal: Deadly): void {
  if (process.platform === 'win32') child.kill(signal);
  else killGroup(pid, signal);
}

/** @param leader a negative id addresses the group that this process leads. Does nothing when nobody is left in it. */
export function killGroup(leader: number, signal: Deadly): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: nobody is left in the group. On macOS a group of zombies answers EPERM.
    if (!isGone(error)) throw error;
  }
}

/** Whether a signal found nobody. */
export const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');

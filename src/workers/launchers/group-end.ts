/** When a process and everything it started is really gone: a signal only begins the end, and memory takes time to give back. */

import { readdirSync, readFileSync } from 'node:fs';
import type { Clock } from '../../kernel/clock.js';
import { isGone } from './kill-group.js';

/** How often it is looked; the kernel tells nobody of the end of what is not its child. */
const LOOK_MS = 5;

/** Resolves once nobody is left in the group that this process leads or led, or after the limit. */
export async function untilGroupEnds(clock: Clock, leader: number, limitMs: number): Promise<void> {
  const untilMs = clock.monotonicMs() + limitMs;
  while (!hasEnded(leader) && clock.monotonicMs() < untilMs)
    await new Promise<void>((resolve) => {
      clock.setTimer(LOOK_MS, resolve);
    });
}

/** Zombies have ended: where nobody reaps they stay for ever. */
function hasEnded(leader: number): boolean {
  if (process.platform === 'win32') return true;
  try {
    process.kill(-leader, 0);
  } catch (error) {
    return isGone(error);
  }
  return process.platform === 'linux' && !processes().some((pid) => isRunningIn(pid, leader));
}

const processes = (): readonly string[] => readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));

function isRunningIn(pid: string, leader: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the command may contain anything, parentheses included.
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(group) === leader && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

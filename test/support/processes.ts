/** What a test can see of operating system processes. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A zombie is dead: in a container nobody may reap it. */
export function isRunning(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the command may contain anything, parentheses included.
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}

export const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Running processes whose command line contains the text. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandOf(pid).includes(text) && isRunning(pid));
}

/** Running processes that were started with the text in their environment, whoever their parent is now. */
export function marked(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text) && isRunning(pid);
      } catch {
        return false;
      }
    });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** A machine that is shared may stand still for seconds: this guards against a hang, and says nothing of how quick it is. */
const HANGS_AFTER_MS = 60_000;

/** Resolves once the condition holds; fails with the text when that seems never to be. Polls: the kernel tells nobody. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + HANGS_AFTER_MS;
  while (!condition()) {
    if (performance.now() > untilMs) throw new Error(`not within ${HANGS_AFTER_MS} ms: ${what}`);
    await sleep(5);
  }
}

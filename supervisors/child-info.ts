/** What supervisors say about their children (S56, S57). */

import type { Process } from '../src/kernel/process.js';
import type { Child, Life } from './child.js';
import type { ChildId } from './child-spec.js';

export interface ChildInfo {
  readonly id: ChildId | undefined;
  /** OTP's column: the process, `'restarting'` while a restart is due, or nothing. A process may be dead, not yet noticed. */
  readonly process: Process | 'restarting' | undefined;
  readonly status: 'running' | 'restarting' | 'down';
  readonly type: 'worker' | 'supervisor';
  /** Times it was started again after an exit. */
  readonly restarts: number;
  /** Past lives, oldest first, as many as `historySize` allows. */
  readonly history: readonly Life[];
  /** Of a child under a breaker. */
  readonly breaker?: 'closed' | 'open' | 'half_open';
}

export interface ChildCounts {
  /** Specs, whether their children run or not. */
  readonly specs: number;
  /** Children whose process is really alive. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

export function childInfo(child: Child): ChildInfo {
  const { breaker } = child;
  return {
    id: child.spec.id,
    process: child.state === 'restarting' ? 'restarting' : child.running,
    status: child.state,
    type: child.spec.type,
    restarts: child.restarts,
    history: [...child.lives],
    ...(breaker === undefined ? {} : { breaker: breaker.type }),
  };
}

export function countChildren(children: Iterable<Child>): ChildCounts {
  const counts = { specs: 0, active: 0, supervisors: 0, workers: 0 };
  for (const child of children) {
    counts.specs += 1;
    if (child.running?.alive === true) counts.active += 1;
    if (child.spec.type === 'supervisor') counts.supervisors += 1;
    else counts.workers += 1;
  }
  return counts;
}

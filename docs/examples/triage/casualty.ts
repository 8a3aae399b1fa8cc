/** Kills a worker the way the kernel's memory killer would, and watches its supervisor put another in its place. */

import { type Clock, describeExit, formatTree, type Runtime, type TreeNode } from 'coilyard';
import { within } from './patience.js';
import { READY_WITHIN_MS } from './readiness.js';

export interface Casualty {
  readonly workerId: string;
  readonly pid: number;
  /** Calls that it had not answered. */
  readonly inHands: number;
  /** Resolves once its supervisor has taken notice: why it ended, and the pool as a tree at that moment. */
  readonly noticed: Promise<{ readonly reason: string; readonly tree: string }>;
  /** Resolves once another process is in its place and takes calls. */
  readonly replaced: Promise<{ readonly pid: number; readonly afterMs: number }>;
}

/** Sends SIGKILL to a worker of the pool, to a busy one if there is any. */
export function killWorker(runtime: Runtime, pool: string, clock: Clock): Casualty {
  const alive = runtime.python.workers(pool).filter(({ phase }) => phase === 'ready');
  const victim = alive.find(({ load }) => load > 0) ?? alive[0];
  if (victim === undefined || victim.pid === null) throw new Error(`pool ${pool} has no worker to kill`);
  const { workerId, incarnation, pid, load } = victim;
  const killedAtMs = clock.monotonicMs();

  const noticed = new Promise<{ reason: string; tree: string }>((resolve) => {
    const off = runtime.events.on('child.exited', ({ childId, reason }) => {
      if (childId !== workerId) return;
      off();
      resolve({ reason: describeExit(reason), tree: formatTree(branch(runtime.tree(), `pool:${pool}`)) });
    });
  });
  const replaced = new Promise<{ pid: number; afterMs: number }>((resolve) => {
    const off = runtime.events.on('worker.ready', (life) => {
      if (life.workerId !== workerId || life.incarnation <= incarnation) return;
      off();
      resolve({ pid: life.pid, afterMs: clock.monotonicMs() - killedAtMs });
    });
  });
  process.kill(pid, 'SIGKILL');
  const casualty = {
    workerId,
    pid,
    inHands: load,
    noticed: within(clock, READY_WITHIN_MS, `the end of ${workerId}`, noticed),
    replaced: within(clock, READY_WITHIN_MS, `the restart of ${workerId}`, replaced),
  };
  // They may fail while the caller still waits for something else.
  for (const promise of [casualty.noticed, casualty.replaced]) promise.catch(() => {});
  return casualty;
}

function branch(tree: TreeNode, id: string): TreeNode {
  const found = find(tree, id);
  if (found === undefined) throw new Error(`the tree has no ${id}`);
  return found;
}

function find(tree: TreeNode, id: string): TreeNode | undefined {
  if (tree.id === id) return tree;
  for (const child of tree.children ?? []) {
    const found = find(child, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

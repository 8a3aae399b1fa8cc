/** What the supervision tree cannot know of workers: which process, and whether it is ready. */

import type { TreeNode } from '../../supervisors/index.js';
import type { SlotInfo } from '../workers/slot.js';

interface Workers {
  readonly poolNames: readonly string[];
  workers(pool: string): readonly SlotInfo[];
}

/** The tree with the phase and the process id of each worker. */
export function withWorkers(tree: TreeNode, python: Workers): TreeNode {
  const slots = python.poolNames.flatMap((pool) => python.workers(pool));
  const details = new Map<string, string>(slots.map((slot) => [slot.workerId, detailOf(slot)]));
  return addDetails(tree, details, false);
}

function addDetails(node: TreeNode, details: ReadonlyMap<string, string>, isInPool: boolean): TreeNode {
  const detail = isInPool ? details.get(node.id) : undefined;
  const children = node.children?.map((child) => addDetails(child, details, node.id.startsWith('pool:')));
  return { ...node, ...(detail === undefined ? {} : { detail }), ...(children === undefined ? {} : { children }) };
}

const detailOf = ({ phase, pid }: SlotInfo): string =>
  phase === 'ready' && pid !== null ? `ready, pid ${pid}` : phase;

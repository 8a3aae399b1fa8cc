/** A supervision tree as data and as text. */

import { checkObject, reading } from '../src/kernel/arguments.js';
import type { Process } from '../src/kernel/process.js';
import type { Child } from './child.js';
import { labelOf } from './refusals.js';

export interface TreeNode {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly status: 'alive' | 'restarting' | 'down';
  /** Times it was started again after an exit. */
  readonly restarts: number;
  /** Of a supervisor: how it treats siblings. */
  readonly strategy?: string;
  /** What else there is to say of it, in a few words; whoever asks for the tree may add it. */
  readonly detail?: string;
  /** In start order; absent for a worker. */
  readonly children?: readonly TreeNode[];
}

/** A process that has a tree below it. */
export interface HasTree {
  tree(): TreeNode;
}

const hasTree = (process: Process | undefined): process is Process & HasTree =>
  process !== undefined && 'tree' in process && typeof process.tree === 'function';

/** The node of a child, with all that lives below it. */
export function childNode(child: Child): TreeNode {
  const process = child.running;
  const status = child.state === 'restarting' ? 'restarting' : process?.alive === true ? 'alive' : 'down';
  const below = status === 'alive' && hasTree(process) ? process.tree() : undefined;
  return {
    id: labelOf(child.spec.id ?? child.process?.id ?? 'child'),
    type: below?.type ?? child.spec.type,
    status,
    restarts: child.restarts,
    ...(below?.strategy === undefined ? {} : { strategy: below.strategy }),
    ...(below?.children === undefined ? {} : { children: below.children }),
  };
}

/** The tree as a drawing, one line per node. */
export function formatTree(tree: TreeNode): string {
  return reading('tree', () => {
    checkObject('tree', tree);
    return [describe(tree), ...lines(tree.children ?? [], '')].join('\n');
  });
}

function lines(nodes: readonly TreeNode[], indent: string): string[] {
  return nodes.flatMap((node, index) => {
    const last = index === nodes.length - 1;
    const head = `${indent}${last ? '└─ ' : '├─ '}${describe(node)}`;
    return [head, ...lines(node.children ?? [], `${indent}${last ? '   ' : '│  '}`)];
  });
}

function describe({ id, strategy, status, restarts, detail }: TreeNode): string {
  const remarks = [
    ...(strategy === undefined ? [] : [strategy]),
    ...(status === 'alive' ? [] : [status]),
    ...(detail === undefined ? [] : [detail]),
    ...(restarts === 0 ? [] : [restarts === 1 ? '1 restart' : `${restarts} restarts`]),
  ];
  return remarks.length === 0 ? id : `${id}  ${remarks.join(', ')}`;
}

/** What the system says of memory, and which deaths were its doing. */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { keepLatest } from '../kernel/keep-latest.js';

/** Reads how often the kernel has killed for memory in the control group of this process; undefined where it does not say. */
function killCounter(): () => number | undefined {
  const countIn = (file: string): number | undefined => {
    const [, count] = /^oom_kill (\d+)/m.exec(read(file)) ?? [];
    return count === undefined ? undefined : Number(count);
  };
  const file = counterFiles(read('/proc/self/cgroup')).find((one) => countIn(one) !== undefined);
  return () => (file === undefined ? undefined : countIn(file));
}

/**
 * Where the kernel counts, the likeliest first: the group's own file in the unified hierarchy or that of memory, and the
 * root of each, which is all that a container sees of its group.
 *
 * @param groups what `/proc/self/cgroup` says: lines of `number:controllers:path`.
 */
export function counterFiles(groups: string): readonly string[] {
  const pathOf = (controllers: string): readonly string[] =>
    groups.split('\n').flatMap((line) => {
      const [, names = '', ...path] = line.split(':');
      return path.length > 0 && names.split(',').includes(controllers) ? [path.join(':')] : [];
    });
  const paths = (root: string, controllers: string, file: string): readonly string[] =>
    [...pathOf(controllers), '/'].map((path) => join(root, path, file));
  return [
    ...paths('/sys/fs/cgroup', '', 'memory.events'),
    ...paths('/sys/fs/cgroup/unified', '', 'memory.events'),
    ...paths('/sys/fs/cgroup/memory', 'memory', 'memory.oom_control'),
  ];
}

/** The memory of the container, or of the machine. */
export function memoryBytes(): number {
  const limit = Number(read('/sys/fs/cgroup/memory.max').trim() || Number.NaN);
  return Number.isFinite(limit) ? Math.min(limit, totalmem()) : totalmem();
}

/** Deaths that were told apart at the same time; the oldest is forgotten first. */
const MOST = 1_000;

/**
 * Which deaths the kernel brought about for memory. It counts its kills and names nobody, so each of them explains one
 * death at most, of a worker that still gave a sign of life when it had not been counted.
 */
export class MemoryKills {
  readonly #count: () => number | undefined;
  /** The kills that explain a death, by their number. */
  readonly #explained = new Set<number>();

  /** @param count reads how many there have been. */
  constructor(count: () => number | undefined = killCounter()) {
    this.#count = count;
  }

  /** How many there have been; undefined where nobody says. */
  get count(): number | undefined {
    return this.#count();
  }

  /**
   * Explains one death.
   *
   * @param before the count when the worker was last heard of.
   * @returns whether the kernel has killed since and nobody else died of that; undefined where nobody can say.
   */
  explain(before: number | undefined): boolean | undefined {
    const now = this.#count();
    if (before === undefined || now === undefined) return undefined;
    for (let kill = before + 1; kill <= now; kill += 1) {
      if (this.#explained.has(kill)) continue;
      this.#explained.add(kill);
      keepLatest(this.#explained, MOST);
      return true;
    }
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

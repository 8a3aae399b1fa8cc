/** What the system says of memory. */

import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** How often the kernel has killed for memory in this container; 0 where it does not say. */
export function memoryKills(): number {
  for (const file of ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control']) {
    const [, count] = /oom_kill (\d+)/.exec(read(file)) ?? [];
    if (count !== undefined) return Number(count);
  }
  return 0;
}

/** The memory of the container, or of the machine. */
export function memoryBytes(): number {
  const limit = Number(read('/sys/fs/cgroup/memory.max').trim() || Number.NaN);
  return Number.isFinite(limit) ? Math.min(limit, totalmem()) : totalmem();
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

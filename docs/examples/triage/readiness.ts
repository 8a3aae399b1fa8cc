/** When a pool is whole. */

import type { Clock, Runtime } from 'coilyard';
import { within } from './patience.js';

/** A worker loads DSPy before it is ready. */
export const READY_WITHIN_MS = 60_000;

/** Resolves with the process ids when every worker of the pool is ready. */
export async function whole(runtime: Runtime, pool: string, clock: Clock): Promise<readonly number[]> {
  const workers = () => runtime.python.workers(pool);
  const ready = new Promise<void>((resolve) => {
    const look = (): void => {
      if (!workers().every(({ phase }) => phase === 'ready')) return;
      off();
      resolve();
    };
    const off = runtime.events.on('worker.ready', look);
    look();
  });
  await within(clock, READY_WITHIN_MS, `the start of pool ${pool}`, ready);
  return workers().flatMap(({ pid }) => pid ?? []);
}

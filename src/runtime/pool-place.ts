/**
 * One place of a pool under its supervisor. The place is up at once and its worker gets ready beside it, so that many
 * workers start at the same time although a supervisor starts its children one after the other. A worker that ends, or
 * does not get ready, ends the place with the same reason, and the supervisor starts it anew.
 */

import { exitReason } from '../kernel/exit-reason.js';
import type { Ignore, Process } from '../kernel/process.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import type { WorkerPool } from '../workers/pool.js';

export function startPlace(pool: WorkerPool, place: number, parent: Process): Promise<Process | Ignore> {
  let context: ProcessContext | undefined;
  let worker: Promise<Process> | undefined;
  return spawn({
    parent,
    trapExit: true,
    init: (own) => {
      context = own;
      worker = pool.startWorker(own.process, place);
      worker.catch((error: unknown) => own.exit(exitReason.error(error)));
    },
    // The worker is linked: its end arrives here.
    handleExit: (_worker, reason) => context?.exit(reason),
    terminate: async () => {
      // A start that fails has nothing to stop; its error was the reason of an exit already.
      const running = await worker?.catch(() => undefined);
      if (running?.alive !== true) return;
      running.exit(exitReason.shutdown, context?.process);
      await running.exited;
    },
  });
}

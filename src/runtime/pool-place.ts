/**
 * The places of a pool under their supervisor. A place is up at once and its worker gets ready beside it, so that many
 * workers start at the same time although a supervisor starts its children one after the other. A worker that ends, or
 * does not get ready, ends the place with the same reason, and the supervisor starts it anew.
 */

import type { DynamicSupervisor } from '../../supervisors/index.js';
import { exitReason } from '../kernel/exit-reason.js';
import { IGNORE, type Ignore, type Process } from '../kernel/process.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import type { WorkerPool } from '../workers/pool.js';
import type { PlaceKeeper } from '../workers/staffing.js';

/** A worker that dies comes back at once; one that keeps dying waits longer each time, and then for the breaker. */
export const recovery = Object.freeze({
  backoff: { baseMs: 100, capMs: 5_000, healthyMs: 10_000 },
  budget: { maxRestarts: 5, withinMs: 30_000 },
  breaker: { openMs: 2_000, maxOpenMs: 30_000, healthyMs: 5_000 },
});

/** A restart gives a place another process, and the supervisor knows a child by its latest. */
export function placeKeeper(pool: WorkerPool, places: DynamicSupervisor): PlaceKeeper {
  const latest = new Map<number, Process>();
  return {
    open: (place) =>
      places.startChild({
        id: `${pool.name}-${place}`,
        start: async (self) => {
          const process = await startPlace(pool, place, self);
          if (process !== IGNORE) latest.set(place, process);
          return process;
        },
        shutdown: pool.shutdownMs,
        ...recovery,
      }),
    close: async (place) => {
      const process = latest.get(place);
      latest.delete(place);
      if (process !== undefined) await places.terminateChild(process);
    },
  };
}

function startPlace(pool: WorkerPool, place: number, parent: Process): Promise<Process | Ignore> {
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

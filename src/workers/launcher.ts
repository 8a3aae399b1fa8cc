/**
 * The port for starting a worker's operating system process. Cold spawn is one adapter (`launchers/cold-spawn.ts`); a
 * warm parent that forks is another. A launcher starts and reports; it never decides, restarts or times anything out.
 */

import type { Clock } from '../kernel/clock.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { AttachRegistry } from './attach-registry.js';

export interface Launcher {
  /**
   * Starts one process that will dial the gateway and show the token.
   *
   * @throws CoilyardError `pool_unavailable` when this machine cannot run it; the message says how to mend that.
   */
  launch(order: LaunchOrder): Promise<Launched>;
}

/** Makes the launcher of one runtime. Workers in memory attach to the registry directly; others dial the gateway. */
export type LauncherFactory = (runtime: { readonly registry: AttachRegistry; readonly clock: Clock }) => Launcher;

export interface LaunchOrder {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  /** Shown in the worker's hello. Never on a command line, where others could read it. */
  readonly token: string;
  /** `host:port` to dial. */
  readonly gateway: string;
  /** Interpreter or virtual environment asked for; absent: found as `interpreter.ts` says. */
  readonly python?: string;
  /** Python modules to import before hello; their `@coilyard.tool` functions become callable. */
  readonly imports: readonly string[];
  /** Directories from which `imports` may come. */
  readonly paths: readonly string[];
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly heartbeatIntervalMs: number;
  /** Takes each line that the process prints, to either stream. */
  readonly onLine: (line: string) => void;
}

export interface Launched {
  readonly pid: number;
  /** Resolves, never rejects, once the process has ended. */
  readonly exited: Promise<LaunchedExit>;
  /** Signals the process and everything it started. Does nothing once all of them are gone. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface LaunchedExit {
  /** The signal that ended it, such as `SIGKILL`; null when it ended by itself. */
  readonly signal: string | null;
  readonly code: number | null;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
}

/**
 * The port for starting a worker's operating system process. Cold spawn is one adapter (`launchers/cold-spawn.ts`), a
 * warm parent that forks is another (`launchers/zygote.ts`). A launcher starts and
 * reports; it never restarts a worker.
 */

import type { Clock, Random } from '../kernel/clock.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { Process } from '../kernel/process.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { AttachRegistry } from './attach-registry.js';

export interface Launcher {
  /** Makes ready what workers of this environment will be started from. Called before the first `launch`; optional. */
  prepare?(environment: WorkerEnvironment): Promise<void>;
  /**
   * Starts one process that will dial the gateway and show the token.
   *
   * @throws CoilyardError `pool_unavailable` when this machine cannot run it; the message says how to mend that.
   */
  launch(order: LaunchOrder): Promise<Launched>;
  /** Starts nothing from now on; resolves once every process that it has started has ended, by whoever. Optional. */
  close?(): Promise<unknown>;
}

/** Makes the launcher of one runtime. Workers in memory attach to the registry directly; others dial the gateway. */
export type LauncherFactory = (runtime: {
  readonly registry: AttachRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
  /** Adds a process to the tree, beside the pools; it is started again whenever it fails. */
  readonly supervise: (id: string, start: (parent: Process) => Promise<Process>) => Promise<unknown>;
}) => Launcher;

/** `zygote`: forked from a warm interpreter; `spawn`: each from the start; `auto`: warm where that can be had. */
export type StartMode = 'auto' | 'zygote' | 'spawn';

/** What workers have in common that can come from one warm interpreter. */
export interface WorkerEnvironment {
  /** Interpreter or virtual environment asked for; absent: found as `interpreter.ts` says. */
  readonly python?: string;
  /** Python modules to import before hello; their `@coilyard.tool` functions become callable. */
  readonly imports: readonly string[];
  /** Directories from which `imports` may come. */
  readonly paths: readonly string[];
  /** Python modules to import as soon as there is nothing to do; one that cannot be imported does no harm. */
  readonly preload?: readonly string[];
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Default `auto`. */
  readonly start?: StartMode;
  /** How long the imports may take. Default 60,000. */
  readonly startTimeoutMs?: number;
}

export interface LaunchOrder extends WorkerEnvironment {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  /** Shown in the worker's hello. Never on a command line, where others could read it. */
  readonly token: string;
  /** `host:port` to dial. */
  readonly gateway: string;
  /** The local socket to attach to, a path or `@` and an abstract name. Absent: the worker attaches through the gateway. */
  readonly socket?: string;
  readonly concurrency: number;
  readonly heartbeatIntervalMs: number;
  /** Added to its niceness. Default 0. */
  readonly nice?: number;
  /** Limits of the system by the name that Python's `resource` module has for them, such as `as`. Default: none. */
  readonly rlimits?: Readonly<Record<string, number>>;
  /** Takes each line that the process prints, to either stream. */
  readonly onLine: (line: string) => void;
}

export interface Launched {
  readonly pid: number;
  /** Resolves, never rejects, once the process has ended. */
  readonly exited: Promise<LaunchedExit>;
  /** Signals the process and everything it started. Does nothing once all of them are gone. */
  kill(signal: 'SIGTERM' | 'SIGABRT' | 'SIGKILL'): void;
}

export interface LaunchedExit {
  /** The signal that ended it, such as `SIGKILL`; null when it ended by itself. */
  readonly signal: string | null;
  readonly code: number | null;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
}

/** What agents need from the runtime. */

import type { Clock, Random } from '../kernel/clock.js';
import type { Ignore, Process } from '../kernel/process.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { PythonPort } from '../workers/python-port.js';

/** How a run is supervised; the runtime ties it to a real supervisor. */
export interface RunSupervisor {
  /** Starts a temporary child: it is never restarted, and its end concerns nobody else. */
  startChild(id: string, start: (parent: Process | undefined) => Promise<Process | Ignore>): Promise<void>;
}

export interface AgentServices {
  readonly python: PythonPort;
  readonly supervisor: RunSupervisor;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
}

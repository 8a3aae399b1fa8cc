import { type Random, systemRandom } from '../../../src/kernel/clock.js';
import type { CoilyardError } from '../../../src/kernel/errors.js';
import { type EventName, type RuntimeEvents, TelemetryBus } from '../../../src/kernel/telemetry.js';
import { ManualClock, settle } from '../../../src/testing/manual-clock.js';
import { type Script, ScriptedLauncher, type ScriptedWorker } from '../../../src/testing/scripted-worker.js';
import { AttachRegistry } from '../../../src/workers/attach-registry.js';
import type { LaunchOrder } from '../../../src/workers/launcher.js';
import { MemoryKills } from '../../../src/workers/memory.js';
import { WorkerPool } from '../../../src/workers/pool.js';
import type { PoolOptions } from '../../../src/workers/pool-options.js';
import { ToolRegistry } from '../../../src/workers/tool-registry.js';

export interface Recorded {
  readonly name: EventName;
  readonly fields: Record<string, unknown>;
}

const recordedNames = [
  'worker.started',
  'worker.ready',
  'worker.exited',
  'worker.frame_dropped',
  'worker.log',
  'call.started',
  'call.ended',
] as const satisfies readonly EventName[];

/** A pool on a manual clock, with workers in memory. */
export class Harness {
  readonly clock = new ManualClock();
  readonly telemetry = new TelemetryBus();
  readonly random: Random = systemRandom;
  readonly registry: AttachRegistry;
  readonly launcher: ScriptedLauncher;
  readonly tools = new ToolRegistry(this.clock);
  readonly pool: WorkerPool;
  readonly events: Recorded[] = [];
  /** How often the kernel has killed for memory; undefined: it does not say. */
  memoryKills: number | undefined;

  constructor(script: Script | ((order: LaunchOrder) => Script) = {}, options: PoolOptions = {}) {
    const { clock, telemetry, random } = this;
    for (const name of recordedNames) telemetry.on(name, (fields) => this.events.push({ name, fields: { ...fields } }));
    this.registry = new AttachRegistry({ clock, telemetry, random });
    this.launcher = new ScriptedLauncher({ registry: this.registry, clock, script });
    this.pool = new WorkerPool('test', options, {
      clock,
      telemetry,
      random,
      registry: this.registry,
      launcher: this.launcher,
      tools: this.tools,
      gatewayAddress: async () => '127.0.0.1:1',
      memoryKills: new MemoryKills(() => this.memoryKills),
    });
  }

  /** Starts the workers of all places, or of these. */
  async start(...places: number[]): Promise<readonly ScriptedWorker[]> {
    const all = places.length > 0 ? places : Array.from({ length: this.pool.settings.size }, (_, place) => place);
    await Promise.all(all.map((place) => this.pool.startWorker(undefined, place)));
    return this.launcher.workers.slice(-all.length);
  }

  call(tool: string, args: Record<string, unknown> = {}, options: Parameters<WorkerPool['call']>[2] = {}) {
    return this.pool.call({ type: 'tool', name: tool }, args, options);
  }

  stream(tool: string, args: Record<string, unknown> = {}, options: Parameters<WorkerPool['stream']>[2] = {}) {
    return this.pool.stream({ type: 'tool', name: tool }, args, options);
  }

  /** The fields of every event of that name so far. */
  eventsOf<Name extends (typeof recordedNames)[number]>(name: Name): readonly Record<string, unknown>[] {
    return this.events.filter((event) => event.name === name).map(({ fields }) => fields);
  }
}

/** A promise whose outcome can be looked at while it is pending. */
export interface Watched {
  readonly outcome: () => 'pending' | { readonly value: unknown } | { readonly error: CoilyardError };
}

export function watch(promise: Promise<unknown>): Watched {
  let outcome: ReturnType<Watched['outcome']> = 'pending';
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error) => {
      outcome = { error };
    },
  );
  return { outcome: () => outcome };
}

export const never = (): Promise<never> => new Promise(() => {});

export { settle };
export type { RuntimeEvents };

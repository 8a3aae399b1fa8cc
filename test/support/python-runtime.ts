/** A runtime with real Python workers for a test. */

import { join } from 'node:path';
import type { RuntimeOptions } from '../../src/config.js';
import type { EventName, RuntimeEvents } from '../../src/kernel/telemetry.js';
import { type Runtime, startRuntime } from '../../src/runtime.js';
import type { PoolOptions } from '../../src/workers/pool-options.js';
import { eventually } from './processes.js';

/**
 * For tests in which silence ends a worker: soon for who waits for it, and late enough for a worker that gets no processor for
 * a moment.
 */
export const lively = { heartbeatIntervalMs: 200, allowedMisses: 25 } as const;

/** One runtime that stops at the end of its block (`await using`). */
export async function aPythonRuntime(
  pool: PoolOptions = {},
  more: Pick<RuntimeOptions, 'clock'> = {},
): Promise<PythonHouse> {
  const runtime = await startRuntime({
    ...more,
    python: {
      ...carrierOption(),
      pools: {
        default: {
          size: 1,
          imports: ['worker_tools'],
          paths: [join(process.cwd(), 'test', 'support', 'python')],
          ...pool,
        },
      },
    },
  });
  return new PythonHouse(runtime);
}

/** Some tests are run a second time with workers that attach as those of other machines do. */
export const carrierOption = (): { readonly carrier?: 'grpc' } =>
  process.env.COILYARD_TEST_WORKER_CARRIER === 'grpc' ? { carrier: 'grpc' } : {};

export class PythonHouse {
  readonly runtime: Runtime;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  get python() {
    return this.runtime.python;
  }

  /** The process ids of the workers that are ready. */
  get pids(): number[] {
    return this.python.workers().flatMap(({ phase, pid }) => (phase === 'ready' && pid !== null ? [pid] : []));
  }

  /** Starts the pool and waits until so many workers are ready. */
  async ready(count: number): Promise<number[]> {
    await this.python.start();
    await eventually(() => this.pids.length === count, `${count} workers are ready`);
    return this.pids;
  }

  /** Waits until the runtime knows that these workers are gone: until then it may still give them a call. */
  async missed(pids: readonly number[]): Promise<void> {
    await eventually(() => !this.pids.some((pid) => pids.includes(pid)), 'the runtime misses its workers');
  }

  /** The fields of every later event of that name. */
  record<Name extends EventName>(name: Name): RuntimeEvents[Name][] {
    const events: RuntimeEvents[Name][] = [];
    this.runtime.events.on(name, (fields) => events.push(fields));
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.stop();
  }
}

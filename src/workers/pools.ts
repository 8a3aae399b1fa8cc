/** The pools of a runtime by name, behind the one port that the rest of the house sees. */

import { invalidArgument } from '../kernel/errors.js';
import type { ModuleSpec, Recipe, ToolSpec } from '../wire/frames.js';
import type { WorkerPool } from './pool.js';
import type { Arguments, CallOptions, ChunkIterator, PythonPort } from './python-port.js';

export interface PythonPoolsOptions {
  readonly pools: readonly WorkerPool[];
  /**
   * Called before each call with the pool that is about to serve it: the place to start its workers when nobody has yet.
   * Must return at once; a start that fails later says so with `WorkerPool.markUnavailable`.
   */
  readonly wake: (pool: WorkerPool) => void;
}

export class PythonPools implements PythonPort {
  readonly #pools: ReadonlyMap<string, WorkerPool>;
  readonly #wake: (pool: WorkerPool) => void;

  constructor({ pools, wake }: PythonPoolsOptions) {
    this.#pools = new Map(pools.map((pool) => [pool.name, pool]));
    this.#wake = wake;
  }

  async call(tool: string, args?: Arguments, options?: CallOptions): Promise<unknown> {
    return this.#awake(options).call({ type: 'tool', name: tool }, args, options);
  }

  stream(tool: string, args?: Arguments, options?: CallOptions): ChunkIterator {
    return this.#awake(options).stream({ type: 'tool', name: tool }, args, options);
  }

  async execute(recipe: Recipe, inputs?: Arguments, options?: CallOptions): Promise<unknown> {
    return this.#awake(options).call({ type: 'module', recipe }, inputs, options);
  }

  tools(pool = 'default'): readonly ToolSpec[] {
    return this.#find(pool).tools;
  }

  modules(pool = 'default'): readonly ModuleSpec[] {
    return this.#find(pool).modules;
  }

  /** Refuses all calls from now on. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #awake(options: CallOptions | undefined): WorkerPool {
    const pool = this.#find(options?.pool ?? 'default');
    this.#wake(pool);
    return pool;
  }

  #find(name: string): WorkerPool {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw invalidArgument('pool', `one of ${[...this.#pools.keys()].join(', ')}`, name);
    return pool;
  }
}

/**
 * Starts workers warm: a fork of a zygote that has imported everything already, one zygote for each environment. Where
 * that cannot be had, or would be unsafe, workers are started cold and the runtime says why.
 */

import { CoilyardError, describeThrown } from '../../kernel/errors.js';
import type { Launched, Launcher, LaunchOrder, WorkerEnvironment } from '../launcher.js';
import { coldSpawn } from './cold-spawn.js';
import { Interpreters } from './interpreters.js';
import { Nursery, type NurseryServices } from './nursery.js';
import { ForkRefused, ImportFailed, ZygoteLost } from './zygote-process.js';

export interface WarmSpawnOptions extends NurseryServices {
  /** Default: cold spawn. */
  readonly cold?: Launcher;
  /** Default: whether this system has what a zygote needs. */
  readonly canFork?: boolean;
}

export function warmSpawn(options: WarmSpawnOptions): Launcher {
  return new WarmSpawn(options);
}

class WarmSpawn implements Launcher {
  readonly #options: WarmSpawnOptions;
  readonly #cold: Launcher;
  readonly #canFork: boolean;
  readonly #interpreters = new Interpreters({});
  readonly #nurseries = new Map<string, Nursery>();

  constructor(options: WarmSpawnOptions) {
    this.#options = options;
    this.#cold = options.cold ?? coldSpawn(options);
    // macOS has fork, but its system libraries do not survive it; Windows has none.
    this.#canFork = options.canFork ?? process.platform === 'linux';
  }

  async prepare(environment: WorkerEnvironment): Promise<void> {
    if (environment.start === 'spawn' || !this.#canFork) return;
    // What is wrong with it is said to whoever launches a worker.
    await this.#nurseryOf(environment).opened.catch(() => {});
  }

  async launch(order: LaunchOrder): Promise<Launched> {
    if (order.start === 'spawn') return this.#cold.launch(order);
    if (!this.#canFork) return this.#otherwise(order, `fork is not to be had on ${process.platform}`);
    const nursery = this.#nurseryOf(order);
    try {
      return await fork(nursery, order);
    } catch (error) {
      // A module that cannot be imported cannot be imported cold either.
      if (error instanceof ImportFailed) throw error;
      const objections = error instanceof ForkRefused ? error.objections : [];
      return this.#otherwise(order, describeThrown(error), nursery.id, objections);
    }
  }

  async close(): Promise<void> {
    this.#interpreters.close();
    await Promise.all([this.#cold.close?.(), ...[...this.#nurseries.values()].map((nursery) => nursery.gone())]);
  }

  #otherwise(order: LaunchOrder, reason: string, zygote = '', objections: readonly string[] = []): Promise<Launched> {
    const { workerId, incarnation } = order;
    if (order.start === 'zygote')
      throw new CoilyardError(
        'pool_unavailable',
        `worker ${workerId} cannot be forked: ${reason}. Mend that, or let the pool start it cold: start: 'auto'`,
        { details: { workerId, zygote, objections } },
      );
    if (zygote !== '')
      this.#options.telemetry.emit('zygote.bypassed', { zygote, workerId, incarnation, reason, objections });
    return this.#cold.launch(order);
  }

  #nurseryOf(environment: WorkerEnvironment): Nursery {
    const { python, imports, paths, preload = [], env } = environment;
    const key = JSON.stringify([python ?? null, imports, paths, preload, Object.entries(env).sort()]);
    const known = this.#nurseries.get(key);
    if (known !== undefined) return known;
    const label = imports.length === 0 ? 'bare' : imports.join('+');
    const namesakes = [...this.#nurseries.values()].filter((nursery) => nursery.label === label).length;
    const nursery = new Nursery(label, namesakes, environment, this.#interpreters, this.#options);
    this.#nurseries.set(key, nursery);
    nursery.opened.catch(() => this.#nurseries.delete(key));
    return nursery;
  }
}

/** A worker and its zygote may die together: then the order may come before the news, and is good for the next one. */
async function fork(nursery: Nursery, order: LaunchOrder): Promise<Launched> {
  try {
    return await (await nursery.zygote()).fork(order);
  } catch (error) {
    if (!(error instanceof ZygoteLost)) throw error;
    return (await nursery.zygote()).fork(order);
  }
}

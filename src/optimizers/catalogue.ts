/** The optimizers that a runtime knows by name, and the making of one for a run. */

import type { Random } from '../kernel/clock.js';
import { CoilyardError, describeThrown, describeValue, invalidArgument } from '../kernel/errors.js';
import type { SessionHandle } from '../sessions/handle.js';
import { builtInOptimizers } from './algorithms/built-in.js';
import type { Optimizer, OptimizerFactory, StudyVariable } from './algorithms/optimizer.js';
import { isWork } from './algorithms/work.js';
import type { LoopShare } from './loop-share.js';
import { requireRight } from './refusals.js';
import type { StudySettings } from './settings.js';

export class Catalogue {
  readonly #random: Random;
  readonly #share: LoopShare;
  readonly #factories = new Map<string, OptimizerFactory>(builtInOptimizers);

  constructor(random: Random, share: LoopShare) {
    this.#random = random;
    this.#share = share;
  }

  /** Throws `invalid_argument` when the name is taken. */
  register(name: string, factory: OptimizerFactory): void {
    if (this.#factories.has(name)) throw invalidArgument('name', 'a name that no optimizer has yet', name);
    this.#factories.set(name, factory);
  }

  /**
   * Makes the optimizer of a run, before anything is held. Rejects with what the factory says, `invalid_argument` for a name
   * that there is not and for what is no optimizer, `variable_not_found` and `permission_denied`.
   */
  async make(
    session: SessionHandle,
    owner: SessionHandle,
    references: readonly string[],
    { optimizer: name, direction, maxIterations, config }: StudySettings,
  ): Promise<Optimizer> {
    const factory = this.#factories.get(name);
    if (factory === undefined)
      throw invalidArgument('optimizer', `one of ${[...this.#factories.keys()].join(', ')}`, name);
    const variables = references.map((reference) => described(session, owner, reference));
    try {
      const begun = factory({ variables, direction, maxIterations, config, random: this.#random });
      const made = isWork(begun) ? await this.#share.run(() => begun) : begun;
      if (typeof made?.ask !== 'function' || typeof made.tell !== 'function')
        throw new TypeError(`its factory made ${describeValue(made)}, not an object with ask and tell`);
      if (made.sweeps !== undefined && typeof made.sweeps !== 'boolean')
        throw new TypeError(`its sweeps is ${describeValue(made.sweeps)}, not true or false`);
      return made;
    } catch (error) {
      if (error instanceof CoilyardError) throw error;
      throw new CoilyardError('invalid_argument', `the optimizer ${name} cannot begin: ${describeThrown(error)}`, {
        details: { field: 'optimizer' },
        cause: error,
      });
    }
  }
}

function described(session: SessionHandle, owner: SessionHandle, reference: string): StudyVariable {
  requireRight(session, reference);
  const record = owner.lookUp(reference);
  if (record === undefined) throw new CoilyardError('variable_not_found', `there is no variable ${reference}`);
  return record;
}

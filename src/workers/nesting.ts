/**
 * Calls within calls: Python calls a TypeScript function, which calls Python again. The worker of the outer call waits
 * for the inner one; in a pool that has no other worker free, the inner one would wait for the outer for ever.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { CoilyardError } from '../kernel/errors.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { CallTarget } from '../wire/frames.js';
import { type Capabilities, canServe } from './routing.js';

/** A TypeScript function that runs for the code of a worker. */
export interface Nesting {
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  /** Whether that code still waits for the answer. */
  readonly isWaiting: () => boolean;
  /** That for which the worker's own call was made. */
  readonly outer: Nesting | undefined;
}

/** Calls within each other; one more is taken for a recursion without an end. */
export const MOST_NESTED = 64;

/** Which nesting the code that runs belongs to, whatever it awaits meanwhile. */
export class Nestings {
  readonly #storage = new AsyncLocalStorage<Nesting>();
  #running = 0;

  get current(): Nesting | undefined {
    return this.#running === 0 ? undefined : this.#storage.getStore();
  }

  async run<Result>(nesting: Nesting | undefined, work: () => Promise<Result>): Promise<Result> {
    if (nesting === undefined) return work();
    this.#running += 1;
    try {
      return await this.#storage.run(nesting, work);
    } finally {
      this.#running -= 1;
      // To follow what code awaits costs every promise of the process something.
      if (this.#running === 0) this.#storage.disable();
    }
  }
}

/** From the inside out. */
export function* chainOf(nesting: Nesting | undefined): Generator<Nesting, void, void> {
  for (let link = nesting; link !== undefined; link = link.outer) yield link;
}

export function checkDepth(nesting: Nesting | undefined): CoilyardError | undefined {
  const depth = nesting === undefined ? 0 : [...chainOf(nesting)].length;
  if (depth < MOST_NESTED) return undefined;
  return new CoilyardError('pool_saturated', `calls of Python and TypeScript are nested ${depth} deep`, {
    retryable: false,
    details: { reason: 'nested_too_deep', depth },
  });
}

interface Host {
  readonly link: { readonly workerId: WorkerId; readonly incarnation: Incarnation };
  readonly place: number;
  readonly capabilities: Capabilities;
}

/**
 * A worker that waits for this call, and may therefore be given it although it is busy.
 *
 * @param home the only place that may serve it; undefined: any.
 */
export function hostOf<H extends Host>(
  { nesting, target }: { readonly nesting?: Nesting | undefined; readonly target: CallTarget },
  workers: Iterable<H>,
  home: number | undefined,
): H | undefined {
  const waiting = [...chainOf(nesting)].filter(({ isWaiting }) => isWaiting());
  if (waiting.length === 0) return undefined;
  for (const host of workers) {
    const { link, place, capabilities } = host;
    const isIt = ({ workerId, incarnation }: Nesting) => workerId === link.workerId && incarnation === link.incarnation;
    if ((home === undefined || home === place) && waiting.some(isIt) && canServe(capabilities, target)) return host;
  }
  return undefined;
}

/** Reading the trials of a run in order, while it goes on and after it has ended. Nothing is kept for a slow reader. */

import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { EndedTrial, TrialReader } from './handle.js';

export interface TrialSource {
  readonly session: SessionHandle;
  readonly optimizationId: string;
  readonly afterIteration: number;
  /** Calls back after every change of the run, until it is taken back; absent when it has ended. */
  readonly onChange?: ((wake: () => void) => () => void) | undefined;
}

export class SessionTrialReader implements TrialReader {
  readonly #source: TrialSource;
  readonly #stopListening: (() => void) | undefined;
  #after: number;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(source: TrialSource) {
    this.#source = source;
    this.#after = source.afterIteration;
    this.#stopListening = source.onChange?.(() => this.#callReader());
  }

  take(limit: number): { readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus } | undefined {
    if (this.#hasEnded) return undefined;
    const { session, optimizationId } = this.#source;
    const trials = session.runTrials(optimizationId, this.#after, limit);
    this.#after = trials.at(-1)?.iteration ?? this.#after;
    const status = trials.length < limit ? session.optimizationRun(optimizationId) : undefined;
    if (status !== undefined && !status.isOptimizing) {
      this.#hasEnded = true;
      return { trials, ended: status };
    }
    return trials.length === 0 ? undefined : { trials };
  }

  onReady(wake: () => void): void {
    this.#wake = wake;
  }

  close(): void {
    this.#wake = undefined;
    this.#stopListening?.();
  }

  #callReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

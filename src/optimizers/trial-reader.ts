/** Reading the trials of a run in order, while it goes on and after it has ended. Nothing is kept for a slow reader. */

import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { EndedTrial, TrialReader } from './handle.js';
import { notCarriedOn } from './refusals.js';
import type { Study } from './study.js';

export interface TrialSource {
  readonly session: SessionHandle;
  readonly optimizationId: string;
  readonly afterIteration: number;
  /** Absent when the run has ended. */
  readonly study?: Pick<Study, 'onChange' | 'isOver'> | undefined;
}

export class SessionTrialReader implements TrialReader {
  readonly #source: TrialSource;
  readonly #stopListening: (() => void) | undefined;
  #after: number;
  #hasEnded = false;
  /** Whether there may be more than was taken. */
  #hasNews = true;
  #wake: (() => void) | undefined;

  constructor(source: TrialSource) {
    this.#source = source;
    this.#after = source.afterIteration;
    this.#stopListening = source.study?.onChange(() => this.#callReader());
  }

  /** Throws `not_optimizing` when the run goes on in the session, and nobody here carries it on any more. */
  take(limit: number): { readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus } | undefined {
    if (this.#hasEnded) return undefined;
    const { session, optimizationId, study } = this.#source;
    const trials = session.runTrials(optimizationId, this.#after, limit);
    this.#after = trials.at(-1)?.iteration ?? this.#after;
    this.#hasNews = trials.length === limit;
    const status = trials.length < limit ? session.optimizationRun(optimizationId) : undefined;
    if (status !== undefined && !status.isOptimizing) {
      this.#hasEnded = true;
      return { trials, ended: status };
    }
    if (trials.length > 0) return { trials };
    if (study?.isOver === true) throw notCarriedOn(optimizationId);
    return undefined;
  }

  onReady(wake: () => void): void {
    this.#wake = wake;
    if (this.#hasNews) this.#callReader();
  }

  close(): void {
    this.#wake = undefined;
    this.#stopListening?.();
  }

  #callReader(): void {
    this.#hasNews = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

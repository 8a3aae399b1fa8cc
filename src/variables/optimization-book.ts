/** The runs of a session and what they have tried. Bounded in number and in what the values hold on to. */

import type { VariableId } from '../kernel/ids.js';
import type { Optimization, OptimizationTrial } from './optimization.js';
import { weightOfRun, weightOfTrial } from './weight.js';

/** How many trials a session keeps, of all runs together. */
export const KEPT_TRIALS = 10_000;
/** How many runs a session keeps that have ended. */
export const KEPT_RUNS = 1000;
/** How many bytes of values the trials hold on to together. */
export const KEPT_TRIAL_BYTES = 16 * 1024 * 1024;
/** How many bytes of values the runs hold on to together, besides their trials. */
export const KEPT_RUN_BYTES = 64 * 1024 * 1024;

/** A run with its trials, oldest first; those that are no longer kept are missing at the beginning. */
export interface KeptRun {
  readonly optimization: Optimization;
  readonly trials: readonly OptimizationTrial[];
}

interface Run {
  optimization: Optimization;
  readonly trials: OptimizationTrial[];
  /** Of what it holds on to besides its trials. */
  weight: number;
}

export class OptimizationBook {
  /** In order of their beginning. */
  readonly #runs = new Map<string, Run>();
  /** The last run of each variable. */
  readonly #latest = new Map<VariableId, string>();
  #trials = 0;
  #bytes = 0;
  #runBytes = 0;

  get(id: string): Optimization | undefined {
    return this.#runs.get(id)?.optimization;
  }

  /** The run that holds the variable, or the last one that did. */
  latestOf(id: VariableId): Optimization | undefined {
    const latest = this.#latest.get(id);
    return latest === undefined ? undefined : this.get(latest);
  }

  /** Those behind an iteration that are kept, oldest first. */
  trialsOf(id: string, afterIteration: number, limit: number): readonly OptimizationTrial[] {
    const trials = this.#runs.get(id)?.trials ?? [];
    const [oldest] = trials;
    const from = oldest === undefined ? 0 : Math.max(0, afterIteration + 1 - oldest.iteration);
    return trials.slice(from, from + limit);
  }

  /** In order of their beginning. */
  runs(): Iterable<KeptRun> {
    return this.#runs.values();
  }

  keep(optimization: Optimization, trials: readonly OptimizationTrial[] = []): void {
    const run = this.#runs.get(optimization.id) ?? this.#begin(optimization);
    this.#weigh(run, optimization);
    for (const trial of trials) {
      run.trials.push(trial);
      this.#trials += 1;
      this.#bytes += weightOfTrial(trial);
    }
    while (this.#areTooMany() && this.#dropOldestEnded(optimization.id));
    while (this.#isTooMuch() && (this.#dropOldestEnded(optimization.id) || this.#dropOldestTrial()));
  }

  #begin(optimization: Optimization): Run {
    const run = { optimization, trials: [], weight: weightOfRun(optimization) };
    this.#runBytes += run.weight;
    this.#runs.set(optimization.id, run);
    for (const { id } of optimization.variables) this.#latest.set(id, optimization.id);
    return run;
  }

  /** Of what a run holds on to, its best alone changes. */
  #weigh(run: Run, optimization: Optimization): void {
    const { best } = run.optimization;
    run.optimization = optimization;
    if (optimization.best === best) return;
    const gained = weightOfTrial(optimization.best) - weightOfTrial(best);
    run.weight += gained;
    this.#runBytes += gained;
  }

  #areTooMany(): boolean {
    return this.#runs.size > KEPT_RUNS || this.#runBytes > KEPT_RUN_BYTES;
  }

  #isTooMuch(): boolean {
    return this.#trials > KEPT_TRIALS || this.#bytes > KEPT_TRIAL_BYTES;
  }

  /** False when every run that is kept still goes on, but for the one in hand. */
  #dropOldestEnded(inHand: string): boolean {
    for (const [id, { optimization, trials, weight }] of this.#runs) {
      if (optimization.end === undefined || id === inHand) continue;
      this.#runs.delete(id);
      this.#runBytes -= weight;
      for (const variable of optimization.variables)
        if (this.#latest.get(variable.id) === id) this.#latest.delete(variable.id);
      for (const trial of trials) this.#forget(trial);
      return true;
    }
    return false;
  }

  /** The newest of each run is kept whatever it holds on to. */
  #dropOldestTrial(): boolean {
    for (const { trials } of this.#runs.values()) {
      const oldest = trials.length > 1 ? trials.shift() : undefined;
      if (oldest === undefined) continue;
      this.#forget(oldest);
      return true;
    }
    return false;
  }

  #forget(trial: OptimizationTrial): void {
    this.#trials -= 1;
    this.#bytes -= weightOfTrial(trial);
  }
}

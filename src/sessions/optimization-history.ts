/** What was tried for a variable: by runs of this runtime, and by optimizers elsewhere that wrote what they tried. */

import type { VariableId } from '../kernel/ids.js';
import type { Optimization, OptimizationTrial, OptimizedVariable } from '../variables/optimization.js';
import type { VariablesState } from '../variables/state.js';
import { noMetadata } from '../variables/value.js';
import { HISTORY_LIMIT, type Variable } from '../variables/variable.js';

export interface OptimizationHistoryOptions {
  /** At most so many, the newest. Default 100. */
  readonly limit?: number | undefined;
  /** Epoch milliseconds: only what has ended then or later. */
  readonly sinceMs?: number | undefined;
  /** Only trials of this run. */
  readonly optimizerId?: string | undefined;
}

export interface OptimizationEntry {
  /** The run, or what an optimizer elsewhere called itself (`metadata.optimizer_id`). */
  readonly optimizerId: string;
  /** 1, 2, 3, … in the order in which trials ended; `null`: an optimizer elsewhere did not say. */
  readonly iteration: number | null;
  readonly value: unknown;
  /** The variable's type. */
  readonly variableType: string;
  /** Numbers by name. */
  readonly metrics: Readonly<Record<string, unknown>>;
  /** `null`: it has failed, or an optimizer elsewhere did not say. */
  readonly score: number | null;
  readonly state: 'complete' | 'failed';
  /** Why it has failed; empty otherwise. */
  readonly error: string;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  /** When the trial ended. */
  readonly atMs: number;
  /** The version that an optimizer elsewhere has written; `null` for a trial, which is no version. */
  readonly version: number | null;
}

/** Oldest first. */
export function optimizationEntries(
  state: VariablesState,
  { id, type }: Variable,
  { limit = HISTORY_LIMIT, sinceMs = 0, optimizerId }: OptimizationHistoryOptions,
): readonly OptimizationEntry[] {
  if (limit === 0) return [];
  return [...trialsOf(state, id), ...versionsOf(state, id)]
    .map((entry) => ({ ...entry, variableType: type }))
    .filter((entry) => entry.atMs >= sinceMs && (optimizerId === undefined || entry.optimizerId === optimizerId))
    .sort((one, other) => one.atMs - other.atMs)
    .slice(-limit);
}

type Tried = Omit<OptimizationEntry, 'variableType'>;

function* trialsOf(state: VariablesState, id: VariableId): Generator<Tried> {
  for (const { optimization, trials } of state.optimizations()) {
    const index = optimization.variables.findIndex((variable) => variable.id === id);
    if (index < 0) continue;
    for (const { iteration, values, metrics, score, error, startedAtMs, endedAtMs } of trials) {
      const isComplete = score !== null;
      yield {
        optimizerId: optimization.id,
        iteration,
        value: values[index],
        metrics,
        score,
        state: isComplete ? 'complete' : 'failed',
        error,
        startedAtMs,
        atMs: endedAtMs,
        version: null,
      };
    }
  }
}

/** Oldest first; what a run has written is among its trials. */
function* versionsOf(state: VariablesState, id: VariableId): Generator<Tried> {
  for (const entry of state.history(id, HISTORY_LIMIT, 0).reverse()) {
    const { optimizerId, metrics = noMetadata, metadata, value, version, updatedAtMs: atMs } = entry;
    if (optimizerId === undefined || state.optimization(optimizerId) !== undefined) continue;
    const { iteration, score } = metadata;
    yield {
      optimizerId,
      iteration: typeof iteration === 'number' ? iteration : null,
      value,
      metrics,
      score: typeof score === 'number' ? score : null,
      state: 'complete',
      error: '',
      startedAtMs: atMs,
      atMs,
      version,
    };
  }
}

/** A value of a variable, with the type that says how it travels. */
export interface NamedValue {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
}

/** A trial that has ended, with the values of the variables that the reader may read. */
export interface EndedTrial extends Omit<OptimizationTrial, 'values'> {
  readonly values: readonly NamedValue[];
}

/** @param isShown whether the reader may read a variable. */
export function endedTrial(
  { variables }: Optimization,
  { values, ...trial }: OptimizationTrial,
  isShown: (variable: OptimizedVariable) => boolean,
): EndedTrial {
  const shown: NamedValue[] = [];
  for (const [index, variable] of variables.entries())
    if (isShown(variable)) shown.push({ name: variable.name, type: variable.type, value: values[index] });
  return { ...trial, values: shown };
}

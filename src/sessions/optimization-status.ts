/** A run as those see it who may read some of its variables, or all. */

import type { Direction, EndReason, Optimization, OptimizedVariable } from '../variables/optimization.js';

export interface OptimizationStatus {
  readonly isOptimizing: boolean;
  readonly optimizationId: string;
  /** The name of what makes the suggestions. */
  readonly optimizer: string;
  readonly variables: readonly { readonly name: string; readonly type: string }[];
  /** Trials that have ended, failed ones included. */
  readonly iteration: number;
  readonly maxIterations: number;
  readonly direction: Direction;
  /** How long it outlives the last sign of a client, in milliseconds. 0: the runtime itself tries the values. */
  readonly leaseMs: number;
  /** By name, of the variables that the reader may read; empty until a trial was successful. */
  readonly bestValues: ReadonlyMap<string, unknown>;
  readonly bestMetrics: Readonly<Record<string, number>>;
  readonly bestScore: number | null;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  readonly lastUpdateAtMs: number;
  /** `null` while it runs. */
  readonly reason: EndReason | null;
  /** What went wrong, with the optimizer or with committing the best values; empty when nothing did. */
  readonly error: string;
  /** The versions that were committed at the end, by name. Empty: nothing was. */
  readonly committed: ReadonlyMap<string, number>;
  /** Variables that others have written during the run: nothing was committed because of them. */
  readonly conflicts: readonly string[];
}

const noMetrics: Readonly<Record<string, number>> = Object.freeze({});

/** @param shown the value as its reader sees it; `undefined`: it may not see it. */
export function statusOf(
  optimization: Optimization,
  shown: (variable: OptimizedVariable, value: unknown) => unknown = (_variable, value) => value,
): OptimizationStatus {
  const {
    id,
    optimizer,
    variables,
    iteration,
    maxIterations,
    direction,
    leaseMs,
    startedAtMs,
    lastUpdateAtMs,
    best,
    end,
  } = optimization;
  const bestValues = new Map<string, unknown>();
  for (const [index, variable] of variables.entries()) {
    const value = best === undefined ? undefined : shown(variable, best.values[index]);
    if (value !== undefined) bestValues.set(variable.name, value);
  }
  return {
    isOptimizing: end === undefined,
    optimizationId: id,
    optimizer,
    variables: variables.map(({ name, type }) => ({ name, type })),
    iteration,
    maxIterations,
    direction,
    leaseMs,
    bestValues,
    bestMetrics: best?.metrics ?? noMetrics,
    bestScore: best?.score ?? null,
    startedAtMs,
    lastUpdateAtMs,
    reason: end?.reason ?? null,
    error: end?.error ?? '',
    committed: new Map(end?.committed),
    conflicts: end?.conflicts ?? [],
  };
}

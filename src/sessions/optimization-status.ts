/** A run as those see it who may read some of its variables, or all. */

import type { Direction, EndReason, Optimization } from '../variables/optimization.js';

export interface OptimizationStatus {
  readonly isOptimizing: boolean;
  readonly optimizationId: string;
  /** The name of what makes the suggestions. */
  readonly optimizer: string;
  /** Names. */
  readonly variables: readonly string[];
  /** Trials that have ended, failed ones included. */
  readonly iteration: number;
  readonly maxIterations: number;
  readonly direction: Direction;
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
  shown: (name: string, value: unknown) => unknown = (_name, value) => value,
): OptimizationStatus {
  const { id, optimizer, variables, iteration, maxIterations, direction, startedAtMs, lastUpdateAtMs, best, end } =
    optimization;
  const bestValues = new Map<string, unknown>();
  for (const [index, { name }] of variables.entries()) {
    const value = best === undefined ? undefined : shown(name, best.values[index]);
    if (value !== undefined) bestValues.set(name, value);
  }
  return {
    isOptimizing: end === undefined,
    optimizationId: id,
    optimizer,
    variables: variables.map(({ name }) => name),
    iteration,
    maxIterations,
    direction,
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

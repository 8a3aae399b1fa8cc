/**
 * What a session knows of optimizations: which run holds which variable, what was tried, and how it ended. A record is
 * never changed: whatever happens to a run makes a new one.
 */

import type { VariableId } from '../kernel/ids.js';
import type { Metadata } from './value.js';

export type Direction = 'maximize' | 'minimize';

export const directions: readonly Direction[] = Object.freeze(['maximize', 'minimize']);

/**
 * Why a run has ended: all its iterations are done, the best score does not get better, there is nothing more to try,
 * somebody stopped it, its time is up, none of its clients has been heard of, somebody else has written the variable
 * that it sets for its trials, its optimizer failed, or the runtime went down.
 */
export type EndReason =
  | 'max_iterations'
  | 'converged'
  | 'exhausted'
  | 'stopped'
  | 'timeout'
  | 'lease_expired'
  | 'conflict'
  | 'failed'
  | 'shutdown';

export const endReasons: readonly EndReason[] = Object.freeze([
  'max_iterations',
  'converged',
  'exhausted',
  'stopped',
  'timeout',
  'lease_expired',
  'conflict',
  'failed',
  'shutdown',
]);

/** A variable as a run holds it. */
export interface OptimizedVariable {
  readonly id: VariableId;
  readonly name: string;
  readonly type: string;
  /** What it was when the run began. */
  readonly before: { readonly version: number; readonly value: unknown };
  /** What the run has written last, or seen at its beginning: any other version is somebody else's. */
  readonly version: number;
}

/** A trial that has ended. */
export interface OptimizationTrial {
  readonly optimizationId: string;
  /** 1, 2, 3, … in the order in which trials ended. */
  readonly iteration: number;
  /** One for each variable of the run, in its order. */
  readonly values: readonly unknown[];
  readonly metrics: Readonly<Record<string, number>>;
  /** `null`: it has failed. */
  readonly score: number | null;
  /** Why it has failed; empty otherwise. */
  readonly error: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface OptimizationEnd {
  readonly reason: EndReason;
  readonly atMs: number;
  /** What went wrong: with the optimizer, or with the best values; empty when nothing did. */
  readonly error: string;
  /** Names and versions that were committed. Empty: nothing was. */
  readonly committed: readonly (readonly [name: string, version: number])[];
  /** Names of variables that others have written meanwhile: nothing was committed because of them. */
  readonly conflicts: readonly string[];
}

/** One run. */
export interface Optimization {
  readonly id: string;
  /** The name of what makes the suggestions. */
  readonly optimizer: string;
  readonly config: Metadata;
  readonly direction: Direction;
  readonly maxIterations: number;
  /** How long it outlives the last sign of a client, in milliseconds. 0: the runtime itself tries the values. */
  readonly leaseMs: number;
  readonly variables: readonly OptimizedVariable[];
  readonly source: string;
  /** The calling session, when it is not the owner. */
  readonly principal?: string;
  readonly startedAtMs: number;
  readonly lastUpdateAtMs: number;
  /** Trials that have ended, failed ones included. */
  readonly iteration: number;
  readonly best?: OptimizationTrial;
  /** Absent while it runs. */
  readonly end?: OptimizationEnd;
}

/** Whether one score is better than another. */
export const isBetter = (score: number, than: number, direction: Direction): boolean =>
  direction === 'maximize' ? score > than : score < than;

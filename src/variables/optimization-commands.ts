/** What the study of a run asks of the session that owns the variables. */

import type { Command } from './command.js';
import type { Direction, EndReason, Optimization, OptimizationTrial } from './optimization.js';

/** Holds all variables for a run, or none. */
export interface StartOptimization extends Command<'optimization.start'> {
  readonly variables: readonly string[];
  /** Chosen by the caller, never used before. */
  readonly optimizationId: string;
  readonly optimizer: string;
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  readonly direction: Direction;
  readonly maxIterations: number;
  readonly leaseMs: number;
}

/** Sets the variables to the values of a trial that begins. */
export interface ApplyTrial extends Command<'optimization.apply'> {
  readonly optimizationId: string;
  /** One for each variable of the run, in its order, as they were checked. */
  readonly values: readonly unknown[];
}

/** Records a trial that has ended. */
export interface RecordTrial extends Command<'optimization.record'> {
  readonly optimizationId: string;
  readonly values: readonly unknown[];
  readonly metrics: Readonly<Record<string, number>>;
  /** `null`: it has failed. */
  readonly score: number | null;
  readonly error?: string | undefined;
  readonly startedAtMs: number;
}

/** What the variables are left with: the best values, those of before, or whatever they are now. */
export type Leaving = 'best' | 'before' | 'as_is';

/** Ends a run, once: of one that has ended it answers how. What it leaves is never what others have written over. */
export interface EndOptimization extends Command<'optimization.end'> {
  readonly optimizationId: string;
  readonly reason: EndReason;
  readonly error?: string | undefined;
  readonly leaving: Leaving;
}

export type OptimizationCommand = StartOptimization | ApplyTrial | RecordTrial | EndOptimization;

interface Reply {
  readonly revision: number;
  readonly optimization: Optimization;
}

export interface OptimizationReplies {
  'optimization.start': Reply;
  'optimization.apply': Reply;
  'optimization.record': Reply & { readonly trial: OptimizationTrial };
  'optimization.end': Reply;
}

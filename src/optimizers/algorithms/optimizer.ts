/**
 * The port of everything that proposes values: what a study asks of it, and what it is told. An optimizer is one object
 * per run, knows nothing of sessions, and never runs an objective itself.
 */

import type { Random } from '../../kernel/clock.js';
import type { Direction } from '../../variables/optimization.js';
import type { Constraints } from '../../variables/variable.js';
import type { Answer, AnyWork } from './work.js';

/** A value for each variable of a study, in the study's order. */
export type Candidate = readonly unknown[];

/** What an optimizer may know of a variable. */
export interface StudyVariable {
  readonly name: string;
  readonly type: string;
  /** The present one. */
  readonly value: unknown;
  /** In their normal form, as registration made them. */
  readonly constraints: Constraints;
}

export type Suggestion =
  | { readonly type: 'candidate'; readonly values: Candidate }
  /** Nothing until a trial that is running has ended. */
  | { readonly type: 'wait' }
  /** Nothing more to try. */
  | { readonly type: 'done' };

export type TrialResult =
  | { readonly state: 'complete'; readonly score: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly state: 'failed' };

/**
 * The study itself tries the present values first: an optimizer takes them as running until it is told of them, and
 * does not propose them again.
 *
 * One call is answered before the next one is made. An answer may be a promise, or work in pieces (a generator, so that
 * `*ask()` computes as long as it likes without keeping the event loop from others): a run that ends waits for neither, and
 * has the generator return.
 */
export interface Optimizer {
  ask(): Answer<Suggestion>;
  /**
   * Exactly once for every candidate it has given, in the order in which trials end; and for trials that it did not
   * propose: the present values, and those of others, which may lie outside of what it searches.
   */
  tell(values: Candidate, result: TrialResult): Answer<void>;
  /** Ends the run before its iterations are used up. */
  shouldStop?(): Answer<boolean>;
  /** Its order means nothing, so that a plateau does not either: it is tried as a whole. Default false. */
  readonly sweeps?: boolean;
}

export interface StudyPlan {
  readonly variables: readonly StudyVariable[];
  readonly direction: Direction;
  /** Trials of the run, the one of the present values included. */
  readonly maxIterations: number;
  /** The optimizer's own keys, in snake_case. `null` and `undefined` count as not given. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly random: Random;
}

/** Throws `invalid_argument` that names the config key or the variable. Has no effect: it is called before anything is locked. */
export type OptimizerFactory = (plan: StudyPlan) => Optimizer | AnyWork<Optimizer>;

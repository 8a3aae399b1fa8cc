/** What the other rooms may ask of optimizations: the gateway knows this and nothing behind it. */

import type { EndedTrial, NamedValue, OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { Direction } from '../variables/optimization.js';
import type { ValueKind } from '../variables/value.js';

export type { EndedTrial, NamedValue } from '../sessions/handle.js';

/** What a trial was measured to be. The score is one of the metrics unless it is said by itself. */
export interface Measured {
  readonly metrics: Readonly<Record<string, number>>;
  readonly score?: number | undefined;
}

export type TrialOutcome = Measured | { readonly error: string };

export interface StartStudyOptions {
  /** `bayesian`, `grid_search`, `gradient`, `random_search`, or one that was registered. */
  readonly optimizer: string;
  /** The optimizer's own settings, keys in snake_case. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
  /** Trials that may end, failed ones included. Default 100. */
  readonly maxIterations?: number | undefined;
  /** The run ends when the best score has gained less over its last trials; 0: never for that. Default 0.001. */
  readonly convergenceThreshold?: number | undefined;
  /** How many trials the convergence looks back. Default 10, or as many as the optimizer begins with at random. */
  readonly patience?: number | undefined;
  /** Default `maximize`. */
  readonly direction?: Direction | undefined;
  /** Which of the metrics is optimized. Default `score`, or the only one that there is. */
  readonly metric?: string | undefined;
  /** The tool that is called for every trial. Absent: clients ask for trials and tell their outcome. */
  readonly tool?: string | undefined;
  /** The optimizer runs with the client, which brings the values of each trial. */
  readonly external?: boolean | undefined;
  /** Sets the variables to the values of each trial. Needs `parallel` to be 1. Default false. */
  readonly applyTrials?: boolean | undefined;
  /** How many trials may run at the same time. Default 1. */
  readonly parallel?: number | undefined;
  /** The run ends after so many milliseconds. Default: never for that. */
  readonly timeoutMs?: number | undefined;
  /** How long the run outlives the last sign of a client, in milliseconds. Default 15,000. */
  readonly leaseMs?: number | undefined;
  readonly source?: string | undefined;
  readonly requestId?: string | undefined;
}

/** Values to try. */
export interface Trial {
  /** 1, 2, 3, … in the order in which trials begin. */
  readonly number: number;
  readonly values: readonly NamedValue[];
}

export interface AskOptions {
  /** Of an external run only: what the client wants to try, by name, with the kinds that the wire gave. */
  readonly values?: ReadonlyMap<string, { readonly value: unknown; readonly kind?: ValueKind | undefined }> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

export type Asked =
  | { readonly type: 'trial'; readonly trial: Trial }
  /** Nothing to try until another trial has ended: ask again. */
  | { readonly type: 'later' }
  | { readonly type: 'ended'; readonly status: OptimizationStatus };

export interface Told {
  readonly trial: EndedTrial;
  readonly status: OptimizationStatus;
}

export interface StopStudyOptions {
  /** Only this run; `optimistic_lock_failure` when another holds the variable. Absent: whichever does. */
  readonly optimizationId?: string | undefined;
  /** Default `stopped`. */
  readonly reason?: 'stopped' | 'exhausted' | 'converged' | 'failed' | undefined;
  /** What went wrong, with the reason `failed`: nothing is committed then. */
  readonly error?: string | undefined;
}

/** A reader's place among the trials of a run. It keeps nothing for a slow reader. */
export interface TrialReader {
  /** Trials that ended since the last take, at most so many, and the end once all were taken; `undefined`: nothing new. */
  take(limit: number): { readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus } | undefined;
  /** Calls `wake` once, when there is something to take. */
  onReady(wake: () => void): void;
  /** Idempotent. */
  close(): void;
}

/**
 * Optimizations of the variables of any session. The handle says who asks: every method but `follow` needs the right to
 * `optimize` all variables of the run. Rejects and throws with `variable_not_found`, `permission_denied`,
 * `invalid_argument`, `already_optimizing`, `not_optimizing`, and `optimistic_lock_failure` when another run has taken over.
 */
export interface OptimizersPort {
  start(session: SessionHandle, variables: readonly string[], options: StartStudyOptions): Promise<OptimizationStatus>;
  ask(session: SessionHandle, optimizationId: string, clientId: string, options?: AskOptions): Promise<Asked>;
  tell(
    session: SessionHandle,
    optimizationId: string,
    clientId: string,
    trialNumber: number,
    outcome: TrialOutcome,
  ): Promise<Told>;
  /** A client is still there, and with it those whose ids are its own and something behind a hyphen. */
  renew(session: SessionHandle, optimizationId: string, clientId: string): OptimizationStatus;
  /** Resolves once the best values are committed. */
  stop(session: SessionHandle, reference: string, options?: StopStudyOptions): Promise<OptimizationStatus>;
  /** Of a run that holds the variable, or the last one that did; `undefined`: none ever has. */
  status(session: SessionHandle, reference: string): OptimizationStatus | undefined;
  /** Trials behind an iteration, of a run that goes on or has ended. Needs the right to read one of its variables. */
  follow(session: SessionHandle, optimizationId: string, afterIteration: number): TrialReader;
}

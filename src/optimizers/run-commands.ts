/**
 * The commands of a run to its session: set the values of a trial, write down its outcome, end. Each is carried out once,
 * however often the session has to be asked.
 */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError, describeThrown } from '../kernel/errors.js';
import type { Result } from '../kernel/result.js';
import type { SessionHandle } from '../sessions/handle.js';
import type { EndReason, Optimization } from '../variables/optimization.js';
import type { Leaving } from '../variables/optimization-commands.js';
import { MAX_ERROR_LENGTH } from '../variables/optimization-limits.js';
import type { Candidate } from './algorithms/optimizer.js';
import { isPassing, carryOut } from './retries.js';
import type { Scored } from './score.js';
import type { RunningTrial } from './trial-desk.js';

/** How a run ends: why, what went wrong, and what the variables are left with. */
export interface Ending {
  readonly reason: EndReason;
  readonly error?: string | undefined;
  /** Default `best`. */
  readonly leaving?: Leaving | undefined;
}

export interface RunCommandsOptions {
  /** The session as whoever asks for it may use it. */
  readonly session: SessionHandle;
  readonly optimizationId: string;
  readonly clock: Clock;
}

/** What a command says of who asks. */
const SOURCE = 'optimizer';

const noMetrics: Readonly<Record<string, number>> = Object.freeze({});

/** What a run leaves when what follows from its values refuses them. */
const lessThan: Readonly<Record<Leaving, Leaving | undefined>> = Object.freeze({
  best: 'before',
  before: 'as_is',
  as_is: undefined,
});

export class RunCommands {
  readonly #options: RunCommandsOptions;
  #applied = 0;

  constructor(options: RunCommandsOptions) {
    this.#options = options;
  }

  /** Sets the variables for a trial. Rejects with `optimistic_lock_failure` when others have written one of them. */
  async apply(values: Candidate): Promise<Optimization> {
    const { session, optimizationId, clock } = this.#options;
    this.#applied += 1;
    const requestId = `${optimizationId}.apply.${this.#applied}`;
    const command = { type: 'optimization.apply', source: SOURCE, requestId, optimizationId, values } as const;
    return (await carryOut(session, command, clock)).optimization;
  }

  /** Rejects with what {@link isEnded} knows when the run is over. */
  async record(
    { number, values, startedAtMs }: RunningTrial,
    result: Result<Scored, string>,
  ): Promise<{ readonly optimization: Optimization; readonly iteration: number }> {
    const { session, optimizationId, clock } = this.#options;
    const outcome = result.ok
      ? { ...result.value, error: '' }
      : { metrics: noMetrics, score: null, error: cut(result.error) || 'it has failed' };
    const requestId = requestOf(optimizationId, number);
    const command = { type: 'optimization.record', source: SOURCE, requestId, optimizationId } as const;
    const { optimization, trial } = await carryOut(session, { ...command, values, ...outcome, startedAtMs }, clock);
    return { optimization, iteration: trial.iteration };
  }

  /** Lets the variables go, with what can be left of what should be. */
  async release({ reason, error = '', leaving = 'best' }: Ending): Promise<Optimization> {
    const { session, optimizationId, clock } = this.#options;
    const requestId = `${optimizationId}.end.${leaving}`;
    const command = { type: 'optimization.end', source: SOURCE, requestId, optimizationId } as const;
    try {
      return (await carryOut(session, { ...command, reason, leaving, error: cut(error) }, clock)).optimization;
    } catch (refusal) {
      const less = lessThan[leaving];
      if (less === undefined || isPassing(refusal)) throw refusal;
      return this.release({ reason, error: error || describeThrown(refusal), leaving: less });
    }
  }
}

/** The id under which the outcome of a trial is written down, once. */
export const requestOf = (optimizationId: string, number: number): string => `${optimizationId}.${number}`;

/** Whether the session says that a run is over. */
export const isEnded = (error: unknown): boolean =>
  error instanceof CoilyardError && (error.code === 'not_optimizing' || error.code === 'optimistic_lock_failure');

const cut = (text: string): string => text.slice(0, MAX_ERROR_LENGTH);

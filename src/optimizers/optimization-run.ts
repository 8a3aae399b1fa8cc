/** A run as users hold it. */

import { checkObject } from '../kernel/arguments.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { EndedTrial, Measured, OptimizersPort, Told, Trial } from './handle.js';
import { statusIn } from './refusals.js';
import { measuredOf } from './score.js';

/** Trials that are read at a time. */
const AT_A_TIME = 256;

/** Who asks for trials, unless a caller says otherwise. */
const CLIENT = 'typescript';

export class OptimizationRun {
  readonly id: string;
  /** Resolves when the run has ended, however; rejects when its session has gone. */
  readonly ended: Promise<OptimizationStatus>;
  readonly #port: OptimizersPort;
  readonly #session: SessionHandle;
  readonly #variable: string;

  constructor(port: OptimizersPort, session: SessionHandle, id: string, variable: string) {
    this.id = id;
    this.#port = port;
    this.#session = session;
    this.#variable = variable;
    this.ended = this.#untilEnded();
    // Whoever does not look at it is not punished for it.
    this.ended.catch(() => undefined);
  }

  status(): OptimizationStatus {
    return statusIn(this.#session, this.id);
  }

  /** Trials as they end, each once and in order, those that have ended already included, until the run ends. */
  async *trials(): AsyncGenerator<EndedTrial, void, void> {
    for await (const { trials } of this.#batches()) yield* trials;
  }

  /**
   * The next trial for a client, which has one at a time and is given the same one until it has told its outcome;
   * `undefined` once the run is over. Of runs without an objective. Asking keeps the run alive, `renew` does too.
   */
  async ask(clientId: string = CLIENT): Promise<Trial | undefined> {
    for (;;) {
      const asked = await this.#port.ask(this.#session, this.id, clientId);
      if (asked.type !== 'later') return asked.type === 'trial' ? asked.trial : undefined;
    }
  }

  /** How good a trial was: a score, or metrics by name. Rejects with `not_optimizing` when the run is over. */
  async tell(trial: Trial, measured: number | Measured['metrics'], clientId: string = CLIENT): Promise<Told> {
    const outcome = measuredOf(measured);
    if (!outcome.ok) throw invalidArgument('measured', 'a number, or numbers by name', measured);
    return this.#port.tell(this.#session, this.id, clientId, numberOf(trial), outcome.value);
  }

  /** Why a trial has failed. */
  async fail(trial: Trial, error: string, clientId: string = CLIENT): Promise<Told> {
    if (typeof error !== 'string' || error === '') throw invalidArgument('error', 'why the trial has failed', error);
    return this.#port.tell(this.#session, this.id, clientId, numberOf(trial), { error });
  }

  /** Says that a client is still there: a trial that takes longer than the lease needs it. */
  renew(clientId: string = CLIENT): OptimizationStatus {
    return this.#port.renew(this.#session, this.id, clientId);
  }

  /** Ends the run and commits the best values. A run that has ended already stays as it is. */
  async stop(): Promise<OptimizationStatus> {
    try {
      return await this.#port.stop(this.#session, this.#variable, { optimizationId: this.id });
    } catch (error) {
      const hasEnded = error instanceof CoilyardError && error.code === 'optimistic_lock_failure';
      if (hasEnded) return this.status();
      throw error;
    }
  }

  async #untilEnded(): Promise<OptimizationStatus> {
    for await (const { ended } of this.#batches()) if (ended !== undefined) return ended;
    return this.status();
  }

  async *#batches(): AsyncGenerator<{ readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus }> {
    const reader = this.#port.follow(this.#session, this.id, 0);
    try {
      for (;;) {
        const batch = reader.take(AT_A_TIME);
        if (batch !== undefined) yield batch;
        if (batch?.ended !== undefined) return;
        if (batch === undefined) await new Promise<void>((wake) => reader.onReady(wake));
      }
    } finally {
      reader.close();
    }
  }
}

function numberOf(trial: Trial): number {
  checkObject('trial', trial);
  return trial.number;
}

/** A run as users hold it. */

import { checkObject, reading } from '../kernel/arguments.js';
import type { Clock } from '../kernel/clock.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { EndedTrial, Measured, OptimizersPort, Told, Trial, TrialOutcome } from './handle.js';
import { patiently } from './retries.js';
import { presentedIn, presentedStatus } from './presented.js';
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
  readonly #clock: Clock;

  /** @param variable one of those that it holds. */
  constructor(port: OptimizersPort, session: SessionHandle, id: string, variable: string, clock: Clock) {
    this.id = id;
    this.#port = port;
    this.#session = session;
    this.#variable = variable;
    this.#clock = clock;
    this.ended = this.#untilEnded();
    // Whoever does not look at it is not punished for it.
    this.ended.catch(() => undefined);
  }

  status(): OptimizationStatus {
    return presentedStatus(this.#session, statusIn(this.#session, this.id));
  }

  /** Trials as they end, each once and in order, those that have ended already included, until the run ends. */
  async *trials(): AsyncGenerator<EndedTrial, void, void> {
    for await (const { trials } of this.#batches()) for (const trial of trials) yield presentedIn(this.#session, trial);
  }

  /**
   * The next trial for a client, which has one at a time and is given the same one until it has told its outcome;
   * `undefined` once the run is over. Of runs without an objective. Asking keeps the run alive, `renew` does too.
   */
  async ask(clientId: string = CLIENT): Promise<Trial | undefined> {
    checkClient(clientId);
    for (;;) {
      const asked = await this.#port.ask(this.#session, this.id, clientId);
      if (asked.type === 'trial') return presentedIn(this.#session, asked.trial);
      if (asked.type === 'ended') return undefined;
    }
  }

  /** How good a trial was: a score, or metrics by name. Rejects with `not_optimizing` when the run is over. */
  async tell(trial: Trial, measured: number | Measured['metrics'], clientId: string = CLIENT): Promise<Told> {
    checkClient(clientId);
    const outcome = reading('measured', () => measuredOf(measured));
    if (!outcome.ok) throw invalidArgument('measured', 'a number, or numbers by name', measured);
    return this.#tell(trial, outcome.value, clientId);
  }

  /** Why a trial has failed. */
  async fail(trial: Trial, error: string, clientId: string = CLIENT): Promise<Told> {
    checkClient(clientId);
    if (typeof error !== 'string' || error === '') throw invalidArgument('error', 'why the trial has failed', error);
    return this.#tell(trial, { error }, clientId);
  }

  /** Says that a client is still there: a trial that takes longer than the lease needs it. */
  renew(clientId: string = CLIENT): OptimizationStatus {
    checkClient(clientId);
    return presentedStatus(this.#session, this.#port.renew(this.#session, this.id, clientId));
  }

  /** Ends the run and commits the best values. A run that has ended already stays as it is. */
  async stop(): Promise<OptimizationStatus> {
    const status = this.status();
    if (!status.isOptimizing) return status;
    try {
      const stopped = await this.#port.stop(this.#session, this.#variable, { optimizationId: this.id });
      return presentedStatus(this.#session, stopped);
    } catch (error) {
      const hasEnded = error instanceof CoilyardError && error.code === 'optimistic_lock_failure';
      if (hasEnded) return this.status();
      throw error;
    }
  }

  async #tell(trial: Trial, outcome: TrialOutcome, clientId: string): Promise<Told> {
    const told = await this.#port.tell(this.#session, this.id, clientId, numberOf(trial), outcome);
    return { trial: presentedIn(this.#session, told.trial), status: presentedStatus(this.#session, told.status) };
  }

  async #untilEnded(): Promise<OptimizationStatus> {
    for await (const { ended } of this.#batches())
      if (ended !== undefined) return presentedStatus(this.#session, ended);
    return this.status();
  }

  async *#batches(): AsyncGenerator<{ readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus }> {
    const reader = this.#port.follow(this.#session, this.id, 0);
    try {
      for (;;) {
        // A session that is being restarted cannot be read for a while.
        const batch = await patiently(() => reader.take(AT_A_TIME), this.#clock);
        if (batch !== undefined) yield batch;
        if (batch?.ended !== undefined) return;
        if (batch === undefined) await new Promise<void>((wake) => reader.onReady(wake));
      }
    } finally {
      reader.close();
    }
  }
}

const numberOf = (trial: Trial): number =>
  reading('trial', () => {
    checkObject('trial', trial);
    if (!Number.isSafeInteger(trial.number)) throw invalidArgument('trial', 'a trial that ask has given', trial);
    return trial.number;
  });

function checkClient(clientId: unknown): void {
  if (typeof clientId !== 'string' || clientId === '')
    throw invalidArgument('clientId', 'the name of a client', clientId);
}

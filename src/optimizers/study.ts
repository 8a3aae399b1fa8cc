/**
 * One run while it goes on: a supervised process that decides what is tried next, hands out trials, takes in what they
 * were measured to be, and ends. The session keeps what has happened; what is under way is kept here, and lost with it.
 */

import { setMaxListeners } from 'node:events';
import type { Clock, Timer } from '../kernel/clock.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import { describeExit, type ExitReason, exitReason } from '../kernel/exit-reason.js';
import { Inbox } from '../kernel/inbox.js';
import { isolate } from '../kernel/isolate.js';
import { IGNORE, type Ignore, type Process } from '../kernel/process.js';
import { err, type Result } from '../kernel/result.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { Optimization } from '../variables/optimization.js';
import { Advisor } from './advisor.js';
import type { Candidate, Optimizer, TrialResult } from './algorithms/optimizer.js';
import type { Asked, AskOptions, Told, Trial, TrialOutcome } from './handle.js';
import { Lease } from './lease.js';
import { type Ending, isEnded, RunCommands } from './run-commands.js';
import { LATE } from './patience.js';
import type { LoopShare } from './loop-share.js';
import { patiently } from './retries.js';
import { Plateau, plateauWindow } from './plateau.js';
import { Reception } from './reception.js';
import { type Scored, scored } from './score.js';
import type { StudySettings } from './settings.js';
import { type RunningTrial, TrialDesk } from './trial-desk.js';

export interface StudyOptions {
  /** The session as whoever started the run may use it. */
  readonly session: SessionHandle;
  /** The session as its owner may use it. */
  readonly owner: SessionHandle;
  readonly settings: StudySettings;
  /** As the session has begun it. */
  readonly optimization: Optimization;
  /** Absent: its clients bring what they want to try. */
  readonly optimizer: Optimizer | undefined;
  readonly clock: Clock;
  /** The time that its optimizer may compute in. */
  readonly share: LoopShare;
}

/** How long a client waits for a trial before it is sent away to ask again. */
const LONGEST_WAIT_MS = 10_000;

export class Study {
  readonly #options: StudyOptions;
  /** One turn at a time, so that an optimizer is never asked twice at once. */
  readonly #inbox = new Inbox((error) => this.#context?.exit(exitReason.error(error)));
  readonly #desk = new TrialDesk();
  readonly #commands: RunCommands;
  readonly #reception: Reception<RunningTrial>;
  readonly #plateau: Plateau | undefined;
  /** Absent: its clients bring what they want to try. */
  readonly #advisor: Advisor | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #over = new AbortController();
  #optimization: Optimization;
  #lease: Lease | undefined;
  #limit: Timer | undefined;
  #context: ProcessContext | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: StudyOptions) {
    const { session, optimization, settings, optimizer, clock, share } = options;
    this.#options = options;
    this.#optimization = optimization;
    this.#reception = new Reception(clock);
    this.#commands = new RunCommands({ session, optimizationId: optimization.id, clock });
    const { convergenceThreshold: threshold, patience, config, direction } = settings;
    const window = plateauWindow(patience, config.n_initial_points);
    // A sweep is meant to be tried as a whole.
    if (optimizer?.sweeps !== true && threshold > 0) this.#plateau = new Plateau({ direction, threshold, window });
    // There are as many listeners as trials under way.
    setMaxListeners(0, this.signal);
    const present = optimization.variables.map(({ before }) => before.value);
    const check = (values: Candidate): Promise<Candidate> => this.#checked(values);
    if (optimizer !== undefined) this.#advisor = new Advisor({ optimizer, present, check, signal: this.signal, share });
  }

  get id(): string {
    return this.#optimization.id;
  }

  get isOver(): boolean {
    return this.#optimization.end !== undefined;
  }

  /** Whether the runtime itself tries the values: its trials are not for clients then. */
  get isDriven(): boolean {
    return this.#optimization.leaseMs === 0;
  }

  /** Aborted as soon as it is known that the run ends: what is being tried does not matter any more. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Starts its process: the `start` of its child spec. */
  start(parent: Process): Promise<Process | Ignore> {
    return spawn({
      parent,
      trapExit: true,
      init: (context) => this.#begin(context),
      terminate: () => this.end({ reason: 'shutdown', leaving: 'before' }),
    });
  }

  /** Calls `wake` after every trial and at the end, until it is taken back. */
  onChange(wake: () => void): () => void {
    this.#listeners.add(wake);
    return () => this.#listeners.delete(wake);
  }

  /** A client is still there, with all that have its id and something behind a hyphen. */
  renew(clientId: string): void {
    if (this.#lease === undefined) return;
    this.#lease.renew();
    this.#desk.hear(clientId, this.#options.clock.monotonicMs());
  }

  /** What to try next. The same client is given the same trial until it has told its outcome. */
  async ask(clientId: string, { values, signal, timeoutMs = LONGEST_WAIT_MS }: AskOptions = {}): Promise<Asked> {
    if (this.#advisor !== undefined && values !== undefined && values.size > 0)
      throw invalidArgument('values', 'none, because the optimizer of this run suggests them', [...values.keys()]);
    try {
      const trial = await this.#reception.receive({
        clientId,
        look: () => this.#turn(() => this.#suggest(clientId, values)),
        isOver: () => this.isOver,
        patience: { timeoutMs: Math.min(timeoutMs, LONGEST_WAIT_MS), signal },
      });
      if (trial === LATE) return { type: 'later' };
      return trial === undefined
        ? { type: 'ended', status: this.status() }
        : { type: 'trial', trial: this.#shown(trial) };
    } finally {
      // It was there until now.
      this.renew(clientId);
    }
  }

  /** Takes in the outcome of a trial, once. Rejects with `not_optimizing` when the run has ended meanwhile. */
  async tell(clientId: string, number: number, outcome: TrialOutcome): Promise<Told> {
    return this.#told(await this.settle(clientId, number, outcome));
  }

  /** The same for whoever does not want to see it. @returns the iteration as which the trial counts. */
  settle(clientId: string, number: number, outcome: TrialOutcome): Promise<number> {
    this.renew(clientId);
    return this.#turn(() => this.#settle(clientId, number, outcome));
  }

  /** As whoever started it sees it. */
  status(): OptimizationStatus {
    const status = this.#options.session.optimizationRun(this.id);
    if (status === undefined) throw forgotten(this.id);
    return status;
  }

  /** Ends the run, once, and resolves when it has ended: nothing that is under way is waited for. Never rejects. */
  end(ending: Ending): Promise<void> {
    this.#ending ??= this.#conclude(ending);
    return this.#ending;
  }

  #begin(context: ProcessContext): Ignore | undefined {
    // Ended while its process was being started.
    if (this.#ending !== undefined) return IGNORE;
    const { clock, settings } = this.#options;
    this.#context = context;
    context.process.monitor((reason) => this.#died(reason));
    const { leaseMs } = this.#optimization;
    if (leaseMs > 0)
      this.#lease = new Lease({
        clock,
        durationMs: leaseMs,
        isAttended: () => this.#reception.size > 0,
        onHeld: () => this.#giveUpSilent(leaseMs),
        onExpired: () => this.end({ reason: 'lease_expired', leaving: 'before' }),
      });
    if (settings.timeoutMs !== undefined)
      this.#limit = clock.setTimer(settings.timeoutMs, () => this.end({ reason: 'timeout' }), { keepAlive: false });
    this.#inbox.open();
    return undefined;
  }

  #turn<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#inbox.push(() => work().then(resolve, reject));
    });
  }

  /** `undefined`: there is nothing now, or never again. */
  async #suggest(clientId: string, proposed: AskOptions['values']): Promise<RunningTrial | undefined> {
    await this.#ending;
    if (this.isOver) return undefined;
    const inHand = this.#desk.of(clientId);
    if (inHand !== undefined) return inHand;
    const { settings, clock } = this.#options;
    if (!this.#hasRoom()) return undefined;
    const values = this.#advisor === undefined ? this.#proposed(proposed) : await this.#next(this.#advisor);
    if (values === undefined || (settings.applyTrials && !(await this.#apply(values)))) return undefined;
    return this.#ending === undefined
      ? this.#desk.begin(clientId, values, clock.nowMs(), clock.monotonicMs())
      : undefined;
  }

  #hasRoom(): boolean {
    const { size } = this.#desk;
    const { iteration, maxIterations } = this.#optimization;
    return this.#advisor?.isDone !== true && size < this.#options.settings.parallel && iteration + size < maxIterations;
  }

  /** What the client's own optimizer wants to try: what is wrong with it is the client's to mend. */
  #proposed(proposed: AskOptions['values'] = new Map()): readonly unknown[] {
    const { variables } = this.#optimization;
    for (const name of proposed.keys())
      if (!variables.some((variable) => variable.name === name))
        throw invalidArgument(`values.${name}`, `a variable of the run: ${nameList(this.#optimization)}`, name);
    return variables.map(({ name }) => {
      const given = proposed.get(name);
      if (given === undefined) throw invalidArgument(`values.${name}`, 'the value to try', undefined);
      return this.#options.session.checkValue(name, given.value, given.kind);
    });
  }

  /** What the optimizer suggests; `undefined` when it waits, and when the run ends instead. */
  async #next(advisor: Advisor): Promise<Candidate | undefined> {
    const advice = await advisor.next();
    if (this.#ending !== undefined) return undefined;
    if (!advice.ok) await this.#fail(advice.error);
    else if (advice.value.type === 'candidate') return advice.value.values;
    else if (this.#desk.size === 0)
      if (advice.value.type === 'done') await this.end({ reason: 'exhausted' });
      else await this.#fail('the optimizer waits although no trial is under way');
    return undefined;
  }

  async #checked(values: Candidate): Promise<Candidate> {
    const { variables } = this.#optimization;
    if (values.length !== variables.length)
      throw invalidArgument('values', `as many as there are variables, ${variables.length}`, values);
    const { owner, clock } = this.#options;
    return patiently(() => variables.map(({ name }, index) => owner.checkValue(name, values[index])), clock);
  }

  /** Sets the variables for a trial. False: the run ends instead. */
  async #apply(values: Candidate): Promise<boolean> {
    try {
      this.#optimization = await this.#commands.apply(values);
      return true;
    } catch (error) {
      const isConflict = error instanceof CoilyardError && error.code === 'optimistic_lock_failure';
      await this.end({ reason: isConflict ? 'conflict' : 'failed', error: describeThrown(error), leaving: 'before' });
      return false;
    }
  }

  async #settle(clientId: string, number: number, outcome: TrialOutcome): Promise<number> {
    await this.#ending;
    const trial = this.#desk.claim(number, clientId);
    if ('settledAs' in trial) return trial.settledAs;
    const result = 'error' in outcome ? err(outcome.error) : scored(outcome, this.#options.settings.metric);
    const iteration = await this.#record(trial, result);
    this.#desk.settle(trial, iteration);
    await this.#learn(trial.values, result);
    this.#changed();
    return iteration;
  }

  /** What a client that has gone has in hand is not what others wait for. */
  #giveUpSilent(leaseMs: number): void {
    if (this.#reception.size === 0) return;
    const sinceMs = this.#options.clock.monotonicMs() - leaseMs;
    const error = `its client was not heard of for ${leaseMs} ms`;
    for (const trial of this.#desk.silentSince(sinceMs))
      this.#turn(() => this.#settle(trial.clientId, trial.number, { error })).catch((refusal: unknown) =>
        this.#fail(describeThrown(refusal)),
      );
  }

  async #record(trial: RunningTrial, result: Result<Scored, string>): Promise<number> {
    try {
      const { optimization, iteration } = await this.#commands.record(trial, result);
      this.#optimization = optimization;
      return iteration;
    } catch (error) {
      // The session has it that the run is over: so it is.
      if (isEnded(error)) await this.end({ reason: 'stopped', leaving: 'as_is' });
      throw error;
    }
  }

  /** Tells the optimizer, and ends the run when it is time to. */
  async #learn(values: Candidate, result: Result<Scored, string>): Promise<void> {
    const told: TrialResult = result.ok ? { state: 'complete', ...result.value } : { state: 'failed' };
    const heard = await this.#advisor?.tell(values, told);
    if (heard?.ok === false) return this.#fail(heard.error);
    if (result.ok) this.#plateau?.add(result.value.score);
    const { iteration, maxIterations } = this.#optimization;
    if (iteration >= maxIterations) return this.end({ reason: 'max_iterations' });
    if (this.#plateau?.isReached === true) return this.end({ reason: 'converged' });
    const stop = await this.#advisor?.wantsToStop();
    if (stop?.ok === false) return this.#fail(stop.error);
    if (stop?.value === true) return this.end({ reason: 'converged' });
    if (this.#advisor?.isDone === true && this.#desk.size === 0) return this.end({ reason: 'exhausted' });
  }

  #told(iteration: number): Told {
    const [trial] = this.#options.session.runTrials(this.id, iteration - 1, 1);
    if (trial === undefined) throw forgotten(this.id);
    return { trial, status: this.status() };
  }

  #shown({ number, values }: RunningTrial): Trial {
    const named = this.#optimization.variables.map(({ name, type }, index) => ({ name, type, value: values[index] }));
    return { number, values: named };
  }

  /** The optimizer is at fault: nothing is committed, and the status keeps the best there was. */
  #fail(error: string): Promise<void> {
    return this.end({ reason: 'failed', error, leaving: 'before' });
  }

  #died(reason: ExitReason): void {
    void this.end({ reason: 'failed', error: `the study was ended: ${describeExit(reason)}`, leaving: 'before' });
  }

  async #conclude(ending: Ending): Promise<void> {
    const { reason } = ending;
    this.#over.abort(new CoilyardError('cancelled', `the optimization ${this.id} has ended: ${reason}`));
    this.#lease?.end();
    this.#limit?.cancel();
    try {
      this.#optimization = await this.#commands.release(ending);
    } catch (gone) {
      // With its session everything of the run has gone.
      const error = ending.error ?? describeThrown(gone);
      const end = { reason, error, atMs: this.#options.clock.nowMs(), committed: [], conflicts: [] };
      this.#optimization = { ...this.#optimization, end };
    }
    this.#changed();
    this.#context?.exit(exitReason.normal);
  }

  #changed(): void {
    this.#reception.callAll();
    for (const wake of [...this.#listeners]) isolate(wake, () => `a reader of ${this.id}`);
  }
}

const nameList = ({ variables }: Optimization): string => variables.map(({ name }) => name).join(', ');

const forgotten = (id: string): CoilyardError =>
  new CoilyardError('not_optimizing', `the optimization ${id} is not kept any more`, {
    details: { optimizationId: id },
  });

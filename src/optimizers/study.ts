/**
 * One run while it goes on: a supervised process that decides what is tried next, hands out trials, takes in what they
 * were measured to be, and ends. The session keeps what has happened; what is under way is kept here, and lost with it.
 */

import type { Clock, Timer } from '../kernel/clock.js';
import { CoilyardError, describeThrown, describeValue, invalidArgument } from '../kernel/errors.js';
import { describeExit, type ExitReason, exitReason } from '../kernel/exit-reason.js';
import { Inbox } from '../kernel/inbox.js';
import type { Ignore, Process } from '../kernel/process.js';
import { err, type Result } from '../kernel/result.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { EndReason, Optimization } from '../variables/optimization.js';
import type { Leaving } from '../variables/optimization-commands.js';
import type { Optimizer, TrialResult } from './algorithms/optimizer.js';
import type { Asked, AskOptions, Told, Trial, TrialOutcome } from './handle.js';
import { Lease } from './lease.js';
import { persist } from './persistence.js';
import { Plateau, plateauWindow } from './plateau.js';
import { type Scored, scored } from './score.js';
import type { StudySettings } from './settings.js';
import { unlessAborted } from './unless-aborted.js';
import { type RunningTrial, TrialDesk } from './trial-desk.js';
import { WaitingRoom } from './waiting-room.js';

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
}

/** How a run ends: why, what went wrong, and what the variables are left with. */
interface Ending {
  readonly reason: EndReason;
  readonly error?: string;
  readonly leaving?: Leaving;
}

/** How long a client waits for a trial before it is sent away to ask again. */
const LONGEST_WAIT_MS = 10_000;
const MAX_ERROR_LENGTH = 4096;

/** What a command for the session says of who asks. */
const SOURCE = 'optimizer';

export class Study {
  readonly #options: StudyOptions;
  /** One turn at a time, so that an optimizer is never asked twice at once. */
  readonly #inbox = new Inbox((error) => this.#context?.exit(exitReason.error(error)));
  readonly #desk = new TrialDesk();
  readonly #waiting: WaitingRoom;
  readonly #plateau: Plateau | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #over = new AbortController();
  #optimization: Optimization;
  #lease: Lease | undefined;
  #limit: Timer | undefined;
  #context: ProcessContext | undefined;
  #hasTriedPresent = false;
  #applied = 0;
  /** The optimizer has nothing more: the run ends with the trials that are under way. */
  #isExhausted = false;
  #ending: Promise<void> | undefined;

  constructor(options: StudyOptions) {
    const { optimization, settings, optimizer, clock } = options;
    this.#options = options;
    this.#optimization = optimization;
    this.#waiting = new WaitingRoom(clock);
    const { convergenceThreshold: threshold, patience, config, direction } = settings;
    const window = plateauWindow(patience, config.n_initial_points);
    // A sweep is meant to be tried as a whole.
    if (optimizer?.sweeps !== true && threshold > 0) this.#plateau = new Plateau({ direction, threshold, window });
  }

  get id(): string {
    return this.#optimization.id;
  }

  get isOver(): boolean {
    return this.#optimization.end !== undefined;
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

  /** A client is still there. */
  renew(): void {
    this.#lease?.renew();
  }

  /** What to try next. The same client is given the same trial until it has told its outcome. */
  async ask(clientId: string, { values, signal, timeoutMs = LONGEST_WAIT_MS }: AskOptions = {}): Promise<Asked> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + Math.min(timeoutMs, LONGEST_WAIT_MS);
    for (;;) {
      this.renew();
      const trial = await this.#turn(() => this.#suggest(clientId, values));
      if (trial !== undefined) return { type: 'trial', trial: this.#shown(trial) };
      if (this.isOver) return { type: 'ended', status: this.status() };
      const leftMs = untilMs - clock.monotonicMs();
      const isCalled = leftMs > 0 && (await this.#waiting.wait({ timeoutMs: leftMs, signal }));
      if (!isCalled) return { type: 'later' };
    }
  }

  /** Takes in the outcome of a trial, once. Rejects with `not_optimizing` when the run has ended meanwhile. */
  tell(clientId: string, number: number, outcome: TrialOutcome): Promise<Told> {
    this.renew();
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

  #begin(context: ProcessContext): void {
    const { clock, settings } = this.#options;
    this.#context = context;
    context.process.monitor((reason) => this.#died(reason));
    const { leaseMs } = this.#optimization;
    if (leaseMs > 0)
      this.#lease = new Lease({
        clock,
        durationMs: leaseMs,
        isAttended: () => this.#waiting.size > 0,
        onExpired: () => this.end({ reason: 'lease_expired', leaving: 'before' }),
      });
    if (settings.timeoutMs !== undefined)
      this.#limit = clock.setTimer(settings.timeoutMs, () => this.end({ reason: 'timeout' }), { keepAlive: false });
    this.#inbox.open();
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
    const values = settings.external ? this.#proposed(proposed) : await this.#next();
    if (values === undefined || (settings.applyTrials && !(await this.#apply(values)))) return undefined;
    return this.#ending === undefined ? this.#desk.begin(clientId, values, clock.nowMs()) : undefined;
  }

  #hasRoom(): boolean {
    const { size } = this.#desk;
    const { iteration, maxIterations } = this.#optimization;
    return !this.#isExhausted && size < this.#options.settings.parallel && iteration + size < maxIterations;
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

  /** The present values first, then what the optimizer suggests. */
  async #next(): Promise<readonly unknown[] | undefined> {
    const { variables } = this.#optimization;
    if (!this.#hasTriedPresent) {
      this.#hasTriedPresent = true;
      return variables.map(({ before }) => before.value);
    }
    const suggestion = await this.#consult('ask', (optimizer) => optimizer.ask());
    switch (suggestion?.type) {
      case 'candidate':
        return this.#checked(suggestion.values);
      case 'wait':
        if (this.#desk.size === 0) await this.#fail('the optimizer waits although no trial is under way');
        return undefined;
      case 'done':
        this.#isExhausted = true;
        if (this.#desk.size === 0) await this.end({ reason: 'exhausted' });
        return undefined;
      default:
        if (this.#ending === undefined) await this.#fail(`the optimizer suggested ${describeValue(suggestion)}`);
        return undefined;
    }
  }

  async #checked(values: readonly unknown[]): Promise<readonly unknown[] | undefined> {
    const { variables } = this.#optimization;
    try {
      return variables.map(({ name }, index) => this.#options.owner.checkValue(name, values[index]));
    } catch (error) {
      await this.#fail(`the optimizer suggested what cannot be: ${describeThrown(error)}`);
      return undefined;
    }
  }

  /** Calls the optimizer, which may throw, and may never answer. `undefined`: the run ends instead. */
  async #consult<T>(what: string, call: (optimizer: Optimizer) => T | Promise<T>): Promise<T | undefined> {
    const { optimizer } = this.#options;
    if (optimizer === undefined) return undefined;
    try {
      return await unlessAborted(call(optimizer), this.signal);
    } catch (error) {
      await this.#fail(`${what} of the optimizer failed: ${describeThrown(error)}`);
      return undefined;
    }
  }

  /** Sets the variables for a trial. False: the run ends instead. */
  async #apply(values: readonly unknown[]): Promise<boolean> {
    const { session, clock } = this.#options;
    this.#applied += 1;
    const requestId = `${this.id}.apply.${this.#applied}`;
    try {
      const reply = await persist(
        session,
        { type: 'optimization.apply', source: SOURCE, requestId, optimizationId: this.id, values },
        clock,
      );
      this.#optimization = reply.optimization;
      return true;
    } catch (error) {
      const isConflict = error instanceof CoilyardError && error.code === 'optimistic_lock_failure';
      await this.end({ reason: isConflict ? 'conflict' : 'failed', error: describeThrown(error), leaving: 'before' });
      return false;
    }
  }

  async #settle(clientId: string, number: number, outcome: TrialOutcome): Promise<Told> {
    await this.#ending;
    const trial = this.#desk.claim(number, clientId);
    if ('settledAs' in trial) return this.#told(trial.settledAs);
    const { session, settings, clock } = this.#options;
    const result = 'error' in outcome ? err(outcome.error) : scored(outcome, settings.metric);
    const { optimization, trial: ended } = await persist(
      session,
      {
        type: 'optimization.record',
        source: SOURCE,
        requestId: `${this.id}.${number}`,
        optimizationId: this.id,
        values: trial.values,
        metrics: result.ok ? result.value.metrics : noMetrics,
        score: result.ok ? result.value.score : null,
        error: result.ok ? '' : cut(result.error) || 'it has failed',
        startedAtMs: trial.startedAtMs,
      },
      clock,
    );
    this.#optimization = optimization;
    this.#desk.settle(trial, ended.iteration);
    await this.#learn(trial.values, result);
    this.#changed();
    return this.#told(ended.iteration);
  }

  /** Tells the optimizer, and ends the run when it is time to. */
  async #learn(values: readonly unknown[], result: Result<Scored, string>): Promise<void> {
    const told: TrialResult = result.ok ? { state: 'complete', ...result.value } : { state: 'failed' };
    await this.#consult('tell', (optimizer) => optimizer.tell(values, told));
    if (result.ok) this.#plateau?.add(result.value.score);
    const { iteration, maxIterations } = this.#optimization;
    if (iteration >= maxIterations) await this.end({ reason: 'max_iterations' });
    else if (this.#plateau?.isReached === true) await this.end({ reason: 'converged' });
    else if (await this.#consult('shouldStop', (optimizer) => optimizer.shouldStop?.()))
      await this.end({ reason: 'converged' });
    else if (this.#isExhausted && this.#desk.size === 0) await this.end({ reason: 'exhausted' });
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

  async #conclude({ reason, error = '', leaving = 'best' }: Ending): Promise<void> {
    const { session, clock } = this.#options;
    this.#over.abort(new CoilyardError('cancelled', `the optimization ${this.id} has ended: ${reason}`));
    this.#lease?.end();
    this.#limit?.cancel();
    const command = { type: 'optimization.end', source: SOURCE, optimizationId: this.id, reason } as const;
    const release = (attempt: string, left: Leaving, what: string): Promise<{ readonly optimization: Optimization }> =>
      persist(session, { ...command, requestId: `${this.id}.${attempt}`, leaving: left, error: cut(what) }, clock);
    try {
      const { optimization } = await release('end', leaving, error)
        // What follows from the values refuses them: the variables are let go as they are.
        .catch((refusal: unknown) => release('release', 'as_is', error || describeThrown(refusal)));
      this.#optimization = optimization;
    } catch (gone) {
      // With its session everything of the run has gone.
      const end = { reason, error: error || describeThrown(gone), atMs: clock.nowMs(), committed: [], conflicts: [] };
      this.#optimization = { ...this.#optimization, end };
    }
    this.#changed();
    this.#context?.exit(exitReason.normal);
  }

  #changed(): void {
    this.#waiting.callAll();
    for (const wake of [...this.#listeners]) wake();
  }
}

const noMetrics: Readonly<Record<string, number>> = Object.freeze({});

const cut = (text: string): string => text.slice(0, MAX_ERROR_LENGTH);

const nameList = ({ variables }: Optimization): string => variables.map(({ name }) => name).join(', ');

const forgotten = (id: string): CoilyardError =>
  new CoilyardError('not_optimizing', `the optimization ${id} is not kept any more`, {
    details: { optimizationId: id },
  });

/** All runs of a runtime: starts studies under their supervisor, and finds the one that somebody means. */

import type { Clock, Random } from '../kernel/clock.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import type { Ignore, Process } from '../kernel/process.js';
import type { OptimizationStatus, SessionHandle, SessionsPort } from '../sessions/handle.js';
import type { Optimization } from '../variables/optimization.js';
import type { ToolsPort } from '../workers/python-port.js';
import type { OptimizerFactory } from './algorithms/optimizer.js';
import { Catalogue } from './catalogue.js';
import type {
  Asked,
  AskOptions,
  OptimizersPort,
  StartStudyOptions,
  StopStudyOptions,
  Told,
  TrialOutcome,
  TrialReader,
} from './handle.js';
import { drive, type Objective, toolObjective } from './objective.js';
import { RunCommands, requestOf } from './run-commands.js';
import { LoopShare } from './loop-share.js';
import { onceUnknown, patiently } from './retries.js';
import { driven, notCarriedOn, notOptimizing, overtaken, requireRight, statusIn } from './refusals.js';
import { type StudySettings, studySettings } from './settings.js';
import { Study, type StudyOptions } from './study.js';
import { SessionTrialReader } from './trial-reader.js';

export interface StudiesOptions {
  readonly sessions: Pick<SessionsPort, 'find'>;
  readonly tools: () => ToolsPort;
  readonly clock: Clock;
  readonly random: Random;
  /** Starts a study as a child of the tree that is not restarted. Throws once the runtime is being stopped. */
  readonly adopt: (id: string, start: (parent: Process) => Promise<Process | Ignore>) => Promise<unknown>;
}

export class Studies implements OptimizersPort {
  readonly #options: StudiesOptions;
  /** The time that the optimizers of all runs may compute in. */
  readonly #share: LoopShare;
  readonly #catalogue: Catalogue;
  /** Runs that go on here, by id; `undefined` while one begins. */
  readonly #studies = new Map<string, Study | undefined>();

  constructor(options: StudiesOptions) {
    this.#options = options;
    this.#share = new LoopShare(options.clock);
    this.#catalogue = new Catalogue(options.random, this.#share);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Gives an optimizer a name. Throws `invalid_argument` when it is taken. */
  register(name: string, factory: OptimizerFactory): void {
    this.#catalogue.register(name, factory);
  }

  /** @param objective what the runtime itself tries values with, besides a tool. */
  async start(
    session: SessionHandle,
    variables: readonly string[],
    options: StartStudyOptions,
    objective?: Objective,
  ): Promise<OptimizationStatus> {
    const settings = studySettings(options);
    const owner = await this.#options.sessions.find(session.id);
    const optimizer = settings.external ? undefined : await this.#catalogue.make(session, owner, variables, settings);
    const drives = this.#objective(session, options, settings, objective);
    const id = `opt_${this.#options.random.token(12)}`;
    this.#studies.set(id, undefined);
    try {
      const optimization = await this.#hold(session, owner, id, variables, settings, drives !== undefined);
      if (optimization.id === id) await this.#begin({ session, owner, settings, optimization, optimizer }, drives);
      // The reply to an earlier request of the same id: that run goes on, or is known to be over.
      else if (!this.#studies.has(optimization.id)) await this.#endOrphan(owner, optimization.id);
      return await patiently(() => statusIn(session, optimization.id), this.clock);
    } finally {
      if (this.#studies.get(id) === undefined) this.#studies.delete(id);
    }
  }

  async ask(session: SessionHandle, optimizationId: string, clientId: string, options?: AskOptions): Promise<Asked> {
    const study = this.#studyFor(session, optimizationId);
    if (study?.isDriven === true) throw driven(optimizationId);
    if (study !== undefined) return study.ask(clientId, options);
    const status = statusIn(session, optimizationId);
    if (status.isOptimizing) throw notCarriedOn(optimizationId);
    return { type: 'ended', status };
  }

  async tell(
    session: SessionHandle,
    optimizationId: string,
    clientId: string,
    trialNumber: number,
    outcome: TrialOutcome,
  ): Promise<Told> {
    const study = this.#studyFor(session, optimizationId);
    if (study?.isDriven === true) throw driven(optimizationId);
    if (study !== undefined) return study.tell(clientId, trialNumber, outcome);
    if (statusIn(session, optimizationId).isOptimizing) throw notCarriedOn(optimizationId);
    // The session remembers what was told before the run ended, and refuses anything else.
    const { trial } = await session.execute({
      type: 'optimization.record',
      source: 'optimizer',
      requestId: requestOf(optimizationId, trialNumber),
      optimizationId,
      values: [],
      metrics: {},
      score: null,
      startedAtMs: 0,
    });
    const [ended] = session.runTrials(optimizationId, trial.iteration - 1, 1);
    if (ended === undefined) throw notOptimizing(optimizationId);
    return { trial: ended, status: statusIn(session, optimizationId) };
  }

  renew(session: SessionHandle, optimizationId: string, clientId: string): OptimizationStatus {
    this.#studyFor(session, optimizationId)?.renew(clientId);
    return statusIn(session, optimizationId);
  }

  async stop(
    session: SessionHandle,
    reference: string,
    { optimizationId, reason = 'stopped', error }: StopStudyOptions = {},
  ): Promise<OptimizationStatus> {
    const present = session.optimizationStatus(reference);
    requireRight(session, reference);
    const id = optimizationId ?? present?.optimizationId;
    if (id === undefined || (optimizationId === undefined && present?.isOptimizing !== true))
      throw notOptimizing(reference);
    if (optimizationId !== undefined && present?.isOptimizing === true && present.optimizationId !== optimizationId)
      throw overtaken(optimizationId, present.optimizationId);
    // It goes on, and holds other variables.
    if (present?.optimizationId !== id && statusIn(session, id).isOptimizing) throw notOptimizing(reference);
    const study = this.#studyFor(session, id);
    const leaving = reason === 'failed' ? 'before' : 'best';
    if (study !== undefined) await study.end({ reason, leaving, error });
    else await this.#commandsOf(session, id).release({ reason, leaving, error });
    return statusIn(session, id);
  }

  status(session: SessionHandle, reference: string): OptimizationStatus | undefined {
    return session.optimizationStatus(reference);
  }

  follow(session: SessionHandle, optimizationId: string, afterIteration: number): TrialReader {
    const { isOptimizing } = statusIn(session, optimizationId);
    const study = this.#studies.get(optimizationId);
    if (isOptimizing && study === undefined) throw notCarriedOn(optimizationId);
    return new SessionTrialReader({
      session,
      optimizationId,
      afterIteration,
      study,
    });
  }

  /** No trial begins any more: what serves objectives goes down. The studies end with their supervisor. */
  close(): void {
    for (const study of this.#studies.values()) void study?.end({ reason: 'shutdown', leaving: 'before' });
  }

  #objective(
    session: SessionHandle,
    { tool }: StartStudyOptions,
    { external }: StudySettings,
    given: Objective | undefined,
  ): Objective | undefined {
    const { tools, clock } = this.#options;
    const objective = given ?? (tool === undefined ? undefined : toolObjective(tool, tools(), session, clock));
    if (external && objective !== undefined)
      throw invalidArgument('objective', 'nothing, because the optimizer runs with its client', tool ?? given);
    return objective;
  }

  /** Holds the variables. A run that nobody carries on any more is ended first. */
  async #hold(
    session: SessionHandle,
    owner: SessionHandle,
    optimizationId: string,
    variables: readonly string[],
    settings: StudySettings,
    isDrivenHere: boolean,
  ): Promise<Optimization> {
    const { optimizer, config, direction, maxIterations, source, requestId = `${optimizationId}.start` } = settings;
    const leaseMs = isDrivenHere ? 0 : settings.leaseMs;
    const command = {
      type: 'optimization.start',
      ...{ variables, optimizationId, optimizer, config, direction, maxIterations, leaseMs, source, requestId },
    } as const;
    for (;;)
      try {
        return (await patiently(() => session.execute(command), this.clock, onceUnknown())).optimization;
      } catch (error) {
        const isHeld = error instanceof CoilyardError && error.code === 'already_optimizing';
        const holder = isHeld ? error.details.optimizationId : undefined;
        if (typeof holder !== 'string' || this.#studies.has(holder)) throw error;
        await this.#endOrphan(owner, holder);
      }
  }

  /** Of a run that has ended it changes nothing. */
  async #endOrphan(owner: SessionHandle, optimizationId: string): Promise<void> {
    await this.#commandsOf(owner, optimizationId).release({ reason: 'lease_expired', leaving: 'before' });
  }

  /** The study, if the run goes on here. Throws unless the caller may optimize all its variables. */
  #studyFor(session: SessionHandle, optimizationId: string): Study | undefined {
    for (const { name } of statusIn(session, optimizationId).variables) requireRight(session, name);
    return this.#studies.get(optimizationId);
  }

  async #begin(options: Omit<StudyOptions, 'clock' | 'share'>, objective: Objective | undefined): Promise<void> {
    const { clock, adopt } = this.#options;
    const study = new Study({ ...options, clock, share: this.#share });
    const { id } = study;
    this.#studies.set(id, study);
    study.onChange(() => {
      if (study.isOver) this.#studies.delete(id);
    });
    try {
      await adopt(`study:${id}`, (parent) => study.start(parent));
      await patiently(() => endWithSession(study, options.owner), clock);
    } catch (error) {
      await study.end({ reason: 'failed', error: describeThrown(error), leaving: 'before' });
      throw error;
    }
    if (objective !== undefined) void drive(study, objective, options.settings.parallel);
  }

  #commandsOf(session: SessionHandle, optimizationId: string): RunCommands {
    return new RunCommands({ session, optimizationId, clock: this.#options.clock });
  }
}

/** With its session nothing is left that a run could be about. */
function endWithSession(study: Study, owner: SessionHandle): void {
  if (study.signal.aborted) return;
  // No variable is called that: it hears of nothing but the end, and no rule of a variable is against it.
  const watcher = owner.openWatch({ pattern: study.id, includeInitial: false });
  const look = (): void => {
    watcher.take();
    const { ended } = watcher;
    if (ended === undefined) watcher.onReady(look);
    else
      void study.end({ reason: ended === 'runtime_stopped' ? 'shutdown' : 'stopped', error: ended, leaving: 'as_is' });
  };
  look();
  study.signal.addEventListener('abort', () => watcher.close(), { once: true });
}

/** All runs of a runtime: starts studies under their supervisor, and finds the one that somebody means. */

import type { Clock, Random } from '../kernel/clock.js';
import { CoilyardError, describeThrown, invalidArgument } from '../kernel/errors.js';
import type { Ignore, Process } from '../kernel/process.js';
import type { OptimizationStatus, SessionHandle, SessionsPort } from '../sessions/handle.js';
import type { EndReason, Optimization } from '../variables/optimization.js';
import type { Leaving } from '../variables/optimization-commands.js';
import type { ToolsPort } from '../workers/python-port.js';
import { builtInOptimizers } from './algorithms/built-in.js';
import type { Optimizer, OptimizerFactory } from './algorithms/optimizer.js';
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
import { persist } from './persistence.js';
import { notCarriedOn, notOptimizing, overtaken, requireRight, statusIn } from './refusals.js';
import { type StudySettings, studySettings } from './settings.js';
import { Study, type StudyOptions } from './study.js';
import { SessionTrialReader } from './trial-reader.js';

export interface StudiesOptions {
  readonly sessions: SessionsPort;
  readonly tools: () => ToolsPort;
  readonly clock: Clock;
  readonly random: Random;
  /** Starts a study as a child of the tree that is not restarted. Throws once the runtime is being stopped. */
  readonly adopt: (id: string, start: (parent: Process) => Promise<Process | Ignore>) => Promise<unknown>;
}

export class Studies implements OptimizersPort {
  readonly #options: StudiesOptions;
  readonly #factories = new Map<string, OptimizerFactory>(builtInOptimizers);
  /** Runs that go on here, by id; `undefined` while one begins. */
  readonly #studies = new Map<string, Study | undefined>();

  constructor(options: StudiesOptions) {
    this.#options = options;
  }

  /** Gives an optimizer a name. Throws `invalid_argument` when it is taken. */
  register(name: string, factory: OptimizerFactory): void {
    if (this.#factories.has(name)) throw invalidArgument('name', 'a name that no optimizer has yet', name);
    this.#factories.set(name, factory);
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
    const optimizer = settings.external ? undefined : this.#optimizer(session, owner, variables, settings);
    const drives = objective ?? this.#tool(session, options, settings);
    const id = `opt_${this.#options.random.token(12)}`;
    this.#studies.set(id, undefined);
    try {
      const optimization = await this.#hold(session, owner, id, variables, settings, drives !== undefined);
      // The reply to an earlier request of the same id: that run goes on.
      if (optimization.id === id) await this.#begin({ session, owner, settings, optimization, optimizer }, drives);
      return statusIn(session, optimization.id);
    } catch (error) {
      this.#studies.delete(id);
      throw error;
    }
  }

  async ask(session: SessionHandle, optimizationId: string, clientId: string, options?: AskOptions): Promise<Asked> {
    const study = this.#studyFor(session, optimizationId);
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
    if (study !== undefined) return study.tell(clientId, trialNumber, outcome);
    // The session remembers what was told before the run ended, and refuses anything else.
    const { trial } = await session.execute({
      type: 'optimization.record',
      source: 'optimizer',
      requestId: `${optimizationId}.${trialNumber}`,
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

  renew(session: SessionHandle, optimizationId: string): OptimizationStatus {
    this.#studyFor(session, optimizationId)?.renew();
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
    const study = this.#studyFor(session, id);
    const leaving = reason === 'failed' ? 'before' : 'best';
    if (study !== undefined) await study.end({ reason, leaving, ...(error === undefined ? {} : { error }) });
    else await this.#release(session, id, reason, leaving);
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
      onChange: study === undefined ? undefined : (wake) => study.onChange(wake),
    });
  }

  /** No trial begins any more: what serves objectives goes down. The studies end with their supervisor. */
  close(): void {
    for (const study of this.#studies.values()) void study?.end({ reason: 'shutdown', leaving: 'before' });
  }

  #optimizer(
    session: SessionHandle,
    owner: SessionHandle,
    variables: readonly string[],
    { optimizer: name, direction, maxIterations, config }: StudySettings,
  ): Optimizer {
    const factory = this.#factories.get(name);
    if (factory === undefined)
      throw invalidArgument('optimizer', `one of ${[...this.#factories.keys()].join(', ')}`, name);
    const described = variables.map((reference) => {
      requireRight(session, reference);
      const record = owner.lookUp(reference);
      if (record === undefined) throw new CoilyardError('variable_not_found', `there is no variable ${reference}`);
      return record;
    });
    try {
      return factory({ variables: described, direction, maxIterations, config, random: this.#options.random });
    } catch (error) {
      if (error instanceof CoilyardError) throw error;
      throw new CoilyardError('invalid_argument', `the optimizer ${name} cannot begin: ${describeThrown(error)}`, {
        details: { field: 'optimizer' },
        cause: error,
      });
    }
  }

  #tool(session: SessionHandle, { tool }: StartStudyOptions, { external }: StudySettings): Objective | undefined {
    if (tool === undefined) return undefined;
    if (external) throw invalidArgument('objective', 'nothing, because the optimizer runs with its client', tool);
    return toolObjective(tool, this.#options.tools(), session, this.#options.clock);
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
    const { optimizer, config, direction, maxIterations, source, requestId } = settings;
    const leaseMs = isDrivenHere ? 0 : settings.leaseMs;
    const command = {
      type: 'optimization.start',
      ...{ variables, optimizationId, optimizer, config, direction, maxIterations, leaseMs, source, requestId },
    } as const;
    try {
      return (await session.execute(command)).optimization;
    } catch (error) {
      const holder =
        error instanceof CoilyardError && error.code === 'already_optimizing' && error.details.optimizationId;
      if (typeof holder !== 'string' || this.#studies.has(holder)) throw error;
      await this.#release(owner, holder, 'lease_expired', 'before');
      return (await session.execute(command)).optimization;
    }
  }

  /** The study, if the run goes on here. Throws unless the caller may optimize all its variables. */
  #studyFor(session: SessionHandle, optimizationId: string): Study | undefined {
    for (const { name } of statusIn(session, optimizationId).variables) requireRight(session, name);
    return this.#studies.get(optimizationId);
  }

  async #begin(options: Omit<StudyOptions, 'clock'>, objective: Objective | undefined): Promise<void> {
    const study = new Study({ ...options, clock: this.#options.clock });
    const { id } = study;
    this.#studies.set(id, study);
    study.onChange(() => {
      if (study.isOver) this.#studies.delete(id);
    });
    try {
      await this.#options.adopt(`study:${id}`, (parent) => study.start(parent));
      endWithSession(study, options);
    } catch (error) {
      await study.end({ reason: 'failed', error: describeThrown(error), leaving: 'before' });
      throw error;
    }
    if (objective !== undefined) void drive(study, objective, options.settings.parallel);
  }

  /** Ends a run that has no study any more. */
  async #release(session: SessionHandle, optimizationId: string, reason: EndReason, leaving: Leaving): Promise<void> {
    const requestId = `${optimizationId}.end`;
    await persist(
      session,
      { type: 'optimization.end', source: 'optimizer', requestId, optimizationId, reason, leaving },
      this.#options.clock,
    );
  }
}

/** With its session nothing is left that a run could be about. */
function endWithSession(study: Study, { owner, optimization }: Omit<StudyOptions, 'clock'>): void {
  const watcher = owner.openWatch({ variables: optimization.variables.map(({ id }) => id), includeInitial: false });
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

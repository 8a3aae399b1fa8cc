/** `runtime.optimizers`: what users start, watch and stop optimizations with. */

import { checkFunction, checkObject, checkOptionalFunction, checkOptionalPort, reading } from '../kernel/arguments.js';
import { invalidArgument } from '../kernel/errors.js';
import { isolate } from '../kernel/isolate.js';
import type { OptimizationStatus, SessionHandle } from '../sessions/handle.js';
import type { OptimizerFactory } from './algorithms/optimizer.js';
import type { EndedTrial, StartStudyOptions } from './handle.js';
import type { Objective } from './objective.js';
import { OptimizationRun } from './optimization-run.js';
import { presentedIn, presentedStatus } from './presented.js';
import type { Studies } from './studies.js';

/** What an objective may know of its trial besides the value. */
export interface TrialContext {
  /** 1, 2, 3, … in the order in which trials begin. */
  readonly number: number;
  /** By name, of all variables of the run. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly session: SessionHandle;
  /** Aborted when the run ends: the result does not matter any more. */
  readonly signal: AbortSignal;
}

/**
 * Measures a value: a number is the score, an object or a `Map` of numbers are metrics. What it throws is why the trial has
 * failed. With several variables the value is an object by name.
 */
export type ObjectiveFunction = (value: unknown, trial: TrialContext) => unknown;

export interface OptimizeOptions extends Omit<StartStudyOptions, 'tool' | 'external' | 'requestId'> {
  /** A function of this process, or the name of a tool of either language. Absent: `ask` and `tell` of the run. */
  readonly objective?: ObjectiveFunction | string | undefined;
  /** Called after each trial, in order; what it throws becomes a Node warning. */
  readonly onTrial?: ((trial: EndedTrial) => unknown) | undefined;
  /** Stops the run, which commits the best values. */
  readonly signal?: AbortSignal | undefined;
}

export class Optimizers {
  readonly #studies: Studies;

  constructor(studies: Studies) {
    this.#studies = studies;
  }

  /**
   * Starts a run over one variable or several, which no other run may have until it ends. The present values are tried
   * first; at its end, and when it is stopped, the best values are committed as one new version, unless others have written
   * the variables meanwhile.
   *
   * Rejects with `invalid_argument`, `already_optimizing`, `variable_not_found`, `permission_denied`, `read_only`; nothing
   * is held then.
   */
  async start(
    session: SessionHandle,
    variables: string | readonly string[],
    options: OptimizeOptions,
  ): Promise<OptimizationRun> {
    checkSession(session);
    const names = namesOf(variables);
    const { objective, onTrial, signal, ...settings } = reading('options', () => {
      checkObject('options', options);
      return { ...options };
    });
    checkOptionalFunction('onTrial', onTrial);
    checkOptionalPort('signal', signal, ['addEventListener']);
    if (objective !== undefined && typeof objective !== 'string') checkFunction('objective', objective);
    const started = { ...settings, tool: typeof objective === 'string' ? objective : undefined };
    const measure = typeof objective === 'function' ? measuring(objective, session) : undefined;
    const { optimizationId } = await this.#studies.start(session, names, started, measure);
    const run = new OptimizationRun(this.#studies, session, optimizationId, names[0] ?? '', this.#studies.clock);
    if (onTrial !== undefined) void report(run, onTrial);
    if (signal !== undefined) stopOn(signal, run);
    return run;
  }

  /** Stops the run that holds a variable and resolves once the best values are committed; `not_optimizing` without one. */
  async stop(session: SessionHandle, variable: string): Promise<OptimizationStatus> {
    checkSession(session);
    return presentedStatus(session, await this.#studies.stop(session, variable));
  }

  /** The run that holds a variable, or the last one that did; `undefined`: none ever has. */
  status(session: SessionHandle, variable: string): OptimizationStatus | undefined {
    checkSession(session);
    const status = this.#studies.status(session, variable);
    return status === undefined ? undefined : presentedStatus(session, status);
  }

  /** Gives an optimizer a name, for runs of either language. Throws `invalid_argument` when the name is taken. */
  register(name: string, factory: OptimizerFactory): void {
    if (typeof name !== 'string' || name === '') throw invalidArgument('name', 'the name of an optimizer', name);
    checkFunction('factory', factory);
    this.#studies.register(name, factory);
  }
}

const measuring =
  (objective: ObjectiveFunction, session: SessionHandle): Objective =>
  async (trial, signal) => {
    const { number, values } = presentedIn(session, trial);
    const named = new Map(values.map(({ name, value }) => [name, value]));
    const value = values.length === 1 ? values[0]?.value : Object.fromEntries(named);
    return objective(value, { number, values: named, session, signal });
  };

async function report(run: OptimizationRun, onTrial: (trial: EndedTrial) => unknown): Promise<void> {
  try {
    for await (const trial of run.trials()) isolate(() => onTrial(trial), `onTrial of ${run.id}`);
  } catch {
    // There is nothing to follow any more, which is no fault of the callback: `run.ended` says why.
  }
}

/** A run that has ended by itself meanwhile is what was wanted. */
function stopOn(signal: AbortSignal, run: OptimizationRun): void {
  const stop = (): void => isolate(() => run.stop(), `stopping ${run.id}`);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const stopListening = (): void => signal.removeEventListener('abort', stop);
  run.ended.then(stopListening, stopListening);
}

const namesOf = (variables: unknown): readonly string[] =>
  reading('variables', () => {
    const names: readonly unknown[] = Array.isArray(variables) ? [...variables] : [variables];
    const isText = (name: unknown): name is string => typeof name === 'string';
    if (names.length > 0 && names.every(isText)) return names;
    throw invalidArgument('variables', 'the name of a variable, or a list of names', variables);
  });

const sessionMethods: readonly string[] = Object.freeze(['execute', 'checkAccess', 'optimizationRun', 'presentValue']);

function checkSession(session: unknown): void {
  checkOptionalPort('session', session ?? null, sessionMethods);
}

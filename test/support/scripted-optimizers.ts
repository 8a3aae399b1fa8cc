/** Optimizers that do what a test says and remember what they were asked. */

import { CoilyardError } from '../../src/kernel/errors.js';
import type { EndedTrial, OptimizersPort, TrialReader } from '../../src/optimizers/handle.js';
import type { OptimizationStatus } from '../../src/sessions/handle.js';

export const aStatus = (status: Partial<OptimizationStatus> = {}): OptimizationStatus => ({
  isOptimizing: true,
  optimizationId: 'run-1',
  optimizer: 'bayesian',
  variables: [{ name: 'temperature', type: 'float' }],
  iteration: 0,
  maxIterations: 100,
  direction: 'maximize',
  leaseMs: 15_000,
  bestValues: new Map(),
  bestMetrics: {},
  bestScore: null,
  startedAtMs: 1000,
  lastUpdateAtMs: 1000,
  reason: null,
  error: '',
  committed: new Map(),
  conflicts: [],
  ...status,
});

export const aTrial = (iteration: number, trial: Partial<EndedTrial> = {}): EndedTrial => ({
  optimizationId: 'run-1',
  iteration,
  values: [{ name: 'temperature', type: 'float', value: iteration }],
  metrics: { score: iteration },
  score: iteration,
  error: '',
  startedAtMs: 1000,
  endedAtMs: 2000,
  ...trial,
});

/** A place among trials that a test adds, in the way of a run. */
export class ScriptedReader implements TrialReader {
  readonly #trials: EndedTrial[] = [];
  #wake: (() => void) | undefined;
  #end: OptimizationStatus | undefined;
  #gone: CoilyardError | undefined;
  /** How many trials each take gave. */
  readonly taken: number[] = [];
  isClosed = false;

  add(...trials: readonly EndedTrial[]): void {
    this.#trials.push(...trials);
    this.#ready();
  }

  end(status: OptimizationStatus): void {
    this.#end = status;
    this.#ready();
  }

  /** What there was to follow is there no more. */
  fail(error: CoilyardError): void {
    this.#gone = error;
    this.#ready();
  }

  take(limit: number): { readonly trials: readonly EndedTrial[]; readonly ended?: OptimizationStatus } | undefined {
    if (this.#gone !== undefined) throw this.#gone;
    const trials = this.#trials.splice(0, limit);
    const ended = this.#trials.length === 0 ? this.#end : undefined;
    if (trials.length === 0 && ended === undefined) return undefined;
    this.taken.push(trials.length);
    return ended === undefined ? { trials } : { trials, ended };
  }

  onReady(wake: () => void): void {
    this.#wake = wake;
    if (this.#trials.length > 0 || this.#end !== undefined || this.#gone !== undefined) this.#ready();
  }

  close(): void {
    this.isClosed = true;
    this.#wake = undefined;
  }

  #ready(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

type Asked<Name extends keyof OptimizersPort> = Parameters<OptimizersPort[Name]>;

/** Each method answers with what stands in `script`; without that it says that it does not expect to be asked. */
export class ScriptedOptimizers implements OptimizersPort {
  readonly script: Partial<OptimizersPort> = {};
  /** The method, the session, on whose behalf, and the rest. */
  readonly asked: (readonly [keyof OptimizersPort, ...unknown[]])[] = [];

  reset(): void {
    for (const name of Object.keys(this.script)) Reflect.deleteProperty(this.script, name);
    this.asked.length = 0;
  }

  async start(...asked: Asked<'start'>): Promise<OptimizationStatus> {
    return this.#scripted('start', asked)(...asked);
  }

  async ask(...asked: Asked<'ask'>): ReturnType<OptimizersPort['ask']> {
    return this.#scripted('ask', asked)(...asked);
  }

  async tell(...asked: Asked<'tell'>): ReturnType<OptimizersPort['tell']> {
    return this.#scripted('tell', asked)(...asked);
  }

  renew(...asked: Asked<'renew'>): OptimizationStatus {
    return this.#scripted('renew', asked)(...asked);
  }

  async stop(...asked: Asked<'stop'>): Promise<OptimizationStatus> {
    return this.#scripted('stop', asked)(...asked);
  }

  status(...asked: Asked<'status'>): OptimizationStatus | undefined {
    return this.#scripted('status', asked)(...asked);
  }

  follow(...asked: Asked<'follow'>): TrialReader {
    return this.#scripted('follow', asked)(...asked);
  }

  #scripted<Name extends keyof OptimizersPort>(name: Name, [session, ...rest]: Asked<Name>): OptimizersPort[Name] {
    this.asked.push([name, session.id, ...rest]);
    const scripted: OptimizersPort[Name] | undefined = this.script[name];
    if (scripted === undefined) throw new CoilyardError('internal', `nobody expects ${name}`);
    return scripted;
  }
}

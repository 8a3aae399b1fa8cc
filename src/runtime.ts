/**
 * The runtime: the one place that wires the rooms together and hangs them into one supervision tree.
 *
 *   runtime    rest_for_one
 *   ├─ store       closes what the sessions are kept in
 *   ├─ sessions    one child per living session, one per running agent
 *   ├─ optimizers  one child per optimization that goes on, which is not restarted
 *   ├─ gateway     once something needs it
 *   └─ python      once something needs it: pools and their workers, which dial the gateway
 */

import {
  type DynamicSupervisor,
  type StopReport,
  type Supervisor,
  startDynamicSupervisor,
  startSupervisor,
  type TreeNode,
} from '../supervisors/index.js';
import { Agent } from './agents/agent.js';
import type { AgentDefinition, ModuleRecipes, VariableDeclarations } from './agents/define-agent.js';
import { type RuntimeConfig, type RuntimeOptions, runtimeConfig } from './config.js';
import { checkObject, checkOptionalTimeout, reading, readingLater } from './kernel/arguments.js';
import { systemClock, systemRandom } from './kernel/clock.js';
import { deferred } from './kernel/deferred.js';
import { CoilyardError, describeThrown, invalidArgument, runtimeStopped } from './kernel/errors.js';
import { describeExit, exitReason, isCleanExit } from './kernel/exit-reason.js';
import { isolate } from './kernel/isolate.js';
import type { Ignore, Process } from './kernel/process.js';
import { spawn } from './kernel/spawn.js';
import { TelemetryBus } from './kernel/telemetry.js';
import { TimerWheel } from './kernel/timer-wheel.js';
import { type GatewayForUsers, GatewayRuntime } from './runtime/gateway-runtime.js';
import { Optimizers } from './optimizers/optimizers.js';
import { Studies } from './optimizers/studies.js';
import { LocalCarrier } from './runtime/local-carrier.js';
import { type PythonForUsers, PythonRuntime } from './runtime/python-runtime.js';
import { RuntimeTools } from './runtime/runtime-tools.js';
import { supervisionReporter } from './runtime/supervision.js';
import { withWorkers } from './runtime/worker-nodes.js';
import { checkOptions } from './sessions/arguments.js';
import type { StartSessionOptions } from './sessions/handle.js';
import { Sessions, type SessionsForUsers } from './sessions/sessions.js';
import { memoryStore } from './sessions/stores/memory.js';
import { AttachRegistry } from './workers/attach-registry.js';
import { ToolRegistry } from './workers/tool-registry.js';

export interface StopRuntimeOptions {
  /** What has not ended by then is killed and reported. Default 10,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 10_000;

/** A session that keeps crashing is left alone for a while; the others do not notice. */
const sessionRecovery = Object.freeze({
  backoff: { baseMs: 50, capMs: 2_000, healthyMs: 5_000 },
  budget: { maxRestarts: 5, withinMs: 10_000 },
  breaker: { openMs: 1_000, maxOpenMs: 30_000, healthyMs: 5_000 },
});

/**
 * Starts a runtime in this process. It is a guest: it installs no global handler, never calls `process.exit`, and leaves
 * nothing behind after `stop`.
 *
 * @throws CoilyardError `invalid_argument` that names the option, what was expected and what came.
 */
export async function startRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const runtime = reading('options', () => new Runtime(options, runtimeConfig(options)));
  await runtime[START]();
  return runtime;
}

const START = Symbol('start');

export class Runtime {
  readonly sessions: SessionsForUsers;
  readonly python: PythonForUsers;
  /** Functions that Python, and clients of the gateway, call by name. */
  readonly tools: RuntimeTools;
  readonly gateway: GatewayForUsers;
  /** Runs that look for the best values of variables. */
  readonly optimizers: Optimizers;
  readonly events = new TelemetryBus();
  /** Resolves after `stop`; rejects when the tree gave up. */
  readonly done: Promise<void>;
  readonly #done = deferred<void>();
  readonly #sessions: Sessions;
  readonly #python: PythonRuntime;
  readonly #registry: AttachRegistry;
  readonly #wheel: TimerWheel;
  readonly #store;
  readonly #clock;
  readonly #random;
  readonly #report;
  #root: Supervisor | undefined;
  #living: DynamicSupervisor | undefined;
  #optimizing: DynamicSupervisor | undefined;
  readonly #studies: Studies;
  #stopping: Promise<StopReport> | undefined;
  readonly #stopExporting: (() => void) | undefined;

  /** Use {@link startRuntime}. */
  constructor(options: RuntimeOptions, config: RuntimeConfig) {
    const clock = options.clock ?? systemClock;
    const random = options.random ?? systemRandom;
    const telemetry = this.events;
    this.done = this.#done.promise;
    this.#stopExporting = options.telemetry?.(telemetry) ?? undefined;
    this.#clock = clock;
    this.#random = random;
    this.#report = supervisionReporter(telemetry, options.logger);
    this.#store = options.store ?? memoryStore();
    this.#wheel = new TimerWheel({
      clock,
      onError: (error) => options.logger?.warn(`a timer failed: ${describeThrown(error)}`),
    });
    const { limits, types, audit } = config;
    const services = { store: this.#store, clock, random, telemetry, wheel: this.#wheel, limits, types, audit };
    this.#sessions = new Sessions(services, () => {
      this.#livingSessions();
      return { startChild: (id, start) => this.#startSession(id, start) };
    });
    this.sessions = this.#sessions;
    const refuseIfStopped = (): void => this.#refuseIfStopped();
    this.#studies = new Studies({
      sessions: this.#sessions,
      tools: () => this.tools,
      clock,
      random,
      adopt: (id, start) => this.#startStudy(id, start),
    });
    this.optimizers = new Optimizers(this.#studies);
    this.#registry = new AttachRegistry({ clock, random, telemetry });
    const gateway = new GatewayRuntime({
      config: config.gateway,
      sessions: this.#sessions,
      workers: this.#registry,
      tools: () => this.tools,
      optimizers: this.#studies,
      clock,
      telemetry,
      refuseIfStopped,
      adopt: (start) => this.#running().startChild({ id: 'gateway', start }),
    });
    this.gateway = gateway;
    const tools = new ToolRegistry(clock);
    telemetry.on('zygote.unfit', ({ zygote, objections }) =>
      options.logger?.warn(`${zygote} cannot fork, so workers are started cold: ${objections.join('; ')}`, { zygote }),
    );
    this.#python = new PythonRuntime({
      pools: config.pools,
      launcher: config.launcher,
      clock,
      random,
      telemetry,
      registry: this.#registry,
      tools,
      gatewayAddress: () => gateway.workersAddress(),
      frontDoor: () => gateway.frontDoor(),
      localCarrier: new LocalCarrier({
        choice: config.carrier,
        registry: this.#registry,
        clock,
        random,
        onUnavailable: ({ message }) => options.logger?.warn(`local workers attach through the gateway: ${message}`),
      }),
      refuseIfStopped,
      adopt: async (start) => {
        const supervisor = await this.#running().startChild({ id: 'python', type: 'supervisor', start });
        if (supervisor === undefined) throw new TypeError('the supervisor of the pools did not start');
        return supervisor;
      },
      report: this.#report,
    });
    this.python = this.#python;
    this.tools = new RuntimeTools({
      registry: tools,
      sessions: this.#sessions,
      python: this.#python.port,
      pools: this.#python.poolNames,
      refuseIfStopped,
    });
    // Whoever does not look at `done` is not punished for it.
    this.done.catch(() => undefined);
  }

  /** Starts an agent: a session with its variables. With the `id` of a session that exists the agent joins it. */
  async start<Variables extends VariableDeclarations, Recipes extends ModuleRecipes, Input, Output>(
    definition: AgentDefinition<Variables, Recipes, Input, Output>,
    options: StartSessionOptions = {},
  ): Promise<Agent<Variables, Recipes, Input, Output>> {
    reading('definition', () => checkDefinition(definition));
    checkOptions(options);
    const session = await this.#sessionFor(options);
    return Agent.start(session, definition, {
      python: this.#python.port,
      supervisor: { startChild: (id, start) => this.#startRun(id, start) },
      clock: this.#clock,
      random: this.#random,
      telemetry: this.events,
    });
  }

  /** The supervision tree as data; `formatTree` draws it. */
  tree(): TreeNode {
    return withWorkers(this.#running().tree(), this.#python);
  }

  /**
   * Stops in order: workers, gateway, optimizations, sessions, store. Idempotent.
   *
   * @returns what had to be killed, and what failed while it ended.
   */
  stop(options: StopRuntimeOptions = {}): Promise<StopReport> {
    return readingLater('options', () => {
      checkOptions(options);
      checkOptionalTimeout('timeoutMs', options.timeoutMs);
      this.#stopping ??= this.#stop(options.timeoutMs ?? DEFAULT_STOP_TIMEOUT_MS);
      return this.#stopping;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Called once by {@link startRuntime}. */
  async [START](): Promise<void> {
    const clock = this.#clock;
    const random = this.#random;
    this.#root = await startSupervisor({
      label: 'runtime',
      strategy: 'rest_for_one',
      escalation: 'detailed',
      clock,
      random,
      onEvent: this.#report,
      children: [
        { id: 'store', start: (parent) => this.#startStore(parent), shutdown: 5_000 },
        {
          id: 'sessions',
          type: 'supervisor',
          start: async (parent) => {
            this.#living = await startDynamicSupervisor({
              parent,
              label: 'sessions',
              clock,
              random,
              onEvent: (event) => {
                this.#report(event);
                if (event.type === 'child.breaker' && event.state === 'open')
                  this.#sessions.suspend(
                    String(event.childId).slice('session:'.length),
                    sessionRecovery.breaker.openMs,
                  );
              },
            });
            return this.#living;
          },
        },
        {
          id: 'optimizers',
          type: 'supervisor',
          start: async (parent) => {
            const onEvent = this.#report;
            this.#optimizing = await startDynamicSupervisor({ parent, label: 'optimizers', clock, random, onEvent });
            return this.#optimizing;
          },
        },
      ],
    });
    this.#root.monitor((reason) => {
      if (this.#stopping === undefined)
        this.#done.reject(
          new CoilyardError('internal', `the runtime gave up: ${describeExit(reason)}`, { details: { reason } }),
        );
    });
    this.events.emit('runtime.started', { atMs: clock.nowMs() });
    void this.#sessions.adoptKept();
  }

  #startStore(parent: Process): Promise<Process | Ignore> {
    return spawn({ parent, trapExit: true, terminate: () => this.#store.close() });
  }

  async #startSession(id: string, start: (parent: Process | undefined) => Promise<Process | Ignore>): Promise<void> {
    await this.#livingSessions().startChild({
      id: `session:${id}`,
      restart: 'transient',
      start,
      ...sessionRecovery,
    });
  }

  async #startRun(id: string, start: (parent: Process | undefined) => Promise<Process | Ignore>): Promise<void> {
    await this.#livingSessions().startChild({ id, restart: 'temporary', shutdown: 1_000, start });
  }

  async #startStudy(id: string, start: (parent: Process) => Promise<Process | Ignore>): Promise<void> {
    this.#refuseIfStopped();
    if (this.#optimizing?.alive !== true)
      throw new CoilyardError('store_unavailable', 'the optimizers are being restarted', {
        execution: 'not_started',
        details: { reason: 'restarting' },
      });
    await this.#optimizing.startChild({ id, restart: 'temporary', start });
  }

  async #sessionFor(options: StartSessionOptions) {
    if (options.id !== undefined) {
      try {
        return await this.sessions.find(options.id);
      } catch (error) {
        if (!(error instanceof CoilyardError) || error.code === 'session_crashed') throw error;
      }
    }
    return this.sessions.start(options);
  }

  async #stop(timeoutMs: number): Promise<StopReport> {
    const root = this.#running();
    this.events.emit('runtime.stopping', { atMs: this.#clock.nowMs() });
    // Before Python goes: what it would have measured is no fault of the values.
    this.#studies.close();
    this.#python.close();
    const ended = await root.stop(exitReason.shutdown, { deadlineMs: timeoutMs });
    // Whatever had to be killed: nothing of it is left when this resolves.
    const report = { ...ended, failed: [...ended.failed, ...(await this.#python.remains())] };
    this.#registry.close();
    this.#wheel.close();
    const killed = report.killed.map(({ path }) => path);
    this.events.emit('runtime.stopped', { atMs: this.#clock.nowMs(), killed });
    if (this.#stopExporting !== undefined) isolate(this.#stopExporting, 'the telemetry exporter');
    this.events.close();
    if (isCleanExit(report.reason)) this.#done.resolve();
    else this.#done.reject(new CoilyardError('internal', `the runtime ended: ${describeExit(report.reason)}`));
    return report;
  }

  #running(): Supervisor {
    if (this.#root?.alive !== true) throw runtimeStopped();
    return this.#root;
  }

  #refuseIfStopped(): void {
    if (this.#stopping !== undefined || this.#root?.alive !== true) throw runtimeStopped();
  }

  #livingSessions(): DynamicSupervisor {
    this.#refuseIfStopped();
    if (this.#living?.alive === true) return this.#living;
    throw new CoilyardError('store_unavailable', 'the sessions are being restarted', {
      execution: 'not_started',
      details: { reason: 'restarting' },
    });
  }
}

function checkDefinition(definition: unknown): void {
  checkObject('definition', definition);
  const { forward, variables, modules } = Object(definition);
  if (typeof forward !== 'function') throw invalidArgument('definition', 'what defineAgent returns', definition);
  checkObject('variables', variables);
  checkObject('modules', modules);
}

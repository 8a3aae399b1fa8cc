/** Python for the users of a runtime: starts pools when the first call needs them, and keeps their workers supervised. */

import {
  type ChildSpec,
  type DynamicSupervisor,
  startDynamicSupervisor,
  type Supervisor,
  type SupervisorListener,
  startSupervisor,
  type UncleanStop,
} from '../../supervisors/index.js';
import type { Clock, Random } from '../kernel/clock.js';
import { deferred } from '../kernel/deferred.js';
import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { exitReason } from '../kernel/exit-reason.js';
import type { Ignore, Process } from '../kernel/process.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { AttachRegistry } from '../workers/attach-registry.js';
import type { Launcher, LauncherFactory } from '../workers/launcher.js';
import { MemoryKills } from '../workers/memory.js';
import { WorkerPool } from '../workers/pool.js';
import type { SlotInfo } from '../workers/slot.js';
import type { PoolOptions } from '../workers/pool-options.js';
import { PythonPools } from '../workers/pools.js';
import type { Arguments, ChunkIterator, PythonPort } from '../workers/python-port.js';
import type { ModuleSpec, Recipe, ToolSpec } from '../workers/recipe.js';
import type { ToolRegistry } from '../workers/tool-registry.js';
import { environmentOf } from '../workers/worker-environment.js';
import type { FrontDoor } from './gateway-runtime.js';
import type { LocalCarrier } from './local-carrier.js';
import { placeKeeper, recovery } from './pool-place.js';
import {
  callOptions,
  checkedArguments,
  checkedRecipe,
  checkedTool,
  type PythonCallOptions,
} from './python-arguments.js';

/** The end of a process that pools share: nothing below it has to be drained any more. */
const SHARED_SHUTDOWN_MS = 5_000;
/** How long processes that were killed are waited for: one that hangs in the kernel is left behind and reported. */
const REAP_MS = 5_000;

export interface WorkerInvitation {
  readonly workerId: string;
  /** Whoever holds it can join the pool, and call the gateway as long as it is joined. */
  readonly token: string;
  /** `host:port` that the worker dials; the name of this machine where the gateway listens on all its addresses. */
  readonly gateway: string;
  /**
   * Whether the gateway encrypts connections, and whether it asks for a certificate too. On the other machine the
   * environment variables `COILYARD_WORKER_TLS_CA` (for a certificate that is not of a public authority),
   * `COILYARD_WORKER_TLS_CERT` and `COILYARD_WORKER_TLS_KEY` name the files, or the options `--tls-ca`, … of the command.
   */
  readonly tls: FrontDoor['tls'];
  /** What starts the worker, with the token in the environment variable `tokenVariable`, which `ps` does not show. */
  readonly command: readonly string[];
  readonly tokenVariable: string;
}

export interface PythonRuntimeOptions {
  /** `false`: every call is refused. */
  readonly pools: Readonly<Record<string, PoolOptions>> | false;
  readonly launcher: LauncherFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
  readonly registry: AttachRegistry;
  readonly tools: ToolRegistry;
  /** What this machine's workers dial. */
  readonly gatewayAddress: () => Promise<string>;
  readonly frontDoor: () => Promise<FrontDoor>;
  /** Absent: this machine's workers attach through the gateway as well. */
  readonly localCarrier?: LocalCarrier;
  /** Throws once the runtime is being stopped. */
  readonly refuseIfStopped: () => void;
  /** Adds the supervisor of all pools to the tree, on first use. */
  readonly adopt: (start: (parent: Supervisor) => Promise<Supervisor>) => Promise<Supervisor>;
  readonly report: SupervisorListener;
}

/** `runtime.python`: the rest of it is the runtime's own. */
export type PythonForUsers = Pick<
  PythonRuntime,
  'call' | 'stream' | 'execute' | 'tools' | 'modules' | 'workers' | 'start' | 'invite'
>;

export class PythonRuntime {
  readonly #options: PythonRuntimeOptions;
  readonly #pools: ReadonlyMap<string, WorkerPool>;
  readonly #port: PythonPools;
  readonly #launcher: Launcher;
  readonly #woken = new Map<string, Promise<void>>();
  /** What stands under the supervisor of all pools; it is started again with them when its turn in the tree comes. */
  readonly #children: ChildSpec<Process, Supervisor>[] = [];
  #adopted: Promise<Supervisor> | undefined;
  #carried: Promise<void> | undefined;
  #supervisor: Supervisor | undefined;

  constructor(options: PythonRuntimeOptions) {
    this.#options = options;
    this.#launcher = options.launcher({
      registry: options.registry,
      clock: options.clock,
      random: options.random,
      telemetry: options.telemetry,
      supervise: (id, start) => this.#superviseBeside(id, start),
    });
    const dependencies = {
      clock: options.clock,
      random: options.random,
      telemetry: options.telemetry,
      registry: options.registry,
      tools: options.tools,
      launcher: this.#launcher,
      gatewayAddress: options.gatewayAddress,
      localAddress: () => options.localCarrier?.address,
      memoryKills: new MemoryKills(),
    };
    const pools = Object.entries(options.pools === false ? {} : options.pools);
    this.#pools = new Map(pools.map(([name, pool]) => [name, new WorkerPool(name, pool, dependencies)]));
    this.#port = new PythonPools({ pools: [...this.#pools.values()], wake: (pool) => void this.#wake(pool) });
  }

  /** What agents and the gateway use. */
  get port(): PythonPort {
    return this.#port;
  }

  /**
   * Calls a Python tool and resolves to what it returned.
   *
   * @throws CoilyardError `tool_not_found`, `python_error`, `worker_lost`, `pool_saturated`, `pool_unavailable`,
   * `deadline_exceeded`, `cancelled`; `execution` says whether the call was executed.
   */
  async call(tool: string, args?: Arguments, options: PythonCallOptions = {}): Promise<unknown> {
    this.#refuseIfUnavailable();
    return this.#port.call(checkedTool(tool), checkedArguments(args), callOptions(options));
  }

  /** Calls a Python generator; the call starts with the first `next()`, and leaving the loop cancels it. */
  stream(tool: string, args?: Arguments, options: PythonCallOptions = {}): ChunkIterator {
    this.#refuseIfUnavailable();
    return this.#port.stream(checkedTool(tool), checkedArguments(args), callOptions(options));
  }

  /** Builds a DSPy module from its recipe on first use, and runs it. */
  async execute(recipe: Recipe, inputs?: Arguments, options: PythonCallOptions = {}): Promise<unknown> {
    this.#refuseIfUnavailable();
    return this.#port.execute(checkedRecipe(recipe), checkedArguments(inputs), callOptions(options));
  }

  get poolNames(): readonly string[] {
    return [...this.#pools.keys()];
  }

  tools(pool?: string): readonly ToolSpec[] {
    return this.#port.tools(pool);
  }

  modules(pool?: string): readonly ModuleSpec[] {
    return this.#port.modules(pool);
  }

  /** The places of a pool that have a worker or shall have one. Throws `invalid_argument` when there is no such pool. */
  workers(pool = 'default'): readonly SlotInfo[] {
    return this.#options.pools === false ? [] : this.#find(pool).slots;
  }

  /**
   * Starts a pool without calling anything; resolves once every place has a worker that is ready.
   *
   * @throws CoilyardError `pool_unavailable` that says why none can be: when no worker is left that may become ready, or
   * when one of them keeps failing.
   */
  async start(pool = 'default'): Promise<void> {
    this.#refuseIfUnavailable();
    const found = this.#find(pool);
    try {
      await this.#wake(found);
    } catch (error) {
      throw found.unavailable(error);
    }
    await found.whole();
  }

  /**
   * Makes a place in a pool for a worker that is started by hand, perhaps on another machine. It counts once it has
   * dialled in, it is supervised by its signs of life, and it may come back with the same token as often as it likes.
   * When it hears nothing of this runtime for `heartbeatIntervalMs` × `allowedMisses` it ends by itself.
   */
  async invite(pool = 'default'): Promise<WorkerInvitation> {
    this.#refuseIfUnavailable();
    const found = this.#find(pool);
    await this.#wake(found);
    const { address: gateway, tls } = await this.#options.frontDoor();
    const { workerId, token } = await found.invite();
    const { concurrency, imports } = found.settings;
    const command = ['python', '-m', 'coilyard.worker', '--gateway', gateway, '--detached'];
    if (tls !== 'none') command.push('--tls');
    if (concurrency !== 1) command.push('--concurrency', String(concurrency));
    for (const name of imports) command.push('--import', name);
    return { workerId, token, gateway, tls, command, tokenVariable: 'COILYARD_WORKER_TOKEN' };
  }

  /** Refuses all calls from now on and ends starts under way. */
  close(): void {
    this.#port.close();
  }

  /**
   * To be called when everything in the tree has ended: a process that was killed takes a moment to be gone.
   *
   * @returns what is left all the same.
   */
  async remains(): Promise<readonly UncleanStop[]> {
    const empty = this.#launcher.close?.().then(() => []) ?? [];
    const limit = deferred<readonly UncleanStop[]>();
    const error = new CoilyardError('internal', `processes of workers did not end ${REAP_MS} ms after SIGKILL`);
    const left = { path: 'runtime/python', reason: exitReason.error(error) };
    const timer = this.#options.clock.setTimer(REAP_MS, () => limit.resolve([left]));
    return Promise.race([empty, limit.promise]).finally(() => timer.cancel());
  }

  /** Once per pool; the supervisors keep it up from then on. Rejects when they could not be started. */
  #wake(pool: WorkerPool): Promise<void> {
    const woken = this.#woken.get(pool.name);
    if (woken !== undefined) return woken;
    const starting = this.#startPool(pool);
    starting.catch((error: unknown) => {
      this.#woken.delete(pool.name);
      pool.markUnavailable(0, toCoilyardError(error, 'pool_unavailable'));
    });
    this.#woken.set(pool.name, starting);
    return starting;
  }

  async #startPool(pool: WorkerPool): Promise<void> {
    // The gateway first: it stands before Python in the tree, so that it outlives the workers that dial it.
    await this.#options.gatewayAddress();
    this.#adopted ??= this.#options.adopt((parent) => this.#startSupervisor(parent));
    await this.#adopted;
    // What they attach to and what forks them also stand before them.
    this.#carried ??= this.#startCarrier();
    await this.#carried;
    await this.#launcher.prepare?.(environmentOf(pool.settings));
    await this.#superviseChild({
      id: `pool:${pool.name}`,
      type: 'supervisor',
      start: (parent) => this.#startPlaces(pool, parent),
    });
  }

  async #startCarrier(): Promise<void> {
    const { localCarrier } = this.#options;
    if (localCarrier?.isWanted !== true) return;
    try {
      await this.#superviseBeside('local-door', (parent) => localCarrier.start(parent));
    } catch (error) {
      this.#carried = undefined;
      throw error;
    }
  }

  /** For a process that pools share: it comes back at once when it fails, and stays away when it ended well. */
  #superviseBeside(id: string, start: (parent: Process) => Promise<Process | Ignore>): Promise<void> {
    return this.#superviseChild({ id, restart: 'transient', shutdown: SHARED_SHUTDOWN_MS, start, ...recovery });
  }

  async #superviseChild(child: ChildSpec<Process, Supervisor>): Promise<void> {
    if (this.#supervisor === undefined) throw new CoilyardError('pool_unavailable', 'no pool was started');
    await this.#supervisor.startChild(child);
    this.#children.push(child);
  }

  /** The first time without a child; when it has to be started again, with all that it had. */
  async #startSupervisor(parent: Supervisor): Promise<Supervisor> {
    const { clock, random, report } = this.#options;
    const children = [...this.#children];
    this.#supervisor = await startSupervisor({ parent, label: 'python', clock, random, onEvent: report, children });
    return this.#supervisor;
  }

  async #startPlaces(pool: WorkerPool, parent: Supervisor): Promise<DynamicSupervisor> {
    const { clock, random } = this.#options;
    const places = await startDynamicSupervisor({
      parent,
      label: `pool:${pool.name}`,
      clock,
      random,
      onEvent: (event) => {
        this.#options.report(event);
        if (event.type === 'child.breaker' && event.state === 'open') this.#breakerOpened(pool);
      },
    });
    await pool.staff(placeKeeper(pool, places));
    return places;
  }

  /** With no other worker left, calls are told at once when to come back. */
  #breakerOpened(pool: WorkerPool): void {
    pool.giveUpWaiting();
    if (pool.slots.some(({ phase }) => phase === 'ready' || phase === 'starting')) return;
    pool.markUnavailable(
      recovery.breaker.openMs,
      new CoilyardError('pool_unavailable', 'its workers keep failing', { details: { pool: pool.name } }),
    );
  }

  #find(name: string): WorkerPool {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw invalidArgument('pool', `one of ${this.poolNames.join(', ')}`, name);
    return pool;
  }

  #refuseIfUnavailable(): void {
    if (this.#options.pools === false)
      throw new CoilyardError('pool_unavailable', 'this runtime was started with python: false');
    this.#options.refuseIfStopped();
  }
}

/**
 * A named pool of workers: the places, what their workers can do, whether the pool can serve at all. It starts a worker
 * when a supervisor asks for one and supervises nothing itself.
 */

import { setMaxListeners } from 'node:events';
import { CoilyardError, invalidArgument, toCoilyardError } from '../kernel/errors.js';
import { nextIncarnation, type WorkerId } from '../kernel/ids.js';
import type { Process } from '../kernel/process.js';
import type { CallTarget, HelloFrame, ModuleSpec, ToolSpec } from '../wire/frames.js';
import { listenersOf } from './call-listeners.js';
import { ChunkStream } from './chunk-stream.js';
import { Dispatcher } from './dispatcher.js';
import type { Caller, CallRequest } from './ledger.js';
import { type PoolOptions, type PoolSettings, poolSettings } from './pool-options.js';
import type { Arguments, CallOptions, ChunkIterator } from './python-port.js';
import { headcount } from './staff-options.js';
import { Readiness } from './readiness.js';
import { closed, unavailable } from './pool-errors.js';
import { capabilitiesOf, canServe, notFound } from './routing.js';
import { aSlot, type Slot, type SlotInfo } from './slot.js';
import { isRecycling, type PlaceKeeper, type PlaceView, type StaffedPool, Staffing } from './staffing.js';
import { StartGate } from './start-gate.js';
import type { WorkerLink } from './worker-link.js';
import { startWorker, stopLimitMs, type WorkerDependencies } from './worker-process.js';

export class WorkerPool {
  readonly name: string;
  readonly settings: PoolSettings;
  readonly #deps: WorkerDependencies;
  readonly #dispatcher: Dispatcher;
  readonly #slots: Slot[];
  #keeper: PlaceKeeper | undefined;
  readonly #links = new Map<WorkerId, WorkerLink>();
  readonly #stopping = new AbortController();
  readonly #readiness = new Readiness(() => this.#slots.every(({ phase, isWanted }) => !isWanted || phase === 'ready'));
  readonly #gate: StartGate;
  #homes: readonly number[] = [];
  #staffing: Staffing | undefined;
  #lastFailure: CoilyardError | undefined;
  #unavailable: { readonly untilMs: number; readonly cause: unknown } | undefined;

  constructor(name: string, options: PoolOptions, dependencies: WorkerDependencies) {
    this.name = name;
    this.settings = poolSettings(name, options);
    this.#deps = dependencies;
    const { clock, telemetry } = dependencies;
    // As many listeners as places that start.
    setMaxListeners(0, this.#stopping.signal);
    this.#dispatcher = new Dispatcher({
      pool: name,
      settings: this.settings,
      clock,
      telemetry,
      refusal: (target) => this.#refusal(target),
      homes: () => this.#homes,
    });
    this.#gate = new StartGate(this.settings.maxStarting);
    const { min, max } = headcount(this.settings);
    // One place more than there are workers: a replacement gets ready beside the worker that it replaces.
    const places = max + (isRecycling(this.settings) ? 1 : 0);
    this.#slots = Array.from({ length: places }, (_, place) => aSlot(name, place, place < min));
    this.#changeHomes();
  }

  /** Calls one of the pool's tools or modules; see {@link PythonPort.call}. */
  call(target: CallTarget, args: Arguments = {}, options: CallOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#submit(target, args, options, false, {
        settled: (outcome) => (outcome.ok ? resolve(outcome.value) : reject(outcome.error)),
        chunk: () => {},
        ...listenersOf(options),
      });
    });
  }

  /** See {@link PythonPort.stream}. */
  stream(target: CallTarget, args: Arguments = {}, options: CallOptions = {}): ChunkIterator {
    return new ChunkStream(this.settings.streamWindow, (caller) => {
      const call = this.#submit(target, args, options, true, caller);
      return {
        credit: (chunks) => this.#dispatcher.credit(call, chunks),
        cancel: () =>
          this.#dispatcher.abandon(
            call,
            (execution) => new CoilyardError('cancelled', 'the stream was left', { execution }),
          ),
      };
    });
  }

  /**
   * Starts the next life in a place; a supervisor's start function.
   *
   * @param parent the supervisor; linked before anything runs.
   * @throws CoilyardError when the worker does not become ready, or when one is there already.
   */
  async startWorker(parent: Process | undefined, place: number): Promise<Process> {
    const slot = this.#slots[place];
    if (slot === undefined) throw invalidArgument('place', `0 to ${this.#slots.length - 1}`, place);
    if (slot.phase === 'starting' || slot.phase === 'ready')
      throw new CoilyardError('invalid_argument', `worker ${slot.workerId} is ${slot.phase}`, {
        details: { reason: 'already_started', workerId: slot.workerId },
      });
    // A place that waits for somebody else is no reason to make a call wait.
    slot.phase = slot.token === undefined ? 'starting' : 'down';
    slot.incarnation = nextIncarnation(slot.incarnation);
    const life = slot.incarnation;
    const { workerId } = slot;
    let leave = (): void => {};
    try {
      if (slot.token === undefined) leave = await this.#gate.enter(this.#stopping.signal);
      return await startWorker(
        parent,
        {
          pool: this.name,
          workerId,
          incarnation: life,
          settings: this.settings,
          signal: this.#stopping.signal,
          token: slot.token,
        },
        {
          ready: (link) => this.#ready(slot, place, link),
          received: (link, frame) => this.#dispatcher.received(link, frame),
          draining: (link) => this.#dispatcher.retire(link),
          gone: (link) => this.#gone(slot, link),
          nestingOf: (link, callId) => this.#dispatcher.nestingOf(link, callId),
          exited: (link, casualty) => this.#dispatcher.died(link, casualty),
        },
        this.#deps,
      );
    } catch (error) {
      if (slot.incarnation === life) this.#notStarted(slot, toCoilyardError(error, 'pool_unavailable'));
      throw error;
    } finally {
      leave();
    }
  }

  /** What a supervisor has to allow for the orderly end of a worker. */
  get shutdownMs(): number {
    return stopLimitMs(this.settings);
  }

  /**
   * Nobody starts workers for now: calls fail at once with `pool_unavailable`, those that wait included, until a worker
   * is ready or the time is over.
   */
  markUnavailable(retryAfterMs: number, cause: unknown): void {
    this.#unavailable = { untilMs: this.#deps.clock.monotonicMs() + retryAfterMs, cause };
    const error = unavailable(this.name, cause, retryAfterMs);
    this.#dispatcher.refuseQueued(error);
    this.#readiness.fail(error);
  }

  /**
   * Resolves once every place has a worker that is ready.
   *
   * @throws CoilyardError `pool_unavailable` with the cause, once no worker is left that may become ready.
   */
  async whole(): Promise<void> {
    if (this.#stopping.signal.aborted) throw closed(this.name);
    await this.#readiness.wait();
  }

  /** The error for a pool that cannot serve because of this. */
  unavailable(cause: unknown): CoilyardError {
    return this.#stopping.signal.aborted ? closed(this.name) : unavailable(this.name, cause);
  }

  /** A place keeps failing: whoever waits for the whole pool hears why. */
  giveUpWaiting(): void {
    this.#readiness.fail(unavailable(this.name, this.#lastFailure ?? 'a worker keeps failing'));
  }

  /** Refuses all calls from now on, those that wait included, and ends starts under way. Calls in hand go on. */
  close(): void {
    if (this.#stopping.signal.aborted) return;
    this.#staffing?.stop();
    this.#stopping.abort(closed(this.name));
    this.#readiness.fail(closed(this.name));
    this.#dispatcher.reconsider();
  }

  get tools(): readonly ToolSpec[] {
    return this.#announced((hello) => hello.tools);
  }

  get modules(): readonly ModuleSpec[] {
    return this.#announced((hello) => hello.modules);
  }

  /** Calls that wait for a worker. */
  get queued(): number {
    return this.#dispatcher.queued;
  }

  /**
   * Opens the places that the pool starts with, and from then on those that it needs.
   *
   * @param keeper a supervisor's hands.
   */
  async staff(keeper: PlaceKeeper): Promise<void> {
    const { clock, random } = this.#deps;
    this.#keeper = keeper;
    this.#staffing?.stop();
    this.#staffing = new Staffing({ settings: this.settings, clock, random, keeper, pool: this.#staffed });
    for (const [place, { isWanted }] of this.#slots.entries()) if (isWanted) await keeper.open(place);
    this.#staffing.start();
  }

  /**
   * Opens a place for a worker that somebody starts by hand, perhaps on another machine. It is supervised by its signs
   * of life; whenever it goes, the place waits for it to come back.
   *
   * @returns its id and what lets it in.
   */
  async invite(): Promise<{ readonly workerId: WorkerId; readonly token: string }> {
    if (this.#stopping.signal.aborted || this.#keeper === undefined) throw this.unavailable('it was not started');
    const place = this.#slots.length;
    // It says whose it is, so that it is all that the worker has to be told.
    const token = `${this.name}-${place}.${this.#deps.random.token(32)}`;
    const slot = aSlot(this.name, place, false, token);
    this.#slots.push(slot);
    await this.#keeper.open(place);
    return { workerId: slot.workerId, token };
  }

  /** The places that have a worker or shall have one. */
  get slots(): readonly SlotInfo[] {
    const used = this.#slots.filter(({ isWanted, phase }) => isWanted || phase !== 'idle');
    return used.map(({ workerId, incarnation, phase, known }) => {
      const link = this.#links.get(workerId);
      const load = link === undefined ? 0 : this.#dispatcher.load(link);
      const { residentBytes = 0, loopLagMs = 0 } = link?.vitals ?? {};
      const pid = known?.hello.pid ?? null;
      return { workerId, incarnation, phase, pid, load, calls: link?.calls ?? 0, residentBytes, loopLagMs };
    });
  }

  #submit(target: CallTarget, args: Arguments, options: CallOptions, stream: boolean, caller: Caller) {
    const timeoutMs = options.timeoutMs ?? this.settings.timeoutMs;
    const request: CallRequest = {
      target,
      arguments: args instanceof Map ? args : new Map(Object.entries(args)),
      sessionId: options.sessionId ?? null,
      variables: options.variables ?? new Map(),
      revision: options.revision ?? 0,
      readVariables: options.readVariables,
      idempotent: options.idempotent ?? false,
      affinity: options.affinity ?? this.settings.affinity,
      stream,
      nesting: this.#deps.tools.nesting,
    };
    return this.#dispatcher.submit(request, { timeoutMs, signal: options.signal }, caller);
  }

  /** Why a call cannot even wait. */
  #refusal(target: CallTarget): CoilyardError | undefined {
    if (this.#stopping.signal.aborted) return closed(this.name);
    if (this.#unavailable !== undefined) {
      const leftMs = this.#unavailable.untilMs - this.#deps.clock.monotonicMs();
      if (leftMs > 0) return unavailable(this.name, this.#unavailable.cause, leftMs);
      this.#unavailable = undefined;
    }
    return this.#hopeless(target);
  }

  /** The error for a target that no worker has; none while a worker that may have it has yet to say hello. */
  #hopeless(target: CallTarget): CoilyardError | undefined {
    const known = this.#known.map(({ capabilities }) => capabilities);
    if (known.length === 0 || known.some((capabilities) => canServe(capabilities, target))) return undefined;
    const isOpen = this.#slots.some((slot) => slot.known === undefined && slot.phase === 'starting');
    return isOpen ? undefined : notFound(this.name, target, known);
  }

  /** The pool as its staffing sees it. */
  get #staffed(): StaffedPool {
    return {
      places: () => this.#slots.flatMap((slot, place) => (slot.token === undefined ? [this.#viewOf(slot, place)] : [])),
      longestWaitMs: () => this.#dispatcher.longestWaitMs(),
      want: (place, isWanted) => {
        const slot = this.#slots[place];
        if (slot === undefined) return;
        if (!isWanted && slot.phase === 'down') slot.phase = 'idle';
        this.#setWanted(slot, isWanted);
      },
      retire: (place) => {
        const link = this.#linkAt(place);
        if (link !== undefined) this.#dispatcher.retire(link);
      },
      recycled: (place, why) => {
        const slot = this.#slots[place];
        if (slot === undefined) return;
        const { workerId, incarnation } = slot;
        this.#deps.telemetry.emit('worker.recycled', { pool: this.name, workerId, incarnation, why });
      },
    };
  }

  #viewOf({ workerId, incarnation, isWanted, phase }: Slot, place: number): PlaceView {
    const link = this.#links.get(workerId);
    const life = link === undefined ? undefined : { calls: link.calls, residentBytes: link.vitals.residentBytes };
    return {
      place,
      incarnation,
      isWanted,
      phase,
      load: link === undefined ? 0 : this.#dispatcher.load(link),
      ageMs: link === undefined ? 0 : this.#deps.clock.monotonicMs() - link.readyAtMs,
      ...(life ?? { calls: 0, residentBytes: 0 }),
    };
  }

  #linkAt(place: number): WorkerLink | undefined {
    const slot = this.#slots[place];
    return slot && this.#links.get(slot.workerId);
  }

  #setWanted(slot: Slot, isWanted: boolean): void {
    slot.isWanted = isWanted;
    this.#changeHomes();
  }

  #changeHomes(): void {
    this.#homes = this.#slots.flatMap(({ isWanted }, place) => (isWanted ? [place] : []));
  }

  #ready(slot: Slot, place: number, link: WorkerLink): void {
    slot.phase = 'ready';
    slot.hasFailed = false;
    if (slot.token !== undefined) this.#setWanted(slot, true);
    slot.known = { hello: link.hello, capabilities: capabilitiesOf(link.hello) };
    this.#links.set(slot.workerId, link);
    this.#unavailable = undefined;
    // One that came back while its place was being given up gets no calls.
    if (slot.isWanted) this.#dispatcher.join(link, place);
    this.#dispatcher.reconsider();
    this.#readiness.look();
  }

  #gone(slot: Slot, link: WorkerLink): void {
    slot.phase = 'down';
    this.#links.delete(slot.workerId);
    this.#dispatcher.leave(link);
    if (slot.token !== undefined) this.#setWanted(slot, false);
    else if (!slot.isWanted) slot.phase = 'idle';
  }

  /**
   * Calls wait for a worker that starts, but not for one that cannot: with no other left they hear the cause at once. One
   * that is tried again after it failed is no hope, or places that fail in turns would keep each other's callers waiting.
   */
  #notStarted(slot: Slot, error: CoilyardError): void {
    slot.phase = 'down';
    if (slot.token !== undefined) return;
    slot.hasFailed = true;
    this.#lastFailure = error;
    const isServed = this.#slots.some(
      ({ phase, hasFailed }) => phase === 'ready' || (phase === 'starting' && !hasFailed),
    );
    if (isServed) this.#dispatcher.reconsider();
    else {
      const refusal = unavailable(this.name, error);
      this.#dispatcher.refuseQueued(refusal);
      this.#readiness.fail(refusal);
    }
  }

  get #known() {
    return this.#slots.flatMap(({ known }) => known ?? []);
  }

  /** By name; of two workers that announce the same name the later place counts. */
  #announced<Spec extends { readonly name: string }>(of: (hello: HelloFrame) => readonly Spec[]): readonly Spec[] {
    const specs = this.#known.flatMap(({ hello }) => of(hello));
    return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
  }
}

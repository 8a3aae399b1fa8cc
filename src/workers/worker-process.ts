/**
 * One life of one worker, as a supervised process: started when its hello was accepted, ended by whatever ended it. It
 * owns the operating system process and the connection, and turns every way to die into one `ExitReason`. It knows
 * nothing of calls; the pool does.
 */

import type { Clock, Random, Timer } from '../kernel/clock.js';
import { toCoilyardError } from '../kernel/errors.js';
import { type ExitReason, exitReason, isCleanExit } from '../kernel/exit-reason.js';
import type { Incarnation, WorkerId } from '../kernel/ids.js';
import type { Process } from '../kernel/process.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { HelloFrame, WorkerFrame } from '../wire/frames.js';
import type { Attachment } from './attachment.js';
import type { AttachRegistry, Guest, GuestLine, Invitation } from './attach-registry.js';
import { Conversation } from './conversation.js';
import { deferred } from '../kernel/deferred.js';
import { causeOf, type Verdict } from './exit-record.js';
import type { Launched, LaunchedExit, Launcher } from './launcher.js';
import { memoryBytes, type MemoryKills } from './memory.js';
import type { PoolSettings } from './pool-options.js';
import { RemoteProcess } from './remote-process.js';
import type { ToolRegistry } from './tool-registry.js';
import { environmentOf } from './worker-environment.js';
import { lost, reasonOf, stillborn, tooSlow, unkillable } from './worker-errors.js';
import type { WorkerLink, WorkerListener } from './worker-link.js';

/** What a life needs from the house. */
export interface WorkerDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: TelemetryBus;
  readonly registry: AttachRegistry;
  readonly launcher: Launcher;
  /** What the code of a worker may call. */
  readonly tools: Pick<ToolRegistry, 'call' | 'nesting'>;
  /** `host:port` that workers dial; starts the gateway if need be. */
  readonly gatewayAddress: () => Promise<string>;
  /** The local socket that workers of this machine attach to; undefined, or absent: they attach through the gateway. */
  readonly localAddress?: () => string | undefined;
  /** Shared, so that no kill of the kernel explains two deaths. */
  readonly memoryKills: MemoryKills;
}

/** Which life to start. */
export interface WorkerPlan {
  readonly pool: string;
  readonly workerId: WorkerId;
  readonly incarnation: Incarnation;
  readonly settings: PoolSettings;
  /** Aborts the start. */
  readonly signal: AbortSignal;
  /** Somebody else starts the worker, whenever that is, and this lets it in. */
  readonly token?: string | undefined;
}

/**
 * How long the second sign of a death is waited for after the first: the exit of the process, the end of its stream. Whoever
 * reports the exit needs the processor for that.
 */
const SECOND_SIGN_MS = 2_000;
/** How long a process is waited for after SIGKILL: one that hangs in the kernel is left behind and reported. */
const REAP_MS = 5_000;
/** How long a hung worker is given to say where it hangs. It ends as soon as it has. */
const LAST_WORDS_MS = 2_000;
/** Lines of stderr that are held against a call. */
const CASUALTY_LINES = 10;

/** How long the orderly end of a life takes at most: what a supervisor has to allow before it kills. */
export const stopLimitMs = ({ drainTimeoutMs, killGraceMs }: PoolSettings): number =>
  drainTimeoutMs + killGraceMs + REAP_MS + 2 * SECOND_SIGN_MS;

/**
 * Starts one life.
 *
 * @param parent linked before anything runs; its exit signal drains the worker.
 * @throws CoilyardError when the worker did not become ready: `pool_unavailable` with the last lines of its stderr.
 */
export async function startWorker(
  parent: Process | undefined,
  plan: WorkerPlan,
  listener: WorkerListener,
  dependencies: WorkerDependencies,
): Promise<Process> {
  const life = new WorkerLife(plan, listener, dependencies);
  return spawn({
    ...(parent === undefined ? {} : { parent }),
    init: async (context) => {
      await life.start(context);
      // Only from here on: until it is ready, any exit signal ends it at once, so that nobody waits for a slow start.
      context.trapExit(true);
    },
    handleExit: (_from, reason) => life.obey(reason),
    terminate: (reason) => life.terminate(reason),
  });
}

class WorkerLife {
  readonly #plan: WorkerPlan;
  readonly #listener: WorkerListener;
  readonly #deps: WorkerDependencies;
  readonly #who: Guest;
  readonly #ready = deferred<void>();
  readonly #osExit = deferred<LaunchedExit>();
  readonly #lineEnd = deferred<void>();
  #context: ProcessContext | undefined;
  #invitation: Invitation | undefined;
  #launched: Launched | undefined;
  #exit: LaunchedExit | undefined;
  #conversation: Conversation | undefined;
  #verdict: Verdict | undefined;
  #wasDraining = false;
  /**
   * The kernel's kills for memory at the last two signs of life. The older one counts: the last may have been read after
   * the worker was dead.
   */
  #memoryKills: readonly [number | undefined, number | undefined];
  #lostLine: { readonly cause: unknown } | undefined;
  #secondSign: Timer | undefined;

  constructor(plan: WorkerPlan, listener: WorkerListener, dependencies: WorkerDependencies) {
    this.#plan = plan;
    this.#listener = listener;
    this.#deps = dependencies;
    // Also rejected when nobody waits any more.
    this.#ready.promise.catch(() => {});
    this.#who = { pool: plan.pool, workerId: plan.workerId, incarnation: plan.incarnation };
    const { count } = dependencies.memoryKills;
    this.#memoryKills = [count, count];
  }

  async start(context: ProcessContext): Promise<void> {
    const { signal, settings } = this.#plan;
    this.#context = context;
    // However this life ends, an untrappable kill included, this runs.
    context.process.monitor((reason) => this.#over(reason));
    const onAbort = (): void => this.#ready.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const timer =
      this.#plan.token === undefined
        ? this.#deps.clock.setTimer(settings.startTimeoutMs, () =>
            this.#ready.reject(tooSlow(this.#who, settings.startTimeoutMs)),
          )
        : undefined;
    try {
      signal.throwIfAborted();
      if (this.#plan.token === undefined) await Promise.all([this.#launch(), this.#ready.promise]);
      else await this.#await(this.#plan.token);
    } catch (error) {
      throw toCoilyardError(error, 'pool_unavailable');
    } finally {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** An exit signal of anyone but the parent; the parent's is obeyed without being asked here. */
  obey(reason: ExitReason): void {
    if (reason.type !== 'normal') this.#end(reason);
  }

  /** The orderly end. A crash and a hang skip the politeness. */
  async terminate(reason: ExitReason): Promise<void> {
    const { drainTimeoutMs, killGraceMs } = this.#plan.settings;
    if (this.#link !== undefined && this.#lostLine === undefined) this.#listener.draining(this.#link);
    if (isCleanExit(reason)) {
      if (this.#exit === undefined) this.#verdict ??= 'stopped';
      if (this.#link?.send({ type: 'drain' }) === true) await this.#exitsWithin(drainTimeoutMs);
      await this.#signalled('SIGTERM', killGraceMs);
    }
    // On this one Python says on stderr where it hangs.
    if (this.#verdict === 'hung') await this.#signalled('SIGABRT', LAST_WORDS_MS);
    await this.#signalled('SIGKILL', REAP_MS);
    if (this.#exit === undefined) throw unkillable(this.#who, this.#launched?.pid, REAP_MS);
    // The last answers may still be on their way.
    await this.#within(this.#lineEnd.promise, SECOND_SIGN_MS);
  }

  async #launch(): Promise<void> {
    const { clock, registry, launcher, gatewayAddress, localAddress, telemetry } = this.#deps;
    const { concurrency, heartbeatIntervalMs, nice, rlimits } = this.#plan.settings;
    const startedAtMs = clock.monotonicMs();
    const gateway = await gatewayAddress();
    if (!this.#isAlive) return;
    const socket = localAddress?.();
    this.#invitation = registry.expect(this.#who, this.#line(startedAtMs));
    const launched = await launcher.launch({
      workerId: this.#who.workerId,
      incarnation: this.#who.incarnation,
      token: this.#invitation.token,
      gateway,
      ...(socket === undefined ? {} : { socket }),
      ...environmentOf(this.#plan.settings),
      nice,
      rlimits,
      concurrency,
      heartbeatIntervalMs,
      onLine: (line) => telemetry.emit('worker.log', { ...this.#who, line }),
    });
    this.#launched = launched;
    telemetry.emit('worker.started', { ...this.#who, pid: launched.pid });
    launched.exited.then((exit) => this.#died(exit));
    if (!this.#isAlive) launched.kill('SIGKILL');
  }

  /** Waits for a worker that somebody else starts. */
  async #await(token: string): Promise<void> {
    const { clock, registry } = this.#deps;
    const remote = new RemoteProcess(() => this.#invitation?.revoke());
    this.#launched = remote;
    remote.exited.then((exit) => this.#died(exit));
    const line = this.#line(clock.monotonicMs());
    const detached = (cause: unknown): void => {
      // There is no other sign of its death, and who is to blame for this one nobody knows: the network, perhaps.
      if (cause !== undefined) this.#verdict ??= 'disconnected';
      line.detached(cause);
      remote.detached(cause);
    };
    this.#invitation = registry.expect(this.#who, { ...line, detached }, token);
    await this.#ready.promise;
  }

  #line(startedAtMs: number): GuestLine {
    return {
      attached: (hello, attachment) => this.#attached(hello, attachment, this.#deps.clock.monotonicMs() - startedAtMs),
      received: (frame) => this.#received(frame),
      detached: (cause) => this.#detached(cause),
    };
  }

  #attached(hello: HelloFrame, attachment: Attachment, startMs: number): void {
    if (this.#invitation === undefined) return;
    const { clock, telemetry, tools } = this.#deps;
    const conversation = new Conversation({
      who: this.#who,
      hello,
      attachment,
      grant: this.#invitation.grant,
      settings: this.#plan.settings,
      isRemote: this.#plan.token !== undefined,
      clock,
      telemetry,
      tools,
      listener: this.#listener,
      onSilence: (silentMs) =>
        this.#end(exitReason.error(lost(this.#who, `gave no sign of life for ${silentMs} ms`)), 'hung'),
      onKill: (error) => this.#end(exitReason.error(error), 'refused_to_cancel'),
    });
    this.#conversation = conversation;
    // First the pool: whoever hears of it finds the worker there.
    this.#listener.ready(conversation.link);
    telemetry.emit('worker.ready', { ...this.#who, pid: hello.pid, startMs });
    this.#ready.resolve();
  }

  #received(frame: Exclude<WorkerFrame, HelloFrame>): void {
    if (frame.type === 'heartbeat') this.#memoryKills = [this.#memoryKills[1], this.#deps.memoryKills.count];
    if (frame.type === 'draining') this.#wasDraining = true;
    this.#conversation?.receive(frame);
  }

  #detached(cause: unknown): void {
    this.#loseLine(cause);
    this.#signOfDeath();
  }

  #died(exit: LaunchedExit): void {
    this.#exit = exit;
    this.#osExit.resolve(exit);
    if (this.#link === undefined) this.#ready.reject(stillborn(this.#who, exit));
    else this.#signOfDeath();
  }

  /**
   * A worker dies with two signs, in either order: its process exits and its connection ends. The exit says why; the end
   * of the connection says that every frame was read. So the second is waited for, but not for long.
   */
  #signOfDeath(): void {
    const conclude = (): void => {
      if (this.#exit !== undefined && this.#verdict !== 'disconnected') this.#end(reasonOf(this.#exit));
      else this.#end(exitReason.error(lost(this.#who, 'lost its connection', this.#lostLine?.cause)), 'disconnected');
    };
    if (this.#exit !== undefined && this.#lostLine !== undefined) conclude();
    else this.#secondSign ??= this.#deps.clock.setTimer(SECOND_SIGN_MS, conclude);
  }

  /** From here on no frame is sent or heard. */
  #loseLine(cause: unknown): void {
    if (this.#lostLine !== undefined) return;
    this.#lostLine = { cause };
    this.#lineEnd.resolve();
    this.#conversation?.end();
  }

  /** @param verdict what it will have died of, when the process has not ended by itself. */
  #end(reason: ExitReason, verdict?: Verdict): void {
    if (this.#exit === undefined) this.#verdict ??= verdict;
    this.#context?.exit(reason);
  }

  #over(reason: ExitReason): void {
    this.#ready.reject(lost(this.#who, 'ended during its start'));
    this.#secondSign?.cancel();
    this.#invitation?.revoke();
    this.#loseLine(undefined);
    if (this.#exit === undefined) this.#launched?.kill('SIGKILL');
    this.#osExit.promise.then((exit) => this.#report(reason, exit));
  }

  /** The record of this life. */
  #report(reason: ExitReason, { signal, code, stderr }: LaunchedExit): void {
    const { memoryKills } = this.#deps;
    const link = this.#link;
    const residentBytes = link?.vitals.residentBytes ?? 0;
    // An untrappable kill is a stop as well.
    const verdict = this.#verdict ?? (reason.type === 'killed' ? 'stopped' : undefined);
    const cause = causeOf({
      signal,
      code,
      stderr,
      verdict,
      wasDraining: this.#wasDraining,
      residentBytes,
      memoryBytes: memoryBytes(),
      sawMemoryKill:
        verdict === undefined && signal === 'SIGKILL' ? memoryKills.explain(this.#memoryKills[0]) : undefined,
    });
    const lastCall = link?.lastCall ?? null;
    // What was launched may be the process above the worker.
    const died = { pid: link?.hello.pid ?? this.#launched?.pid ?? null, cause, signal, code, lastCall, residentBytes };
    this.#deps.telemetry.emit('worker.exited', { ...this.#who, reason, stderr, ...died });
    const { workerId, incarnation } = this.#who;
    const lastLines = stderr.slice(-CASUALTY_LINES);
    if (link !== undefined)
      this.#listener.exited(link, { workerId, incarnation, cause, signal, code, stderr: lastLines });
  }

  async #signalled(signal: 'SIGTERM' | 'SIGABRT' | 'SIGKILL', graceMs: number): Promise<void> {
    if (this.#exit !== undefined) return;
    this.#launched?.kill(signal);
    await this.#exitsWithin(graceMs);
  }

  async #exitsWithin(limitMs: number): Promise<void> {
    if (this.#exit === undefined) await this.#within(this.#osExit.promise, limitMs);
  }

  /** Waits for `promise`, which does not reject, but no longer than that. */
  #within(promise: Promise<unknown>, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimer(limitMs, resolve);
      promise.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  get #link(): WorkerLink | undefined {
    return this.#conversation?.link;
  }

  get #isAlive(): boolean {
    return this.#context?.process.alive === true;
  }
}

/**
 * The life of one process: signals in, links and monitors out. Every kind of process (plain, server, supervisor, xstate
 * actor, task) is a subclass that says what it does with a trapped exit and how it terminates.
 *
 * Order is kept as in OTP (S9): a death arrives after whatever was sent before it. Nobody's code runs on the stack of
 * whoever caused the death: linked mailboxes have it at once, all else happens in later microtasks.
 */

import { systemClock, systemRandom } from './clock.js';
import {
  checkFunction,
  checkObject,
  checkOptionalFlag,
  checkOptionalPort,
  checkOptionalTimeout,
  clockMethods,
  registryMethods,
} from './arguments.js';
import { invalidArgument } from './errors.js';
import { checkExitReason, type ExitReason, exitReason } from './exit-reason.js';
import { Inbox, type Turn } from './inbox.js';
import { isolate, isThenable } from './isolate.js';
import { hasItem, listItems, type OneOrMany, withItem, withoutItem } from './one-or-many.js';
import { IGNORE, type Ignore, type Process, type ProcessName, type ProcessOptions } from './process.js';
import { initFailed, initTimedOut, nameTaken, noproc, startFailure } from './process-errors.js';

interface Monitor {
  readonly listener: (reason: ExitReason) => void;
}

interface Ending {
  readonly promise: Promise<ExitReason>;
  readonly resolve: (reason: ExitReason) => void;
}

/** How long `init` may take. */
type InitLimit = Pick<ProcessOptions, 'initTimeoutMs' | 'clock'>;

const soon = Promise.resolve();

export abstract class ProcessCore implements Process {
  #phase: 'starting' | 'running' | 'stopping' | 'dead' = 'starting';
  #trapExit: boolean;
  #parent: ProcessCore | undefined;
  #name: ProcessName | undefined;
  #reason: ExitReason | undefined;
  // These are made on first use: an idle process costs little more than its fields.
  #id: string | undefined;
  #links: OneOrMany<ProcessCore>;
  #monitors: OneOrMany<Monitor>;
  #ending: Ending | undefined;
  #inbox: Inbox | undefined;
  /** Set while `init` is awaited: fails the start. */
  #endStart: ((reason: ExitReason) => void) | undefined;

  constructor(options: ProcessOptions) {
    checkObject('options', options);
    const { trapExit, parent, name, initTimeoutMs, clock } = options;
    checkOptionalFlag('trapExit', trapExit);
    if (name !== undefined) {
      checkObject('name', name);
      checkOptionalPort('name.registry', name.registry ?? null, registryMethods);
    }
    checkOptionalTimeout('initTimeoutMs', initTimeoutMs);
    checkOptionalPort('clock', clock, clockMethods);
    this.#trapExit = trapExit ?? false;
    this.#parent = parent === undefined ? undefined : coreOf(parent, 'parent');
    this.#name = name;
  }

  get id(): string {
    this.#id ??= `process-${systemRandom.token(9)}`;
    return this.#id;
  }

  get alive(): boolean {
    return this.#phase !== 'dead';
  }

  get exited(): Promise<ExitReason> {
    if (this.#ending === undefined) {
      if (this.#reason !== undefined) return Promise.resolve(this.#reason);
      let resolve: (reason: ExitReason) => void = () => {};
      const promise = new Promise<ExitReason>((settle) => {
        resolve = settle;
      });
      this.#ending = { promise, resolve };
    }
    return this.#ending.promise;
  }

  exit(reason: ExitReason, from?: Process): void {
    checkExitReason(reason);
    if (this.#phase === 'dead') return;
    if (reason.type === 'killed') this.#die(reason);
    else this.#signal(reason, from);
  }

  monitor(listener: (reason: ExitReason) => void): () => void {
    checkFunction('listener', listener);
    const monitor: Monitor = { listener };
    this.#monitors = withItem(this.#monitors, monitor);
    if (this.#phase === 'dead') soon.then(() => this.#tell(monitor, exitReason.noproc));
    return () => {
      this.#monitors = withoutItem(this.#monitors, monitor);
    };
  }

  link(other: Process): void {
    const peer = coreOf(other, 'other');
    if (peer === this) return;
    if (this.#phase === 'dead') throw noproc(this);
    if (peer.#phase === 'dead') {
      if (!this.#trapExit) throw noproc(peer);
      this.#signal(exitReason.noproc, peer);
      return;
    }
    this.#links = withItem(this.#links, peer);
    peer.#links = withItem(peer.#links, this);
  }

  unlink(other: Process): void {
    const peer = coreOf(other, 'other');
    this.#links = withoutItem(this.#links, peer);
    peer.#links = withoutItem(peer.#links, this);
  }

  /** What to do with an exit that was trapped; `from` is undefined when nobody in particular sent it. Runs as a turn. */
  protected abstract onExit(from: Process | undefined, reason: ExitReason): unknown;

  /** The orderly end. The process is gone once the result has settled; a failure becomes its exit reason. */
  protected onTerminate(_reason: ExitReason): unknown {
    return undefined;
  }

  /** Releases what the process holds, however it ended, also when it was killed. Must not fail. */
  protected onDeath(_reason: ExitReason): void {}

  /** Whether turns run: started, and neither ending nor ended. */
  protected get running(): boolean {
    return this.#phase === 'running';
  }

  /** The linked processes that have this one as their parent. */
  protected get offspring(): readonly Process[] {
    return listItems(this.#links).filter((peer) => peer.#parent === this);
  }

  /** @returns the old value (S8). */
  protected setTrapExit(on: boolean): boolean {
    const before = this.#trapExit;
    this.#trapExit = on;
    return before;
  }

  /** Queues a turn. Turns wait until the process has started and are dropped once it ends. */
  protected post(turn: Turn): void {
    this.#openInbox().push(turn);
  }

  /** Queues a turn ahead of all that wait. */
  protected postFirst(turn: Turn): void {
    this.#openInbox().pushFirst(turn);
  }

  /** Ends the process from within, in order: `onTerminate` runs, whatever the reason (S4, S80, S82). */
  protected end(reason: ExitReason): void {
    if (this.#phase === 'starting') this.#failStart(reason);
    if (this.#phase !== 'running') return;
    this.#phase = 'stopping';
    this.#inbox?.close();
    try {
      const pending = this.onTerminate(reason);
      if (!isThenable(pending)) this.#die(reason);
      else
        pending.then(
          () => this.#die(reason),
          (error: unknown) => this.#die(exitReason.error(error)),
        );
    } catch (error) {
      this.#die(exitReason.error(error));
    }
  }

  /**
   * Starts the process: takes the name, links the parent, runs `init`. Resolves with the process once `init` is through, and
   * then turns run; or with `IGNORE` if that is what it returned, and then the process has ended with `normal`.
   *
   * @throws what `init` threw, as the `cause` of a `CoilyardError` of the same message; `already_started` when the name is taken, and then `init` does not run; `timeout`; an error
   * that carries the exit reason when the process ended before `init` did.
   */
  protected begin(init: () => unknown, limit: InitLimit = {}): Promise<this | Ignore> {
    try {
      this.#takeName();
      if (this.#parent !== undefined) this.#linkParent(this.#parent);
      const pending = init();
      if (!isThenable(pending)) return Promise.resolve(this.#started(pending));
      return this.#awaitInit(pending, limit).then(
        (result) => this.#started(result),
        (error: unknown) => this.#refuse(error),
      );
    } catch (error) {
      return this.#refuse(error);
    }
  }

  /** Ends the process from within `init`: its exit reason is `reason`, and the start fails with `error`. */
  protected refuseStart(reason: ExitReason, error: unknown): never {
    this.#endStart = undefined;
    this.#failStart(reason);
    throw error;
  }

  /** Settles with `init`, or fails as soon as the process has ended or the time is over. */
  #awaitInit(pending: PromiseLike<unknown>, limit: InitLimit): Promise<unknown> {
    const { initTimeoutMs = Infinity, clock = systemClock } = limit;
    return new Promise((resolve, reject) => {
      const onTimeout = (): void => {
        reject(initTimedOut(initTimeoutMs));
        if (this.#parent !== undefined) this.unlink(this.#parent);
        this.#die(exitReason.killed);
      };
      const timer = initTimeoutMs === Infinity ? undefined : clock.setTimer(initTimeoutMs, onTimeout);
      const through = (settle: () => void): void => {
        timer?.cancel();
        this.#endStart = undefined;
        settle();
      };
      this.#endStart = (reason) => through(() => reject(startFailure(reason)));
      pending.then(
        (result) => through(() => resolve(result)),
        (error: unknown) => through(() => reject(error)),
      );
    });
  }

  #linkParent(parent: ProcessCore): void {
    if (parent.#phase === 'dead') throw noproc(parent);
    this.link(parent);
  }

  #started(result: unknown): this | Ignore {
    if (this.#phase !== 'starting') throw startFailure(this.#reason);
    if (result === IGNORE) {
      this.#failStart(exitReason.normal);
      return IGNORE;
    }
    this.#phase = 'running';
    this.#inbox?.open();
    return this;
  }

  #refuse(error: unknown): Promise<never> {
    this.#failStart(exitReason.error(error));
    return Promise.reject(initFailed(error));
  }

  /** As in OTP 26: a parent that traps hears of the failure from the start function alone; another one is told (S67). */
  #failStart(reason: ExitReason): void {
    if (this.#phase !== 'starting') return;
    if (this.#parent !== undefined) this.#parent.#consumeStartExit(this);
    this.#die(reason);
  }

  #consumeStartExit(child: ProcessCore): void {
    if (this.#trapExit) this.unlink(child);
  }

  #takeName(): void {
    if (this.#name === undefined) return;
    const { registry, key } = this.#name;
    try {
      registry.register(key, this);
    } catch (error) {
      // It never had the name: it must not give it back.
      this.#name = undefined;
      const holder = registry.whereis(key);
      throw holder === undefined ? error : nameTaken(key, holder, error);
    }
  }

  /**
   * A signal arrives. When exits are trapped it is in the mailbox from now on, else it is obeyed.
   *
   * @param link the linked process that ended: the signal is void if the link is undone before it is read (S10), and a chain
   * of deaths falls link by link in microtasks, so that its length is no matter.
   */
  #signal(reason: ExitReason, from: Process | undefined, link?: ProcessCore): void {
    if (this.#phase === 'dead') return;
    const isMeant = (): boolean => link === undefined || this.#dropLink(link);
    if (this.#trapExit) {
      const isParent = from !== undefined && from === this.#parent;
      const turn = (): unknown => (isMeant() ? (isParent ? this.end(reason) : this.onExit(from, reason)) : undefined);
      // The usual end of an idle process: for that it needs no inbox.
      if (isParent && this.#inbox === undefined && this.#phase === 'running') soon.then(turn);
      else this.post(turn);
    } else if (reason.type !== 'normal' && link === undefined) this.#die(reason);
    else
      soon.then(() => {
        if (isMeant() && reason.type !== 'normal') this.#die(reason);
      });
  }

  /** @returns whether there was one. */
  #dropLink(peer: ProcessCore): boolean {
    const linked = hasItem(this.#links, peer);
    this.#links = withoutItem(this.#links, peer);
    return linked;
  }

  #openInbox(): Inbox {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox((error) => this.end(exitReason.error(error)));
      if (this.#phase === 'running') this.#inbox.open();
      else if (this.#phase !== 'starting') this.#inbox.close();
    }
    return this.#inbox;
  }

  #die(reason: ExitReason): void {
    if (this.#phase === 'dead') return;
    this.#phase = 'dead';
    this.#reason = reason;
    this.#inbox?.close();
    // The name first: whoever hears of the end may start a successor at once (S70).
    const name = this.#name;
    if (name !== undefined)
      isolate(
        () => name.registry.unregister(name.key, this),
        () => `the registry of ${this.id}`,
      );
    this.#endStart?.(reason);
    this.onDeath(reason);
    for (const peer of listItems(this.#links)) peer.#signal(reason, this, this);
    this.#links = undefined;
    if (this.#monitors !== undefined || this.#ending !== undefined) soon.then(() => this.#announce(reason));
  }

  #announce(reason: ExitReason): void {
    for (const monitor of listItems(this.#monitors)) this.#tell(monitor, reason);
    this.#ending?.resolve(reason);
  }

  #tell(monitor: Monitor, reason: ExitReason): void {
    if (!hasItem(this.#monitors, monitor)) return;
    this.#monitors = withoutItem(this.#monitors, monitor);
    isolate(
      () => monitor.listener(reason),
      () => `a monitor of ${this.id}`,
    );
  }
}

/** Whether `value` is a process that can be linked: one that was made by this library. */
export const isProcess = (value: unknown): value is Process => isCore(value);

function isCore(value: unknown): value is ProcessCore {
  try {
    return value instanceof ProcessCore;
  } catch {
    return false; // A proxy that does not want to be looked at.
  }
}

function coreOf(process: Process, field: string): ProcessCore {
  if (isCore(process)) return process;
  throw invalidArgument(field, 'a process made by spawn, spawnServer, spawnActor or a supervisor', process);
}

/** The generic server: state behind a mailbox, asked by calls, told by casts (S65 to S85). */

import { emitWarning } from 'node:process';
import { checkFunction, checkOptionalFunction, readingLater } from '../src/kernel/arguments.js';
import { type Clock, systemClock, type Timer } from '../src/kernel/clock.js';
import { CoilyardError, describeValue } from '../src/kernel/errors.js';
import { checkExitReason, type ExitReason, exitReason, isCleanExit } from '../src/kernel/exit-reason.js';
import type { Turn } from '../src/kernel/inbox.js';
import { isolate, isThenable } from '../src/kernel/isolate.js';
import { IGNORE, type Ignore, type Process } from '../src/kernel/process.js';
import { ProcessCore } from '../src/kernel/process-core.js';
import { timeoutIn } from './call-timeout.js';
import { isRecord } from './child-spec.js';
import { endsAs } from './ends-as.js';
import { type PendingCall, PendingCalls } from './pending-calls.js';
import { badReturn, deadProcess, diedBeforeReply, refused, timedOut } from './refusals.js';
import type {
  Awaitable,
  CallOptions,
  ExitMessage,
  IdleMessage,
  InitOutcome,
  Server,
  ServerContext,
  ServerOptions,
} from './server-types.js';

/** `gen_server:call`'s. */
const DEFAULT_CALL_TIMEOUT_MS = 5000;

/**
 * Starts a server and resolves with its handle once `init` is through, or with `IGNORE` if that is what it returned.
 *
 * @throws what `init` threw or stopped with; `already_started`, `noproc` (the parent is dead), `timeout`, or
 * `bad_return_value`, each in `details.reason`.
 */
export function spawnServer<State, Call = unknown, Reply = unknown, Cast = unknown, Info = unknown>(
  options: ServerOptions<State, Call, Reply, Cast, Info> & {
    init(context: ServerContext): Awaitable<InitOutcome<State>>;
  },
): Promise<Server<State, Call, Reply, Cast, Info>>;
export function spawnServer<State, Call = unknown, Reply = unknown, Cast = unknown, Info = unknown>(
  options: ServerOptions<State, Call, Reply, Cast, Info>,
): Promise<Server<State, Call, Reply, Cast, Info> | Ignore>;
export function spawnServer(options: ServerOptions<unknown>): Promise<Server | Ignore> {
  return readingLater('options', () => new ServerProcess(options).start());
}

class ServerProcess extends ProcessCore implements Server {
  readonly #options: ServerOptions<unknown>;
  readonly #clock: Clock;
  #state: unknown;
  #calls: PendingCalls | undefined;
  /** The idle timeout: armed, or due but not yet handled. */
  #idle: Timer | 'due' | undefined;
  /** Messages that wait while the server is suspended. */
  #suspended: Turn[] | undefined;
  /** Whether a callback is on the stack: who calls now is the server itself. */
  #inCallback = false;
  #lastMessage: unknown;
  /** The reply of a callback that stopped the server: sent after `terminate` (S75). */
  #lastReply: (() => void) | undefined;

  constructor(options: ServerOptions<unknown>) {
    super(options);
    checkFunction('init', options.init);
    const { handleCall, handleCast, handleInfo, handleContinue, terminate, onCrash } = options;
    for (const [name, callback] of Object.entries({
      handleCall,
      handleCast,
      handleInfo,
      handleContinue,
      terminate,
      onCrash,
    }))
      checkOptionalFunction(name, callback);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  start(): Promise<this | Ignore> {
    const context: ServerContext = {
      self: this,
      exit: (reason) => this.end(reason),
      trapExit: (on) => this.setTrapExit(on),
    };
    return this.begin(() => {
      const result = this.#options.init(context);
      return isThenable(result) ? result.then((outcome) => this.#started(outcome)) : this.#started(result);
    }, this.#options);
  }

  call(message: unknown, options: CallOptions = {}): Promise<unknown> {
    try {
      return this.#ask(message, timeoutIn(options, 'timeoutMs', DEFAULT_CALL_TIMEOUT_MS));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #ask(message: unknown, timeoutMs: number): Promise<unknown> {
    if (this.#inCallback) return Promise.reject(callingSelf(this));
    if (!this.alive) return Promise.reject(deadProcess(this));
    this.#calls ??= new PendingCalls(this.#clock);
    const call = this.#calls.open<unknown>(timeoutMs, () => timedOut(`a call to ${this.id}`, timeoutMs));
    this.#deliver(message, () => {
      if (this.#options.handleCall === undefined) throw missing('handleCall', message);
      return this.#run(
        'handleCall',
        () => this.#options.handleCall?.(message, (reply) => call.resolve(reply), this.#state),
        call,
      );
    });
    return call.promise;
  }

  cast(message: unknown): void {
    this.#deliver(message, () => {
      if (this.#options.handleCast === undefined) throw missing('handleCast', message);
      return this.#run('handleCast', () => this.#options.handleCast?.(message, this.#state));
    });
  }

  send(message: unknown): void {
    this.#deliver(message, () => this.#info(message));
  }

  async stop(reason: ExitReason = exitReason.normal, options: CallOptions = {}): Promise<void> {
    checkExitReason(reason);
    const timeoutMs = timeoutIn(options, 'timeoutMs', Infinity);
    if (this.#inCallback) throw callingSelf(this);
    if (!this.alive) throw deadProcess(this);
    this.post(() => this.end(reason));
    await endsAs(this, reason, timeoutMs, this.#clock);
  }

  suspend(): Promise<void> {
    return this.#system(() => {
      this.#suspended ??= [];
    });
  }

  resume(): Promise<void> {
    return this.#system(() => {
      const held = this.#suspended ?? [];
      this.#suspended = undefined;
      for (const turn of held.reverse()) this.postFirst(turn);
    });
  }

  getState(): Promise<unknown> {
    return this.#system(() => this.#state);
  }

  async replaceState(change: (state: unknown) => unknown): Promise<unknown> {
    checkFunction('change', change);
    return this.#system(() => {
      this.#state = change(this.#state);
      return this.#state;
    });
  }

  protected override onExit(from: Process | undefined, reason: ExitReason): unknown {
    const message: ExitMessage = { exit: from, reason };
    return this.#take(message, () => this.#info(message));
  }

  protected override onTerminate(reason: ExitReason): unknown {
    this.#cancelIdle();
    if (!isCleanExit(reason)) this.#report(reason);
    try {
      const pending = this.#options.terminate?.(reason, this.#state);
      if (isThenable(pending)) return Promise.resolve(pending).finally(() => this.#lastReply?.());
    } catch (error) {
      this.#lastReply?.();
      throw error;
    }
    this.#lastReply?.();
    return undefined;
  }

  protected override onDeath(reason: ExitReason): void {
    this.#cancelIdle();
    this.#calls?.failAll(() => diedBeforeReply(this, reason));
  }

  #started(outcome: unknown): unknown {
    if (outcome === IGNORE) return IGNORE;
    if (isRecord(outcome) && isExitReason(outcome.stop)) this.end(outcome.stop);
    else if (isRecord(outcome) && 'error' in outcome) this.refuseStart(exitReason.normal, outcome.error);
    else if (isOutcome(outcome)) this.#goOn(outcome, (turn) => this.postFirst(turn));
    else throw badReturn('init', outcome);
    return undefined;
  }

  /** Queues a message for its turn. */
  #deliver(message: unknown, handle: Turn): void {
    this.post(() => this.#take(message, handle));
  }

  #take(message: unknown, handle: Turn): unknown {
    if (this.#suspended !== undefined) {
      this.#suspended.push(() => this.#take(message, handle));
      return undefined;
    }
    this.#cancelIdle();
    if (this.#options.onCrash !== undefined) this.#lastMessage = message;
    return handle();
  }

  #info(message: unknown): unknown {
    if (this.#options.handleInfo === undefined) {
      emitWarning(`${this.id} has no handleInfo: dropped ${describeValue(message)}`, 'CoilyardWarning');
      return undefined;
    }
    return this.#run('handleInfo', () => this.#options.handleInfo?.(message, this.#state));
  }

  /** Runs one callback and does what its outcome says. What was thrown counts as returned if it is an outcome (S76). */
  #run(where: string, callback: () => unknown, call?: PendingCall<unknown>): unknown {
    let result: unknown;
    this.#inCallback = true;
    try {
      result = callback();
    } catch (thrown) {
      result = caught(where, thrown);
    } finally {
      this.#inCallback = false;
    }
    if (!isThenable(result)) return this.#apply(where, result, call);
    return result.then(
      (outcome) => this.#apply(where, outcome, call),
      (thrown: unknown) => this.#apply(where, caught(where, thrown), call),
    );
  }

  #apply(where: string, outcome: unknown, call: PendingCall<unknown> | undefined): unknown {
    if (!isOutcome(outcome)) throw badReturn(where, outcome);
    const replies = call !== undefined && 'reply' in outcome;
    if (isExitReason(outcome.stop)) {
      if ('state' in outcome) this.#state = outcome.state;
      if (replies) this.#lastReply = () => call.resolve(outcome.reply);
      this.end(outcome.stop);
      return undefined;
    }
    if (replies) call.resolve(outcome.reply);
    return this.#goOn(outcome, (turn) => turn());
  }

  /** @param next runs the continuation before any queued message (S77). */
  #goOn(outcome: Readonly<Record<string, unknown>>, next: (turn: Turn) => unknown): unknown {
    this.#state = outcome.state;
    if (typeof outcome.timeoutMs === 'number' && outcome.timeoutMs !== Infinity) this.#armIdle(outcome.timeoutMs);
    if (!('continue' in outcome) || outcome.continue === undefined) return undefined;
    const { handleContinue } = this.#options;
    if (handleContinue === undefined) throw missing('handleContinue', outcome.continue);
    return next(() =>
      this.#run('handleContinue', () => handleContinue.call(this.#options, outcome.continue, this.#state)),
    );
  }

  #armIdle(timeoutMs: number): void {
    this.#cancelIdle();
    this.#idle = this.#clock.setTimer(timeoutMs, () => {
      this.#idle = 'due';
      // A message that is already queued comes first and cancels it, also for a timeout of 0.
      this.post(() => {
        if (this.#idle !== 'due') return undefined;
        const message: IdleMessage = { timeout: true };
        return this.#take(message, () => this.#info(message));
      });
    });
  }

  #cancelIdle(): void {
    if (this.#idle === undefined) return;
    if (this.#idle !== 'due') this.#idle.cancel();
    this.#idle = undefined;
  }

  /** A request that is served also while the server is suspended; its failure is the asker's alone. */
  #system<T>(operation: () => T): Promise<T> {
    if (!this.alive) return Promise.reject(deadProcess(this));
    this.#calls ??= new PendingCalls(this.#clock);
    const call = this.#calls.open<T>(Infinity, () => undefined);
    this.post(() => {
      try {
        call.resolve(operation());
      } catch (error) {
        call.reject(error);
      }
    });
    return call.promise;
  }

  #report(reason: ExitReason): void {
    const { onCrash } = this.#options;
    if (onCrash === undefined) return;
    const report = { reason, lastMessage: this.#lastMessage, state: this.#state };
    isolate(
      () => onCrash.call(this.#options, report),
      () => `the crash listener of ${this.id}`,
    );
  }
}

const isOutcome = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isRecord(value) && ('state' in value || isExitReason(value.stop));

const isExitReason = (value: unknown): value is ExitReason => isRecord(value) && typeof value.type === 'string';

/** A thrown error crashes; another thrown value is a return value, if it can be one (S76). */
function caught(where: string, thrown: unknown): unknown {
  if (thrown instanceof Error) throw thrown;
  if (isOutcome(thrown)) return thrown;
  throw badReturn(where, thrown);
}

const callingSelf = (process: Process): CoilyardError =>
  refused('calling_self', `${process.id} calls itself and would wait for ever`);

const missing = (callback: string, message: unknown): CoilyardError =>
  new CoilyardError('internal', `no ${callback} for ${describeValue(message)}`, {
    details: { reason: 'undef', callback },
  });

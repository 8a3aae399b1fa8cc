/**
 * One session while it lives: what stays the same across crashes of its actor. It holds the mailbox, the observers, the
 * xstate reference and the committed state; each life of the actor brings a pipeline that serves them.
 */

import { type Deferred, deferred } from '../kernel/deferred.js';
import { CoilyardError, runtimeStopped } from '../kernel/errors.js';
import { type ExitReason, exitReason, isCleanExit } from '../kernel/exit-reason.js';
import { type Incarnation, incarnation, nextIncarnation, type SessionId } from '../kernel/ids.js';
import { Mailbox } from '../kernel/mailbox.js';
import { IGNORE, type Ignore, type Process } from '../kernel/process.js';
import { type ProcessContext, spawn } from '../kernel/spawn.js';
import { createStateActor, type StateActor } from '../kernel/state-actor.js';
import { asGiven } from '../variables/as-given.js';
import { isCommandType } from '../variables/command-types.js';
import type { AnyReply, VariableCommand } from '../variables/commands.js';
import { Pin } from '../variables/pin.js';
import { VariablesState } from '../variables/state.js';
import type { Variable } from '../variables/variable.js';
import { refusedRequest } from './arguments.js';
import type { ExecuteOptions, WatchEnd } from './handle.js';
import { Observers } from './observers.js';
import { Pipeline, type SessionMailbox } from './pipeline.js';
import type { QueuedWatcher } from './queued-watcher.js';
import { TokenBucket } from './rate-limit.js';
import type { SessionServices } from './services.js';
import { SessionBooks } from './session-books.js';
import { type Commit, type MaybePromise, ORIGIN, type Position, type Resumed, type SessionRecord } from './store.js';
import { goneUpdate, resetUpdate } from './update.js';
import { VariablesView } from './variables-view.js';

/** What `session.actor.getSnapshot().context` holds. */
export interface SessionContext {
  readonly revision: number;
  readonly variables: ReadonlyMap<string, Variable>;
}

export type SessionActor = StateActor<SessionContext, VariableCommand>['ref'];

/** How long a command may take unless the caller says otherwise, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 5000;

type Phase =
  /** The state is being read from the store; commands wait. */
  | { readonly type: 'loading' }
  | { readonly type: 'ready'; readonly pipeline: Pipeline; readonly context: ProcessContext }
  /** The actor has died and its supervisor will start another; commands wait, unless that takes a while. */
  | { readonly type: 'crashed'; readonly cause: unknown; readonly retryAfterMs?: number }
  | { readonly type: 'closed'; readonly end: WatchEnd };

/** How a session ends, decided by whoever asks first. */
export interface Ending {
  readonly reason: WatchEnd;
  /** Whether the store keeps its state. */
  readonly keep: boolean;
}

/** Nobody asked: the supervisor has ended the actor, because the runtime or the store goes down. */
const unasked: Ending = Object.freeze({ reason: 'runtime_stopped', keep: true });

export class LiveSession {
  readonly record: SessionRecord;
  readonly #services: SessionServices;
  readonly #mailbox: SessionMailbox;
  readonly #onClosed: (ending: Ending) => MaybePromise<void>;
  #phase: Phase = { type: 'loading' };
  /** `undefined` while no state can be read: before the first load, and after a crash in the middle of a change. */
  #state: VariablesState | undefined;
  #position: Position = ORIGIN;
  #actor: StateActor<SessionContext, VariableCommand> | undefined;
  #view: VariablesView | undefined;
  #incarnation: Incarnation = incarnation(0);
  // Made when they are first needed: most sessions are idle, and there may be a hundred thousand of them.
  #observers: Observers | undefined;
  #watchers: Set<QueuedWatcher> | undefined;
  readonly books: SessionBooks;
  readonly #bucket: TokenBucket | undefined;
  #pins: Set<Pin> | undefined;
  #ending: Ending | undefined;
  #closing: Deferred<void> | undefined;
  #stopWaitingForParent: (() => void) | undefined;

  /** @param onClosed is called once, after the last life of the actor; the end is complete when it has resolved. */
  constructor(record: SessionRecord, services: SessionServices, onClosed: (ending: Ending) => MaybePromise<void>) {
    this.record = record;
    this.#services = services;
    this.#onClosed = onClosed;
    this.books = new SessionBooks(record.id, services);
    const { rate } = services.limits;
    this.#bucket = rate === undefined ? undefined : new TokenBucket(services.clock, rate);
    this.#mailbox = new Mailbox<VariableCommand, AnyReply>({
      clock: services.clock,
      wheel: services.wheel,
      capacity: services.limits.mailbox,
      onWork: () => {
        if (this.#phase.type === 'ready') this.#phase.pipeline.work();
      },
    });
  }

  get id(): SessionId {
    return this.record.id;
  }

  get observers(): Observers {
    this.#observers ??= new Observers(this.record.id);
    return this.#observers;
  }

  get watchers(): Set<QueuedWatcher> {
    this.#watchers ??= new Set();
    return this.#watchers;
  }

  /** Which life of the actor this is; raised by every restart. */
  get incarnation(): Incarnation {
    return this.#incarnation;
  }

  get position(): Position {
    return this.#position;
  }

  get closed(): boolean {
    return this.#phase.type === 'closed';
  }

  /** Made when it is first asked for: most sessions are never looked at this way. */
  get actor(): SessionActor {
    if (this.#actor === undefined) {
      if (this.#view === undefined || this.#phase.type === 'closed') throw this.#unreadable();
      const context = { revision: this.#position.revision, variables: this.#view };
      this.#actor = createStateActor<SessionContext, VariableCommand>(context, (command) => this.#receive(command));
    }
    return this.#actor.ref;
  }

  get isReadable(): boolean {
    return this.#state !== undefined;
  }

  /** The committed state. Throws `session_…` when there is none to read. */
  get state(): VariablesState {
    if (this.#state === undefined) throw this.#unreadable();
    return this.#state;
  }

  /** Starts a life of the actor: the `start` of its child spec, called again for every restart. */
  async start(parent: Process | undefined): Promise<Process | Ignore> {
    if (this.#phase.type === 'closed') return IGNORE;
    this.#stopWaitingForParent?.();
    this.#incarnation = nextIncarnation(this.#incarnation);
    const process = await spawn({
      ...(parent === undefined ? {} : { parent }),
      trapExit: true,
      init: (context) => this.#begin(context),
      terminate: () => this.#stopServing(),
    });
    if (process === IGNORE) return IGNORE;
    process.monitor((reason) => this.#lifeEnded(reason, parent));
    // Only now: a command that crashes the actor is a crash, never a start that failed.
    if (this.#phase.type === 'ready') this.#mailbox.release();
    return process;
  }

  execute(command: VariableCommand, options: ExecuteOptions | undefined): Promise<AnyReply> {
    const phase = this.#phase;
    if (phase.type === 'closed' || (phase.type === 'crashed' && phase.retryAfterMs !== undefined))
      return Promise.reject(this.#unreadable());
    const refusal = refusedRequest(command, options);
    if (refusal !== undefined) return Promise.reject(refusal);
    const limited = this.#bucket?.take();
    if (limited !== undefined) {
      this.books.refused(command, limited);
      return Promise.reject(limited);
    }
    return this.#mailbox.post(command, {
      timeoutMs: options?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      signal: options?.signal,
    });
  }

  /** Ends the session from within; watches end with the same reason. */
  end(ending: Ending): void {
    if (this.#ending !== undefined || this.#phase.type === 'closed') return;
    this.#ending = ending;
    if (this.#phase.type === 'ready') this.#phase.context.exit(exitReason.shutdownWith(ending.reason));
    else this.#close();
  }

  /** Ends the session and resolves once it has left nothing behind that it should not. */
  async stopped(ending: Ending): Promise<void> {
    if (this.#phase.type !== 'closed') this.#closing ??= deferred();
    this.end(ending);
    await this.#closing?.promise;
  }

  /** The present state, kept for a reader until it lets go. */
  pin(): Pin {
    const pin = new Pin(this.state, this.#position.revision, () => this.#pins?.delete(pin));
    this.#pins ??= new Set();
    this.#pins.add(pin);
    return pin;
  }

  /** It keeps crashing: its supervisor waits before it tries again, and until then commands are refused at once. */
  suspend(retryAfterMs: number): void {
    if (this.#phase.type !== 'crashed') return;
    this.#phase = { ...this.#phase, retryAfterMs };
    this.#mailbox.failAll(() => this.#unreadable());
  }

  async #begin(context: ProcessContext): Promise<Ignore | undefined> {
    const { store, random, limits, clock, telemetry } = this.#services;
    const resumed = await store.resume(this.id);
    const isRestart = this.#view !== undefined;
    const missed = isRestart ? await store.resume(this.id, this.#position) : undefined;
    // Ended while the store answered. Past this line nothing waits, so nothing can come between.
    if (this.closed) return IGNORE;
    if (resumed.type !== 'snapshot')
      throw new CoilyardError('session_not_found', `the store has no session ${this.id}`, {
        details: { sessionId: this.id },
      });
    const state = VariablesState.restore(resumed.state);
    const pipeline = new Pipeline({
      id: this.id,
      store,
      mailbox: this.#mailbox,
      state,
      position: resumed.position,
      writer: random.token(9),
      limits: limits.variables,
      clock,
      telemetry,
      types: this.#services.types,
      isSecret: this.books.isSecret,
      computations: () => this.books.computations,
      onComputations: (computations) => this.books.learn(computations),
      onCommitted: (commit, tookMs) => this.#committed(commit, tookMs),
      onRefused: (command, error) => this.books.refused(command, error),
      onCrash: (error, stateIsSound) => this.#crashed(context, error, stateIsSound),
      onLateLanding: (landed) => this.#landedLate(landed),
    });
    this.#adopt(state, resumed.position);
    this.#phase = { type: 'ready', pipeline, context };
    if (missed !== undefined) this.#catchUpObservers(missed);
    telemetry.emit('session.started', { sessionId: this.id, revision: resumed.position.revision });
    return undefined;
  }

  #adopt(state: VariablesState, position: Position): void {
    // Whoever reads an earlier revision goes on reading the state of the last life.
    for (const pin of this.#pins ?? []) pin.detach();
    this.#state = state;
    this.#position = position;
    this.#view = new VariablesView(state);
    this.#actor?.publish({ revision: position.revision, variables: this.#view });
  }

  /** What was committed but not yet told when the last life ended. */
  #catchUpObservers(missed: Resumed): void {
    const { position } = this;
    if (missed.type === 'tail') {
      // What is newer than the state that was adopted is told when the state gets there.
      for (const commit of missed.commits)
        if (commit.position.revision <= position.revision) this.#observers?.publish(commit);
    } else if (missed.type === 'snapshot')
      this.#observers?.startOver(resetUpdate(missed.reason, position.revision, this.#services.clock.nowMs()));
    for (const watcher of this.#watchers ?? []) watcher.wakeReader();
  }

  #committed(commit: Commit, tookMs: number): void {
    const { position } = commit;
    this.#position = position;
    if (this.#actor !== undefined && this.#view !== undefined)
      this.#actor.publish({ revision: position.revision, variables: this.#view });
    this.books.committed(commit, tookMs);
    this.#observers?.publish(commit);
  }

  /** A command that a user sent to the xstate reference: nobody waits for its answer, a refusal is telemetry. */
  #receive(command: VariableCommand): void {
    if (!isCommand(command)) return;
    this.execute(asGiven({ ...command, source: command.source ?? 'typescript' }), undefined).catch((error: unknown) => {
      if (!(error instanceof CoilyardError)) throw error;
    });
  }

  #crashed(context: ProcessContext, error: unknown, stateIsSound: boolean): void {
    if (this.#phase.type === 'closed') return;
    this.#mailbox.hold();
    if (!stateIsSound) this.#state = undefined;
    this.#phase = { type: 'crashed', cause: error };
    this.#services.telemetry.emit('session.crashed', {
      sessionId: this.id,
      error,
      revision: this.#position.revision,
    });
    context.exit(exitReason.error(error));
  }

  /** A commit of an earlier life has landed behind this one's back: the next life reads the store anew, and tells it. */
  #landedLate({ revision }: Position): void {
    const phase = this.#phase;
    if (phase.type !== 'ready' || revision <= this.#position.revision) return;
    const error = new CoilyardError('store_unavailable', 'a commit of an earlier life landed late', {
      execution: 'not_started',
    });
    phase.pipeline.abandon(error);
    this.#crashed(phase.context, error, true);
  }

  async #stopServing(): Promise<void> {
    if (this.#phase.type !== 'ready') return;
    this.#mailbox.hold();
    await this.#phase.pipeline.stop();
  }

  #lifeEnded(reason: ExitReason, parent: Process | undefined): void {
    if (this.#phase.type === 'closed') return;
    if (this.#phase.type === 'ready') this.#phase.pipeline.abandon(reason);
    if (isCleanExit(reason) || this.#ending !== undefined) {
      this.#close();
      return;
    }
    // A supervisor that goes down itself starts no other life.
    this.#stopWaitingForParent = parent?.monitor(() => this.#close());
    this.#mailbox.hold();
    this.#mailbox.failAll(
      () =>
        new CoilyardError('session_crashed', 'the session was killed and is being restarted', {
          execution: 'not_started',
        }),
    );
    if (this.#phase.type !== 'crashed') this.#phase = { type: 'crashed', cause: reason };
  }

  #close(): void {
    if (this.#phase.type === 'closed') return;
    const ending = this.#ending ?? unasked;
    this.#phase = { type: 'closed', end: ending.reason };
    this.#stopWaitingForParent?.();
    this.#mailbox.close(() => this.#unreadable());
    this.#observers?.flush();
    for (const watcher of this.#watchers ?? []) watcher.end(ending.reason);
    const state = this.#state;
    if (!ending.keep && state !== undefined)
      this.#observers?.end((id) => {
        const record = state.resolve(id)?.record;
        if (record === undefined) return undefined;
        const update = goneUpdate(record, this.#position.revision, this.#services.clock.nowMs());
        return { update, rules: record.accessRules };
      });
    this.#state = undefined;
    this.#actor?.stop();
    const left = this.#onClosed(ending);
    this.#closing?.resolve(left);
  }

  /** Why nothing can be read or written. */
  #unreadable(): CoilyardError {
    const details = { sessionId: this.id };
    const phase = this.#phase;
    if (phase.type === 'closed' && phase.end === 'runtime_stopped') return runtimeStopped(details);
    if (phase.type === 'closed')
      return phase.end === 'session_expired'
        ? new CoilyardError('session_expired', `session ${this.id} has expired`, { details })
        : new CoilyardError('session_not_found', `session ${this.id} was stopped`, { details });
    return new CoilyardError('session_crashed', `session ${this.id} is being restarted`, {
      execution: 'not_started',
      details,
      ...(phase.type === 'crashed' ? { cause: phase.cause } : {}),
      ...(phase.type === 'crashed' && phase.retryAfterMs !== undefined ? { retryAfterMs: phase.retryAfterMs } : {}),
    });
  }
}

/** Anything can be sent to an xstate reference; as any actor, this one passes over what it does not understand. */
const isCommand = ({ type }: VariableCommand): boolean => isCommandType(type);

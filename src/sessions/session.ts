/** A session as users hold it: the methods of the contract over one living session, valid across restarts of its actor. */

import { type CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import type {
  AnyReply,
  DeleteVariable,
  RegisterVariables,
  ReplyTo,
  SetVariable,
  UpdateVariables,
  VariableCommand,
} from '../variables/commands.js';
import { matchesGlob } from '../variables/names.js';
import { isPlainObject } from '../variables/plain-data.js';
import { variableNotFound } from '../variables/refusals.js';
import type { Metadata } from '../variables/value.js';
import { HISTORY_LIMIT, type HistoryEntry, type Variable } from '../variables/variable.js';
import { checkCount, checkFunction, checkOptions, checkText, checkWatch } from './arguments.js';
import { CallbackObserver, type Observer } from './callback-observer.js';
import { Expiry } from './expiry.js';
import type { ExecuteOptions, SessionHandle, SessionInfo, Watcher, WatchOptions } from './handle.js';
import type { LiveSession, SessionActor } from './live-session.js';
import { openWatch } from './open-watch.js';
import type { SessionServices } from './services.js';
import type { VariableUpdate } from './update.js';
import { type WatchStreamOptions, watchStream } from './watch-stream.js';

export interface RegisterOptions extends ExecuteOptions {
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly description?: string | undefined;
  readonly metadata?: Metadata | undefined;
  readonly readOnly?: boolean | undefined;
  readonly source?: string | undefined;
}

export interface SetOptions extends ExecuteOptions {
  readonly metadata?: Metadata | undefined;
  /** The version that the caller has seen; 0 is a version. */
  readonly expectedVersion?: number | undefined;
  /** Who writes. Default `typescript`. */
  readonly source?: string | undefined;
}

export interface UpdateOptions extends ExecuteOptions {
  /** All or none. Default true. */
  readonly atomic?: boolean | undefined;
  readonly metadata?: Metadata | undefined;
  readonly source?: string | undefined;
}

export interface UpdateResult {
  /** Whether every write succeeded. */
  readonly ok: boolean;
  readonly revision: number;
  readonly results: ReadonlyMap<string, { readonly version: number } | CoilyardError>;
}

export interface ListOptions {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
  /** A glob over names: `*` and `?` only. */
  readonly pattern?: string | undefined;
}

/** One entry of {@link Session.registerMany}. */
export interface Registration extends Omit<RegisterOptions, keyof ExecuteOptions | 'source'> {
  readonly name: string;
  readonly type: string;
  readonly initialValue: unknown;
}

const SOURCE = 'typescript';

export class Session implements SessionHandle {
  readonly #live: LiveSession;
  readonly #services: SessionServices;
  readonly #expiry: Expiry;

  constructor(live: LiveSession, services: SessionServices) {
    this.#live = live;
    this.#services = services;
    this.#expiry = new Expiry(live.record.ttlMs, services.clock, services.wheel, () => this.#expire());
  }

  get id(): SessionId {
    return this.#live.id;
  }

  get revision(): number {
    return this.#live.position.revision;
  }

  /** The session as an xstate actor; its snapshots hold `revision` and a read-only view of the variables. */
  get actor(): SessionActor {
    return this.#live.actor;
  }

  info(): SessionInfo {
    const { record, state } = this.#live;
    return {
      id: record.id,
      revision: this.revision,
      variableCount: state.size,
      metadata: record.metadata,
      owner: record.owner,
      createdAtMs: record.createdAtMs,
      expiresAtMs: this.#expiry.expiresAtMs,
      ttlMs: record.ttlMs,
    };
  }

  /** Registers a variable. @returns its id, such as `var_temperature_1`. */
  async register(name: string, type: string, initialValue: unknown, options: RegisterOptions = {}): Promise<string> {
    checkOptions(options);
    const { constraints, description, metadata, readOnly, source = SOURCE, ...execute } = options;
    const spec = { name, type, initialValue, constraints, description, metadata, readOnly };
    const { variables } = await this.execute({ type: 'variables.register', specs: [spec], source }, execute);
    const [registered] = variables;
    if (registered === undefined) throw new TypeError('a registration was answered without its variable');
    return registered.id;
  }

  /** Registers all or none. @returns ids by name. */
  async registerMany(specs: readonly Registration[], options: ExecuteOptions = {}): Promise<Map<string, string>> {
    const { variables } = await this.execute({ type: 'variables.register', specs, source: SOURCE }, options);
    return new Map(variables.map(({ name, id }) => [name, id]));
  }

  /** The committed value by name or id. Without a default a missing variable throws `variable_not_found`. */
  get(reference: string): unknown;
  get<Default>(reference: string, missing: Default): unknown;
  get(reference: string, ...missing: readonly unknown[]): unknown {
    this.#expiry.touch();
    const cell = this.#live.state.resolve(reference);
    if (cell !== undefined) return cell.record.value;
    if (missing.length > 0) return missing[0];
    throw variableNotFound(reference);
  }

  /** The whole record, frozen. */
  variable(reference: string): Variable {
    const record = this.lookUp(reference);
    if (record === undefined) throw variableNotFound(reference);
    return Object.freeze(record);
  }

  /** Records in order of registration. */
  list(options: ListOptions = {}): Variable[] {
    checkOptions(options);
    const { type, source, pattern } = options;
    checkText('pattern', pattern);
    const listed: Variable[] = [];
    for (const record of this.records()) {
      if (type !== undefined && record.type !== type) continue;
      if (source !== undefined && record.source !== source) continue;
      if (pattern !== undefined && !matchesGlob(pattern, record.name)) continue;
      listed.push(Object.freeze(record));
    }
    return listed;
  }

  async set(
    reference: string,
    value: unknown,
    options: SetOptions = {},
  ): Promise<{ readonly version: number; readonly revision: number }> {
    checkOptions(options);
    const { metadata, expectedVersion, source = SOURCE } = options;
    const reply = await this.execute(
      { type: 'variable.set', variable: reference, value, metadata, expectedVersion, source },
      options,
    );
    return { version: reply.variable.version, revision: reply.revision };
  }

  /** Sets many at one revision. A write that is refused is an outcome, not a rejection. */
  async update(values: Readonly<Record<string, unknown>>, options: UpdateOptions = {}): Promise<UpdateResult> {
    checkOptions(options);
    if (!isPlainObject(values)) throw invalidArgument('values', 'an object of values by name', values);
    const { atomic = true, metadata, source = SOURCE } = options;
    const writes = Object.entries(values).map(([variable, value]) => ({ variable, value }));
    const reply = await this.execute({ type: 'variables.update', writes, atomic, metadata, source }, options);
    const results = new Map(
      reply.outcomes.map((outcome) => [
        outcome.variable,
        outcome.ok ? { version: outcome.updated.version } : outcome.error,
      ]),
    );
    return { ok: reply.ok, revision: reply.revision, results };
  }

  async delete(reference: string, options: ExecuteOptions & { readonly cascade?: boolean } = {}): Promise<void> {
    checkOptions(options);
    await this.execute(
      { type: 'variable.delete', variable: reference, cascade: options.cascade, source: SOURCE },
      options,
    );
  }

  /**
   * Calls `observer` once for each later change of the variable, in order of revision; with a `reset` when its session
   * had to start over from another history. An observer that throws or rejects is removed and reported once as
   * `observer.failed`.
   *
   * @returns a function that ends it; idempotent, also from within the observer.
   */
  observe(reference: string, observer: Observer): () => void {
    checkFunction('observer', observer);
    const { id } = this.#require(reference);
    const sink = new CallbackObserver(this.revision, observer, (error) => {
      off();
      this.#services.telemetry.emit('observer.failed', { sessionId: this.id, error });
    });
    const forget = this.#live.observers.add(sink, { type: 'variables', ids: new Set([id]) });
    const off = (): void => {
      sink.close();
      forget();
    };
    return off;
  }

  /**
   * Changes of some variables (none named: of all) as they happen, in order of revision. A reader that falls behind gets
   * the newest value of each variable with the number of updates it has `skipped`, or with `coalesce: false` an explicit
   * `reset`. Ends when the session stops or the named variables are deleted.
   */
  watch(names: readonly string[] = [], options: WatchStreamOptions = {}): AsyncIterableIterator<VariableUpdate> {
    return watchStream((selection) => this.openWatch(selection), names, options, this.#services.clock);
  }

  /** The last versions, newest first; 100 are kept. */
  history(
    reference: string,
    options: { readonly limit?: number; readonly offset?: number } = {},
  ): readonly HistoryEntry[] {
    checkOptions(options);
    return this.historyOf(reference, options.limit ?? HISTORY_LIMIT, options.offset ?? 0);
  }

  execute(command: SetVariable, options?: ExecuteOptions): Promise<ReplyTo<SetVariable>>;
  execute(command: UpdateVariables, options?: ExecuteOptions): Promise<ReplyTo<UpdateVariables>>;
  execute(command: RegisterVariables, options?: ExecuteOptions): Promise<ReplyTo<RegisterVariables>>;
  execute(command: DeleteVariable, options?: ExecuteOptions): Promise<ReplyTo<DeleteVariable>>;
  execute(command: VariableCommand, options?: ExecuteOptions): Promise<AnyReply>;
  execute(command: VariableCommand, options?: ExecuteOptions): Promise<AnyReply> {
    this.#expiry.touch();
    return this.#live.execute(command, options);
  }

  lookUp(reference: string): Variable | undefined {
    this.#expiry.touch();
    return this.#live.state.resolve(reference)?.record;
  }

  records(): Iterable<Variable> {
    this.#expiry.touch();
    return this.#live.state.records();
  }

  historyOf(reference: string, limit: number, offset: number): readonly HistoryEntry[] {
    checkCount('limit', limit);
    checkCount('offset', offset);
    this.#require(reference);
    return this.#live.state.history(reference, limit, offset);
  }

  openWatch(options: WatchOptions): Watcher {
    checkOptions(options);
    checkWatch(options);
    this.#expiry.touch();
    const { store, clock } = this.#services;
    return openWatch(this.#live, options, (after) => store.resume(this.id, after), clock.nowMs);
  }

  touch(): void {
    this.#expiry.touch();
  }

  /**
   * Ends the session: observers hear of it, commands that wait are refused. Its state is deleted unless `keep`. Once it
   * has ended, whoever ended it, stopping it again does nothing: its id may be another session's by then.
   */
  async stop(options: { readonly keep?: boolean } = {}): Promise<void> {
    checkOptions(options);
    await this.#live.stopped({ reason: 'session_stopped', keep: options.keep === true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Starts the countdown; called by the directory once the session is ready. */
  watchOverExpiry(): void {
    this.#expiry.start();
  }

  /** Ends the countdown; called by the directory once the session is closed. */
  forgetExpiry(): void {
    this.#expiry.stop();
  }

  #require(reference: string): Variable {
    const record = this.lookUp(reference);
    if (record === undefined) throw variableNotFound(reference);
    return record;
  }

  #expire(): void {
    this.#live.stopped({ reason: 'session_expired', keep: false }).catch((error: unknown) => {
      this.#services.telemetry.emit('session.crashed', { sessionId: this.id, error, revision: this.revision });
    });
  }
}

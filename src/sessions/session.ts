/** A session as users hold it: the methods of the contract over one living session, valid across restarts of its actor. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { AccessRuleInput } from '../variables/access.js';
import { asGiven, eachAsGiven } from '../variables/as-given.js';
import type { Compute } from '../variables/compute.js';
import { isPlainObject } from '../variables/plain-data.js';
import type { Variable } from '../variables/variable.js';
import { checkCount, checkFunction, checkOptions } from './arguments.js';
import { CallbackObserver, type Observer } from './callback-observer.js';
import type {
  CommandOptions,
  DependencyOptions,
  ModifyOptions,
  RegisterOptions,
  Registration,
  RollbackOptions,
  SetOptions,
  UpdateOptions,
  UpdateResult,
} from './session-options.js';
import { SessionReads } from './session-reads.js';
import type { VariableUpdate } from './update.js';
import { type Watch, type WatchStreamOptions, watchStream } from './watch-stream.js';

export type {
  ListOptions,
  RegisterOptions,
  Registration,
  SetOptions,
  UpdateOptions,
  UpdateResult,
} from './session-options.js';

const SOURCE = 'typescript';
const MODIFY_ATTEMPTS = 100;

/** What a write was answered with. */
export interface Written {
  readonly version: number;
  readonly revision: number;
}

export class Session extends SessionReads {
  /**
   * The same session, asked by another one: rules are matched with that one's id. With `onlyByRule` it is a guest: it may
   * use the variables whose rules say so, and is told `permission_denied` of everything else, be it there or not. Whatever
   * a guest makes of itself is a guest.
   */
  override as(principal: string, options: { readonly onlyByRule?: boolean } = {}): Session {
    if (typeof principal !== 'string' || principal === '')
      throw invalidArgument('principal', 'the id of a session', principal);
    checkOptions(options);
    const { onlyByRule = false } = options;
    if (typeof onlyByRule !== 'boolean') throw invalidArgument('onlyByRule', 'true or false', onlyByRule);
    const by = { id: principal, byRuleOnly: onlyByRule || this.isGuest };
    return new Session(this.live, this.services, this.expiry, by);
  }

  /** Registers a variable. @returns its id, such as `var_temperature_1`. */
  async register(name: string, type: string, initialValue?: unknown, options: RegisterOptions = {}): Promise<string> {
    checkOptions(options);
    const { source = SOURCE, timeoutMs, signal, ...spec } = options;
    const { variables } = await this.execute(
      { type: 'variables.register', specs: [asGiven({ ...spec, name, type, initialValue })], source },
      { timeoutMs, signal },
    );
    const [registered] = variables;
    if (registered === undefined) throw new TypeError('a registration was answered without its variable');
    return registered.id;
  }

  /** Registers all or none; they may depend on one another. @returns ids by name. */
  async registerMany(specs: readonly Registration[], options: CommandOptions = {}): Promise<Map<string, string>> {
    checkOptions(options);
    const { source = SOURCE } = options;
    const { variables } = await this.execute(
      { type: 'variables.register', specs: eachAsGiven(specs), source },
      options,
    );
    return new Map(variables.map(({ name, id }) => [name, id]));
  }

  async set(reference: string, value: unknown, options: SetOptions = {}): Promise<Written> {
    checkOptions(options);
    const { expectedVersion, source = SOURCE } = options;
    const metadata = asGiven(options.metadata);
    const given = asGiven(value);
    const reply = await this.execute(
      { type: 'variable.set', variable: reference, value: given, metadata, expectedVersion, source },
      options,
    );
    return { version: reply.variable.version, revision: reply.revision };
  }

  /**
   * Writes what `change` makes of the present value, and starts over when somebody else was faster: no update is lost.
   * `change` may be called many times and may be asynchronous. Rejects with what it throws, and with
   * `optimistic_lock_failure` once all attempts are used up.
   */
  async modify(
    reference: string,
    change: (value: unknown, variable: Variable) => unknown,
    options: ModifyOptions = {},
  ): Promise<Written> {
    checkOptions(options);
    const { attempts = MODIFY_ATTEMPTS, ...set } = options;
    checkFunction('change', change);
    checkCount('attempts', attempts);
    for (let attempt = 1; ; attempt += 1) {
      const present = this.variable(reference);
      const value = await change(present.value, present);
      try {
        return await this.set(present.id, value, { ...set, expectedVersion: present.version });
      } catch (error) {
        const lostTheRace = error instanceof CoilyardError && error.code === 'optimistic_lock_failure';
        if (!lostTheRace || attempt >= attempts) throw error;
      }
    }
  }

  /** Sets many at one revision. A write that is refused is an outcome, not a rejection. */
  async update(values: Readonly<Record<string, unknown>>, options: UpdateOptions = {}): Promise<UpdateResult> {
    checkOptions(options);
    if (!isPlainObject(values)) throw invalidArgument('values', 'an object of values by name', values);
    const { atomic = true, source = SOURCE } = options;
    const metadata = asGiven(options.metadata);
    const writes = Object.entries(values).map(([variable, value]) => ({ variable, value: asGiven(value) }));
    const reply = await this.execute({ type: 'variables.update', writes, atomic, metadata, source }, options);
    const results = new Map(
      reply.outcomes.map((outcome) => [
        outcome.variable,
        outcome.ok ? { version: outcome.updated.version } : outcome.error,
      ]),
    );
    return { ok: reply.ok, revision: reply.revision, results };
  }

  /** Rejects with `has_dependents` unless `cascade`, which deletes all that depends on it as well. */
  async delete(reference: string, options: CommandOptions & { readonly cascade?: boolean } = {}): Promise<void> {
    checkOptions(options);
    const { cascade, source = SOURCE } = options;
    await this.execute({ type: 'variable.delete', variable: reference, cascade, source }, options);
  }

  /** A new version with the value of an earlier one. Rejects with `version_not_found` when that is not kept. */
  async rollback(reference: string, version: number, options: RollbackOptions = {}): Promise<Written> {
    checkOptions(options);
    const { reason, expectedVersion, source = SOURCE } = options;
    const reply = await this.execute(
      { type: 'variable.rollback', variable: reference, version, reason, expectedVersion, source },
      options,
    );
    return { version: reply.variable.version, revision: reply.revision };
  }

  /** Replaces all constraints. The present value has to satisfy them. */
  async setConstraints(
    reference: string,
    constraints: Readonly<Record<string, unknown>>,
    options: CommandOptions = {},
  ): Promise<void> {
    checkOptions(options);
    const { source = SOURCE } = options;
    const given = asGiven(constraints);
    await this.execute({ type: 'variable.configure', variable: reference, constraints: given, source }, options);
  }

  async setReadOnly(reference: string, readOnly: boolean, options: CommandOptions = {}): Promise<void> {
    checkOptions(options);
    const { source = SOURCE } = options;
    await this.execute({ type: 'variable.configure', variable: reference, readOnly, source }, options);
  }

  /** Replaces all rules; none give everybody every right. Only the owning session may, and it always may. */
  async setPermissions(
    reference: string,
    rules: readonly AccessRuleInput[],
    options: CommandOptions = {},
  ): Promise<void> {
    checkOptions(options);
    const { source = SOURCE } = options;
    const accessRules = asGiven(rules);
    await this.execute({ type: 'variable.configure', variable: reference, accessRules, source }, options);
  }

  /** `from` depends on `to` from now on. Rejects with `circular_dependency`, which names the way around. */
  async addDependency(from: string, to: string, options: DependencyOptions = {}): Promise<void> {
    checkOptions(options);
    const { type: dependencyType, source = SOURCE } = options;
    const metadata = asGiven(options.metadata);
    await this.execute({ type: 'dependency.add', from, to, dependencyType, metadata, source }, options);
  }

  /** Removing what is not there changes nothing. */
  async removeDependency(from: string, to: string, options: CommandOptions = {}): Promise<void> {
    checkOptions(options);
    const { source = SOURCE } = options;
    await this.execute({ type: 'dependency.remove', from, to, source }, options);
  }

  /**
   * Gives a computed variable its function again: functions do not outlive the process, and until it has its function a
   * change of its dependencies is refused.
   */
  async compute(reference: string, compute: Compute, options: CommandOptions = {}): Promise<void> {
    checkOptions(options);
    const { source = SOURCE } = options;
    await this.execute({ type: 'variable.compute', variable: reference, compute, source }, options);
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
    const { id } = this.requireVariable(reference, 'observe');
    const call: Observer = this.types.presents ? (update) => observer(this.#presented(update)) : observer;
    const failed = (error: unknown): void => {
      off();
      this.services.telemetry.emit('observer.failed', { sessionId: this.id, error });
    };
    const sink = new CallbackObserver(this.revision, call, failed, this.by);
    const forget = this.live.observers.add(sink, { type: 'variables', ids: new Set([id]) });
    const off = (): void => {
      sink.close();
      forget();
    };
    return off;
  }

  /**
   * Changes of some variables (none named: of all) as they happen, in order of revision. A reader that falls behind gets
   * the newest value of each variable with the number of updates it has `skipped`, or with `coalesce: false` an explicit
   * `reset`. Ends when the session or the runtime is stopped or the named variables are deleted, and `endReason` says
   * which; rejects with `session_expired` when nobody has used the session for too long. What was committed comes first.
   */
  watch(names: readonly string[] = [], options: WatchStreamOptions = {}): Watch {
    checkOptions(options);
    const present = this.types.presents ? (update: VariableUpdate) => this.#presented(update) : undefined;
    return watchStream((selection) => this.openWatch(selection), names, { ...options, present }, this.services.clock);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #presented(update: VariableUpdate): VariableUpdate {
    const { variableType, value, oldValue } = update;
    return {
      ...update,
      value: this.presentValue(variableType, value),
      oldValue: this.presentValue(variableType, oldValue),
    };
  }
}

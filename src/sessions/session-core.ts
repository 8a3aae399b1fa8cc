/** A session as the other rooms hold it, valid across restarts of its actor: the handle, for one calling session. */

import { reading } from '../kernel/arguments.js';
import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import {
  allows,
  type Caller,
  grants,
  grantsAnything,
  isPermission,
  type Permission,
  permissions,
  permits,
} from '../variables/access.js';
import type { AnyReply, ReplyTo, VariableCommand } from '../variables/commands.js';
import { type Dependency, transitive } from '../variables/graph.js';
import { checkAccess, inVariable, notGranted, variableNotFound } from '../variables/refusals.js';
import type { Optimization, OptimizedVariable } from '../variables/optimization.js';
import { checkOf } from '../variables/state.js';
import { decodeDocument } from '../variables/transfer-decode.js';
import { encodeDocument, type ExportOptions } from '../variables/transfer-encode.js';
import { builtInTypes, type TypeRegistry } from '../variables/types/registry.js';
import type { ValueKind } from '../variables/value.js';
import type { HistoryEntry, Variable } from '../variables/variable.js';
import { checkCount, checkOptions, checkText, checkWatch } from './arguments.js';
import type { Expiry } from './expiry.js';
import type {
  DependencyInfo,
  ExecuteOptions,
  ImportOptions,
  ImportResult,
  SessionHandle,
  SessionInfo,
  Watcher,
  WatchOptions,
} from './handle.js';
import type { LiveSession } from './live-session.js';
import { mayKnow, openWatch } from './open-watch.js';
import {
  type EndedTrial,
  endedTrial,
  optimizationEntries,
  type OptimizationEntry,
  type OptimizationHistoryOptions,
} from './optimization-history.js';
import { type OptimizationStatus, statusOf } from './optimization-status.js';
import type { SessionServices } from './services.js';
import type { SessionStats, VariableStats } from './stats.js';

const SOURCE = 'typescript';

export abstract class SessionCore implements SessionHandle {
  protected readonly live: LiveSession;
  protected readonly services: SessionServices;
  protected readonly expiry: Expiry;
  /** Who asks when it is not the owner. */
  protected readonly by: Caller | undefined;
  /** Whether only rules give it rights. */
  protected readonly isGuest: boolean;

  /** @param expiry of the session: all handles of one session share it. */
  constructor(live: LiveSession, services: SessionServices, expiry: Expiry, by?: Caller) {
    this.live = live;
    this.services = services;
    this.expiry = expiry;
    this.isGuest = by?.byRuleOnly === true;
    this.by = by?.id === live.id && !this.isGuest ? undefined : by;
  }

  abstract as(principal: string, options?: { readonly onlyByRule?: boolean }): SessionCore;

  abstract presentValue(type: string, stored: unknown): unknown;

  get id(): SessionId {
    return this.live.id;
  }

  get revision(): number {
    return this.live.position.revision;
  }

  /** Whether a rule grants the caller anything; a guest to which none does is not to know that there is the session. */
  hasRights(): boolean {
    return !this.isGuest || mayKnow(this.live, this.caller.id);
  }

  info(): SessionInfo {
    this.refuseGuest();
    const { record, state } = this.live;
    return {
      id: record.id,
      revision: this.revision,
      variableCount: state.size,
      metadata: record.metadata,
      owner: record.owner,
      createdAtMs: record.createdAtMs,
      expiresAtMs: this.expiry.expiresAtMs,
      ttlMs: record.ttlMs,
    };
  }

  execute<C extends VariableCommand>(command: C, options?: ExecuteOptions): Promise<ReplyTo<C>>;
  execute(command: VariableCommand, options?: ExecuteOptions): Promise<AnyReply> {
    this.expiry.touch();
    const { by } = this;
    if (by === undefined) return this.live.execute(command, options);
    const { id: principal, byRuleOnly } = by;
    return this.live.execute({ ...command, principal, ...(byRuleOnly ? { byRuleOnly } : {}) }, options);
  }

  lookUp(reference: string): Variable | undefined {
    this.expiry.touch();
    const cell = this.live.state.resolve(reference);
    if (cell === undefined || (this.isGuest && !this.mayRead(cell.record))) return undefined;
    cell.reads += 1;
    this.requireRight(cell.record, 'read');
    return cell.record;
  }

  *records(): Generator<Variable> {
    this.expiry.touch();
    for (const record of this.live.state.records()) if (this.mayRead(record)) yield record;
  }

  historyOf(reference: string, limit: number, offset: number): readonly HistoryEntry[] {
    checkCount('limit', limit);
    checkCount('offset', offset);
    this.#readable(reference);
    return this.live.state.history(reference, limit, offset);
  }

  optimizationStatus(reference: string): OptimizationStatus | undefined {
    const optimization = this.live.state.optimizationOf(this.#readable(reference, 'optimize').id);
    return optimization === undefined ? undefined : this.#shownStatus(optimization);
  }

  optimizationRun(id: string): OptimizationStatus | undefined {
    this.expiry.touch();
    const optimization = this.live.state.optimization(id);
    if (optimization === undefined) return undefined;
    if (!optimization.variables.some(({ id: variable }) => this.#isKnown(variable))) throw notGranted(this.caller.id);
    return this.#shownStatus(optimization);
  }

  runTrials(id: string, afterIteration: number, limit: number): readonly EndedTrial[] {
    const { state } = this.live;
    const optimization = state.optimization(id);
    if (optimization === undefined) return [];
    const isShown = (variable: OptimizedVariable): boolean => this.#mayReadOnce(variable);
    return state.trialsOf(id, afterIteration, limit).map((trial) => endedTrial(optimization, trial, isShown));
  }

  trialsOf(reference: string, options: OptimizationHistoryOptions): readonly OptimizationEntry[] {
    checkOptions(options);
    for (const field of ['limit', 'sinceMs'] as const) {
      const count = options[field];
      if (count !== undefined) checkCount(field, count);
    }
    checkText('optimizerId', options.optimizerId);
    return optimizationEntries(this.live.state, this.#readable(reference), options);
  }

  checkValue(reference: string, value: unknown, kind?: ValueKind): unknown {
    this.requireVariable(reference);
    const cell = this.live.state.resolve(reference);
    if (cell === undefined) throw this.notFound(reference);
    const checked = checkOf(cell, this.services.types)(value, kind);
    if (!checked.ok) throw inVariable(cell.record.name, checked.error);
    return checked.value;
  }

  openWatch(options: WatchOptions): Watcher {
    checkOptions(options);
    checkWatch(options);
    this.expiry.touch();
    const { store, clock } = this.services;
    return openWatch(this.live, options, (after) => store.resume(this.id, after), clock, this.by);
  }

  /** Whether the caller, or the session named, has a right. Throws `variable_not_found`. */
  checkAccess(reference: string, permission: Permission, principal: string = this.caller.id): boolean {
    if (!isPermission(permission)) throw invalidArgument('permission', `one of ${permissions.join(', ')}`, permission);
    const { accessRules } = this.requireVariable(reference);
    if (!this.isGuest) return allows(accessRules, permission, principal);
    // Of others a guest is told nothing.
    if (principal !== this.caller.id) this.refuseGuest();
    return grants(accessRules, permission, principal);
  }

  /** What the variable depends on; with `transitive` at any distance, nearest first. */
  dependencies(reference: string, options: { readonly transitive?: boolean } = {}): readonly DependencyInfo[] {
    checkOptions(options);
    return this.#edges(reference, 'dependencies', options.transitive === true);
  }

  /** What depends on the variable; with `transitive` at any distance, nearest first. */
  dependents(reference: string, options: { readonly transitive?: boolean } = {}): readonly DependencyInfo[] {
    checkOptions(options);
    return this.#edges(reference, 'dependents', options.transitive === true);
  }

  /** How much a variable, or the session with all of them, is used. */
  stats(): SessionStats;
  stats(reference: string): VariableStats;
  stats(reference?: string): VariableStats {
    const { state, books } = this.live;
    const { stats } = books;
    if (reference === undefined) {
      this.refuseGuest();
      return stats.ofSession(state.cells());
    }
    const cell = state.resolve(reference);
    if (cell === undefined) throw this.notFound(reference);
    this.requireRight(cell.record, 'read');
    return stats.ofVariable(cell);
  }

  /** The variables that the caller may read, as a document: UTF-8 text in JSON or YAML. */
  async export(options: ExportOptions = {}): Promise<Uint8Array> {
    checkOptions(options);
    this.expiry.touch();
    const { state } = this.live;
    const variables = [...state.cells()]
      .filter(({ record }) => this.mayRead(record))
      .map((cell) => {
        const [record = cell.record, ...earlier] = options.includeHistory === true ? cell.history() : [cell.record];
        return { record, earlier: earlier.reverse() };
      });
    const { id, revision } = this;
    return encodeDocument(
      { session: id, revision, atMs: this.services.clock.nowMs(), graph: state.graph, variables },
      options,
    );
  }

  /**
   * Everything of a document or nothing, at one revision. Rejects with the path of what is wrong; a dry run instead
   * counts the variables that would be refused.
   */
  async import(bytes: Uint8Array, options: ImportOptions = {}): Promise<ImportResult> {
    checkOptions(options);
    const { format = 'json', mergeStrategy = 'replace', dryRun, source = SOURCE } = options;
    const document = reading('bytes', () =>
      decodeDocument(bytes, format, this.types, this.services.limits.maxImportBytes),
    );
    const { revision, summary } = await this.execute(
      { type: 'variables.import', document, mergeStrategy, dryRun, source },
      options,
    );
    return { ...summary, revision };
  }

  /** Puts off expiry. */
  touch(): void {
    this.refuseGuest();
    this.expiry.touch();
  }

  /**
   * Ends the session: observers hear of it, commands that wait are refused. Its state is deleted unless `keep`. Once it
   * has ended, whoever ended it, stopping it again does nothing: its id may be another session's by then.
   */
  async stop(options: { readonly keep?: boolean } = {}): Promise<void> {
    checkOptions(options);
    this.refuseGuest();
    if (this.by !== undefined)
      throw new CoilyardError('permission_denied', `${this.by.id} may not stop session ${this.id}`, {
        details: { principal: this.by.id, sessionId: this.id },
      });
    await this.live.stopped({ reason: 'session_stopped', keep: options.keep === true });
  }

  protected get caller(): Caller {
    return this.by ?? { id: this.live.id, byRuleOnly: false };
  }

  protected get types(): TypeRegistry {
    return this.services.types ?? builtInTypes;
  }

  /** Whether the caller has every right, which is most often so. */
  protected isOpen(record: Variable): boolean {
    return record.accessRules.length === 0 && !this.isGuest;
  }

  protected mayRead(record: Variable): boolean {
    return this.isOpen(record) || permits(record.accessRules, 'read', this.caller);
  }

  protected requireRight(record: Variable, permission: Permission): void {
    if (this.isOpen(record)) return;
    const denied = checkAccess(record, permission, this.caller);
    if (denied !== undefined) throw denied;
  }

  /** Throws `variable_not_found`, and `permission_denied` without the right. */
  protected requireVariable(reference: string, permission?: Permission): Variable {
    this.expiry.touch();
    const record = this.live.state.resolve(reference)?.record;
    if (record === undefined) throw this.notFound(reference);
    if (permission !== undefined) this.requireRight(record, permission);
    else if (this.isGuest && !grantsAnything(record.accessRules, this.caller.id)) this.refuseGuest();
    return record;
  }

  /** What is said of a variable that there is not; a guest cannot tell it from one that no rule grants it. */
  protected notFound(reference: string): CoilyardError {
    return this.isGuest ? notGranted(this.caller.id) : variableNotFound(reference);
  }

  /** Of the session as a whole, and of what is said of it, nothing is for guests. */
  protected refuseGuest(): void {
    if (this.isGuest) throw notGranted(this.caller.id);
  }

  /**
   * A deleted variable is known by its id a while longer, and its last rules hold.
   *
   * @param other a right that does as well.
   */
  #readable(reference: string, other?: Permission): Variable {
    const record = this.live.state.deleted(reference) ?? this.requireVariable(reference);
    if (other === undefined || !permits(record.accessRules, other, this.caller)) this.requireRight(record, 'read');
    return record;
  }

  /** Whether the caller may know of what is done with a variable. */
  #isKnown(id: string): boolean {
    const record = this.live.state.resolve(id)?.record ?? this.live.state.deleted(id);
    return record !== undefined && (this.mayRead(record) || permits(record.accessRules, 'optimize', this.caller));
  }

  #shownStatus(optimization: Optimization): OptimizationStatus {
    return statusOf(optimization, (variable, value) => (this.#mayReadOnce(variable) ? value : undefined));
  }

  /** Whether the caller may read a variable, or might while it was there. */
  #mayReadOnce({ id }: OptimizedVariable): boolean {
    const { state } = this.live;
    const record = state.resolve(id)?.record ?? state.deleted(id);
    return record !== undefined && this.mayRead(record);
  }

  #edges(reference: string, direction: 'dependencies' | 'dependents', isTransitive: boolean): DependencyInfo[] {
    const { id } = this.requireVariable(reference, 'read');
    const { graph } = this.live.state;
    const edges = isTransitive ? transitive(graph, id, direction) : [...graph[direction](id)];
    const shown = this.isGuest
      ? edges.filter(({ from, to }) => this.#mayReadById(from) && this.#mayReadById(to))
      : edges;
    return shown.map((edge) => this.#info(edge, direction));
  }

  #mayReadById(id: string): boolean {
    const record = this.live.state.resolve(id)?.record;
    return record !== undefined && this.mayRead(record);
  }

  #info({ from, to, type, metadata }: Dependency, direction: 'dependencies' | 'dependents'): DependencyInfo {
    const nameOf = (id: string): string => this.live.state.resolve(id)?.record.name ?? id;
    const variableId = direction === 'dependencies' ? to : from;
    return { name: nameOf(variableId), variableId, type, metadata, from: nameOf(from), to: nameOf(to) };
  }
}

/** A session as the other rooms hold it, valid across restarts of its actor: the handle, for one calling session. */

import { CoilyardError, invalidArgument } from '../kernel/errors.js';
import type { SessionId } from '../kernel/ids.js';
import { allows, isPermission, type Permission, permissions } from '../variables/access.js';
import type { AnyReply, ReplyTo, VariableCommand } from '../variables/commands.js';
import { type Dependency, transitive } from '../variables/graph.js';
import { checkAccess, variableNotFound } from '../variables/refusals.js';
import { decodeDocument } from '../variables/transfer-decode.js';
import { encodeDocument, type ExportOptions } from '../variables/transfer-encode.js';
import { builtInTypes, type TypeRegistry } from '../variables/types/registry.js';
import type { HistoryEntry, Variable } from '../variables/variable.js';
import { checkCount, checkOptions, checkWatch } from './arguments.js';
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
import { openWatch } from './open-watch.js';
import type { SessionServices } from './services.js';
import type { SessionStats, VariableStats } from './stats.js';

const SOURCE = 'typescript';

export abstract class SessionCore implements SessionHandle {
  protected readonly live: LiveSession;
  protected readonly services: SessionServices;
  protected readonly expiry: Expiry;
  /** The calling session when it is another one. */
  protected readonly principal: string | undefined;

  constructor(live: LiveSession, services: SessionServices, expiry: Expiry, principal: string | undefined) {
    this.live = live;
    this.services = services;
    this.expiry = expiry;
    this.principal = principal === live.id ? undefined : principal;
  }

  abstract as(principal: string): SessionCore;

  get id(): SessionId {
    return this.live.id;
  }

  get revision(): number {
    return this.live.position.revision;
  }

  info(): SessionInfo {
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
    const { principal } = this;
    return this.live.execute(principal === undefined ? command : { ...command, principal }, options);
  }

  lookUp(reference: string): Variable | undefined {
    this.expiry.touch();
    const cell = this.live.state.resolve(reference);
    if (cell === undefined) return undefined;
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
    // A deleted variable is known by its id a while longer, and its last rules hold.
    const deleted = this.live.state.deleted(reference);
    if (deleted === undefined) this.requireVariable(reference, 'read');
    else this.requireRight(deleted, 'read');
    return this.live.state.history(reference, limit, offset);
  }

  openWatch(options: WatchOptions): Watcher {
    checkOptions(options);
    checkWatch(options);
    this.expiry.touch();
    const { store, clock } = this.services;
    return openWatch(this.live, options, (after) => store.resume(this.id, after), clock, this.principal);
  }

  /** Whether the caller, or the session named, has a right. Throws `variable_not_found`. */
  checkAccess(reference: string, permission: Permission, principal: string = this.caller): boolean {
    if (!isPermission(permission)) throw invalidArgument('permission', `one of ${permissions.join(', ')}`, permission);
    return allows(this.requireVariable(reference).accessRules, permission, principal);
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
    if (reference === undefined) return stats.ofSession(state.cells());
    const cell = state.resolve(reference);
    if (cell === undefined) throw variableNotFound(reference);
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
    const document = decodeDocument(bytes, format, this.types, this.services.limits.maxImportBytes);
    const { revision, summary } = await this.execute(
      { type: 'variables.import', document, mergeStrategy, dryRun, source },
      options,
    );
    return { ...summary, revision };
  }

  /** Puts off expiry. */
  touch(): void {
    this.expiry.touch();
  }

  /**
   * Ends the session: observers hear of it, commands that wait are refused. Its state is deleted unless `keep`. Once it
   * has ended, whoever ended it, stopping it again does nothing: its id may be another session's by then.
   */
  async stop(options: { readonly keep?: boolean } = {}): Promise<void> {
    checkOptions(options);
    if (this.principal !== undefined)
      throw new CoilyardError('permission_denied', `${this.principal} may not stop session ${this.id}`, {
        details: { principal: this.principal, sessionId: this.id },
      });
    await this.live.stopped({ reason: 'session_stopped', keep: options.keep === true });
  }

  protected get caller(): string {
    return this.principal ?? this.live.id;
  }

  protected get types(): TypeRegistry {
    return this.services.types ?? builtInTypes;
  }

  protected mayRead(record: Variable): boolean {
    return record.accessRules.length === 0 || allows(record.accessRules, 'read', this.caller);
  }

  protected requireRight(record: Variable, permission: Permission): void {
    if (record.accessRules.length === 0) return;
    const denied = checkAccess(record, permission, this.caller);
    if (denied !== undefined) throw denied;
  }

  /** Throws `variable_not_found`, and `permission_denied` without the right. */
  protected requireVariable(reference: string, permission?: Permission): Variable {
    this.expiry.touch();
    const record = this.live.state.resolve(reference)?.record;
    if (record === undefined) throw variableNotFound(reference);
    if (permission !== undefined) this.requireRight(record, permission);
    return record;
  }

  #edges(reference: string, direction: 'dependencies' | 'dependents', isTransitive: boolean): DependencyInfo[] {
    const { id } = this.requireVariable(reference, 'read');
    const { graph } = this.live.state;
    const edges = isTransitive ? transitive(graph, id, direction) : [...graph[direction](id)];
    return edges.map((edge) => this.#info(edge, direction));
  }

  #info({ from, to, type, metadata }: Dependency, direction: 'dependencies' | 'dependents'): DependencyInfo {
    const nameOf = (id: string): string => this.live.state.resolve(id)?.record.name ?? id;
    const variableId = direction === 'dependencies' ? to : from;
    return { name: nameOf(variableId), variableId, type, metadata, from: nameOf(from), to: nameOf(to) };
  }
}
